"""Pages of the registers: one set of pages, one class for each register, so that each has lines of its own in the permission file."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from flask import Response as FlaskResponse
from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import BadInput, Conflict, Refused
from secops.inventory import discovery, imports, registers, services
from secops.inventory.calendar_views import CalendarView
from secops.inventory.classify_views import ClassifyView
from secops.inventory.fields import Field, Kind
from secops.inventory.inheritance_views import InheritanceView
from secops.inventory.models import ImportDraft
from secops.inventory.registers import REGISTERS, Register
from secops.inventory.scope_views import ScopeView
from secops.inventory.sheets import MAX_BYTES, MAX_ROWS, write_book
from secops.inventory.snapshot_views import SnapshotView
from secops.inventory.tables import TABLES
from secops.objects.models import Department, System
from secops.objects.tables import today
from secops.scope import ScopeViolation
from secops.web.base import PageView
from secops.web.filters import local_time
from secops.web.forms import Form
from secops.web.history import history
from secops.web.lang import language, t
from secops.web.links import LINKS
from secops.web.scope_filters import asked_system, scoped_departments, system_options, system_words
from secops.web.table_export import export_table

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHOWN_ROWS = 200


class RegistersView(PageView):
    """All registers with how many rows each has."""

    route_base = "/registers"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        counts = {
            key: self.db.scalar(
                select(func.count()).select_from(services.readable(self.db, one).order_by(None).subquery())
            )
            for key, one in REGISTERS.items()
        }
        return self.page("registers.html", registers=REGISTERS, counts=counts, **LINKS)


class _RegisterPages(PageView):
    """List, form, import and export of one register."""

    default_view = "index"
    register: ClassVar[Register]

    def _url(self, action: str, **values: Any) -> str:
        return url_for(f"{self.register.page}.{action}", **values)

    def _page(self, template: str, **context: Any) -> str:
        return self.page(template, register=self.register, Kind=Kind, url=self._url, **context, **LINKS)

    @expose("/")
    def index(self) -> str:
        state = TABLES[self.register.key].load(
            self.db, services.readable(self.db, self.register), request.args, export_url=self._url("export")
        )
        return self._page("register_list.html", state=state)

    @expose("/export")
    def export(self) -> Response:
        return export_table(
            TABLES[self.register.key],
            self.db,
            services.readable(self.db, self.register),
            request.args,
            now=utc_now(),
            title=self.register.title,
        )

    @expose("/template")
    def template(self) -> Response:
        """The empty template, or with ``filled`` all rows in scope in the shape that an import takes."""
        rows = self._filled() if request.args.get("filled") else []
        now = utc_now()
        content = write_book(self.register, rows, now=now)
        words = self.register.title if rows else t(f"{self.register.zh}模板", f"{self.register.en} template")
        answer = FlaskResponse(content, mimetype=_XLSX)
        name = quote(f"{words}-{local_time(now)[:10]}.xlsx", safe="")
        answer.headers["Content-Disposition"] = (
            f"attachment; filename=\"{self.register.key}.xlsx\"; filename*=UTF-8''{name}"
        )
        return answer

    def _filled(self) -> list[dict[str, Any]]:
        from secops.audit_log.services import record_alone

        record_alone(
            self.platform.engine, self.who, "table.export", now=utc_now(),
            object_type="table", object_id=f"register_{self.register.key}", detail={"format": "template"},
        )  # fmt: skip
        found = self.db.execute(services.readable(self.db, self.register).limit(MAX_ROWS))
        return [_cells(self.register, row) for row in found]

    @expose("/<int:row_id>")
    def show(self, row_id: int) -> str:
        row = services.get_row(self.db, self.register, row_id)
        values = services.values_of(self.register, row)
        place = _place(self.db, self.register, row)
        pairs = [
            (one.title, one.words(values[one.key])) for one in self.register.own_fields if one.key in values
        ]
        return self._page(
            "register_show.html",
            row=row,
            pairs=[*place, *pairs],
            name=_name(self.register, row),
            system=self.db.get(System, getattr(row, "system_id", 0) or 0),
            gaps=self.register.gaps(row, today()),
            history=history(self.db, type(row).__name__, row.id),
        )

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        form = Form(request.form if request.method == "POST" else None, **self._start())
        if request.method == "POST":
            row = self._save(form, None)
            if row is not None:
                return self.done(self._url("show", row_id=row.id), "已登记。", "Registered.")
            self.db.rollback()
            return self._form(form, None), 400
        return self._form(form, None)

    def _start(self) -> dict[str, Any]:
        """What an empty form begins with: the system that the link names, and the first of each closed list that has a usual value."""
        system = asked_system(self.db, request.args.get("system"))
        usual = {
            "secrecy": "none",
            "state": "running",
            "cloud_state": "open",
            "importance": "important",
            "review_months": "12",
        }
        keys = {one.key for one in self.register.fields}
        start = {
            key: value
            for key, value in usual.items()
            if key in keys and not (key == "state" and self.register.key != "systems")
        }
        return start | ({"system": system.code} if system is not None else {})

    @expose("/<int:row_id>/edit", methods=["GET", "POST"])
    def edit(self, row_id: int) -> str | Response | tuple[str, int]:
        row = services.get_row(self.db, self.register, row_id)
        if request.method == "POST":
            form = Form(request.form)
            if self._save(form, row) is not None:
                return self.done(self._url("show", row_id=row_id), "已保存。", "Saved.")
            self.db.rollback()
            return self._form(form, services.get_row(self.db, self.register, row_id)), 400
        return self._form(Form(**_typed(self.register, self.db, row)), row)

    def _form(self, form: Form, row: Any | None) -> str:
        return self._page(
            "register_form.html",
            form=form,
            row=row,
            name=_name(self.register, row) if row is not None else "",
            departments=scoped_departments(self.db),
        )

    def _save(self, form: Form, row: Any | None) -> Any:
        cells = {
            one.key: "\n".join(form.values(one.key)) if one.kind is Kind.CHOICES else form.value(one.key)
            for one in self.register.fields
        }
        cells = _with_names(self.register, cells, self.db)
        values, errors = services.read_values(self.register, cells, services.Places(self.db))
        for error in errors:
            form.take(error)
        if errors:
            return None
        version = form.value("version")
        try:
            return services.save(
                self.db,
                self.register,
                row,
                values,
                now=utc_now(),
                version=int(version) if version.isdigit() else None,
            )
        except BadInput as error:
            form.take(error)
        except (Conflict, Refused) as error:
            form.fail("", error.zh, error.en)
        except ScopeViolation:
            form.fail("", "不在您的权限范围内。", "That is outside of your scope.")
        return None

    @expose("/<int:row_id>/remove", methods=["POST"])
    def remove(self, row_id: int) -> Response | tuple[str, int]:
        row = services.get_row(self.db, self.register, row_id)
        try:
            services.remove(self.db, self.register, row, reason=request.form.get("reason", ""), now=utc_now())
        except (BadInput, Refused) as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(self._url("show", row_id=row_id))
        return self.done(
            self._url("index"),
            "已删除，内容保留在审计日志中。",
            "Removed; what it said stays in the audit log.",
        )

    @expose("/import", methods=["GET", "POST"])
    def upload(self) -> str | Response | tuple[str, int]:
        """Take a file; its rows are kept for the preview and nothing else."""
        form = Form(request.form if request.method == "POST" else None)
        if request.method == "POST":
            file = request.files.get("file")
            if file is None or not file.filename:
                form.fail("file", "请选择文件。", "Choose a file.")
            else:
                try:
                    draft = imports.keep_draft(
                        self.db, self.register, file.filename, file.stream.read(MAX_BYTES + 1), now=utc_now()
                    )
                    imports.plan_draft(self.db, draft)
                    self.db.commit()
                    return redirect(self._url("preview", draft_id=draft.id))
                except BadInput as error:
                    self.db.rollback()
                    form.take(error)
            return self._page("register_import.html", form=form, most=MAX_ROWS, limit_mb=MAX_BYTES >> 20), 400
        return self._page("register_import.html", form=form, most=MAX_ROWS, limit_mb=MAX_BYTES >> 20)

    @expose("/import/<int:draft_id>")
    def preview(self, draft_id: int) -> str:
        return self._preview(imports.get_draft(self.db, self.register, draft_id))

    def _preview(self, draft: ImportDraft, problem: str = "") -> str:
        plan = imports.plan_draft(self.db, draft)
        changed = [one for one in plan.rows if one.action != "same"]
        return self._page(
            "register_preview.html",
            draft=draft,
            plan=plan,
            faults=plan.faults[:_SHOWN_ROWS],
            rows=[(one, _change_words(self.register, one)) for one in changed[:_SHOWN_ROWS]],
            left=max(0, len(changed) - _SHOWN_ROWS),
            problem=problem,
        )

    @expose("/import/<int:draft_id>/apply", methods=["POST"])
    def apply(self, draft_id: int) -> Response | tuple[str, int]:
        """Write the very plan that the preview showed; a store that moved meanwhile shows the preview again."""
        draft = imports.get_draft(self.db, self.register, draft_id)
        plan = imports.plan_draft(self.db, draft)
        if plan.digest != request.form.get("digest"):
            words = t("预览之后数据有变化，请重新核对。", "The data changed after the preview; look again.")
            return self._preview(draft, words), 409
        try:
            counts = imports.apply(self.db, plan, file_name=draft.file_name, sm3=draft.sm3, now=utc_now())
        except BadInput as error:
            self.db.rollback()
            return self._preview(
                imports.get_draft(self.db, self.register, draft_id), error.text(language())
            ), 400
        self.db.delete(draft)
        return self.done(
            self._url("index"),
            f"已导入：新增 {counts['create']}，更新 {counts['update']}，未变 {counts['same']}。",
            f"Imported: {counts['create']} new, {counts['update']} updated, {counts['same']} unchanged.",
        )


def _name(register: Register, row: Any) -> str:
    words = [getattr(row, key) for key in register.identity if key not in ("system", "department")]
    parts = [
        register.field(key).words(getattr(value, "value", value))
        for key, value in zip(
            [k for k in register.identity if k not in ("system", "department")], words, strict=True
        )
    ]
    return getattr(row, "name", None) or " · ".join(part for part in parts if part)


def _place(session: Any, register: Register, row: Any) -> list[tuple[str, Any]]:
    department = session.get(Department, getattr(row, "department_id", 0) or 0)
    found = [(t("部门", "Department"), department.name)] if department is not None else []
    system = session.get(System, getattr(row, "system_id", 0) or 0)
    if system is not None:
        found.insert(0, (t("系统", "System"), f"{system.name}（{system.code}）"))
    if isinstance(row, Department) and row.parent_id:
        found.append((t("上级部门", "Parent"), session.get_one(Department, row.parent_id).name))
    return found


def _typed(register: Register, session: Any, row: Any) -> dict[str, Any]:
    """The values of a row as the form shows them."""
    values = services.values_of(register, row)
    start: dict[str, Any] = {"version": row.version, "secrecy": "none"}
    for one in register.own_fields:
        if one.key in values:
            value = values[one.key]
            start[one.key] = (
                value
                if one.kind is Kind.CHOICES
                else ("1" if value else "")
                if one.kind is Kind.YESNO
                else "\n".join(value)
                if isinstance(value, list)
                else value
            )
    if register.place == "system":
        start["system"] = session.get_one(System, row.system_id).code
    if register.place == "department":
        start["department"] = row.department_id
    if isinstance(row, Department):
        start["parent"] = row.parent_id
    return start


def _with_names(register: Register, cells: dict[str, Any], session: Any) -> dict[str, Any]:
    """Forms name a department by its id, sheets by code or name: one reader for both."""
    for one in register.fields:
        text = str(cells.get(one.key) or "")
        if one.kind is Kind.DEPARTMENT and text.isdigit():
            department = session.get(Department, int(text))
            cells[one.key] = department.code if department is not None else text
    return cells


def _cells(register: Register, found: Any) -> dict[str, Any]:
    row = found[0]
    cells: dict[str, Any] = dict(services.values_of(register, row))
    for one in register.fields:
        if one.kind is Kind.SYSTEM:
            cells[one.key] = found.system_code
        elif one.kind is Kind.DEPARTMENT:
            cells[one.key] = getattr(found, f"{one.key}_code") or ""
        elif one.key == "secrecy":
            cells[one.key] = "none"
    return cells


def _change_words(register: Register, one: Any) -> list[tuple[str, str, str]]:
    found = []
    for key, (old, new) in one.changes.items():
        field: Field = register.field(key)
        found.append((field.title, field.words(old), field.words(new)))
    return found


class SystemRegister(_RegisterPages):
    route_base = "/registers/systems"
    register = registers.SYSTEMS


class AssetRegister(_RegisterPages):
    route_base = "/registers/assets"
    register = registers.ASSETS

    @expose("/discover", methods=["GET", "POST"])
    def discover(self) -> str | Response | tuple[str, int]:
        """Hosts of an nmap report, proposed as targets of one system."""
        asked = asked_system(self.db, request.args.get("system"))
        start = system_words(asked) if asked is not None else ""
        form = Form(request.form if request.method == "POST" else None, system=start)
        if request.method == "POST":
            system = asked_system(self.db, form.value("system"))
            file = request.files.get("file")
            if system is None:
                form.fail("system", "请选择系统。", "Choose a system.")
            if file is None or not file.filename:
                form.fail("file", "请选择文件。", "Choose a file.")
            if form.ok and system is not None and file is not None:
                done = self._propose(system, file, form)
                if done is not None:
                    return done
            self.db.rollback()
        page = self._page("asset_discover.html", form=form, systems=system_options(self.db))
        return (page, 400) if form.errors else page

    def _propose(self, system: System, file: Any, form: Form) -> Response | None:
        try:
            draft, found = discovery.propose(
                self.db,
                system,
                file.stream.read(discovery.MAX_BYTES + 1),
                file_name=file.filename,
                now=utc_now(),
            )
        except BadInput as error:
            form.take(error)
            return None
        self.db.commit()
        words = t(
            f"报告中有 {len(found.new)} 个新地址，{len(found.known)} 个已登记；"
            f"{len(found.silent)} 个已登记的地址在报告中没有应答。",
            f"{len(found.new)} new addresses, {len(found.known)} known; {len(found.silent)} registered ones did not answer.",
        )
        flash(words, "info")
        if draft is None:
            return redirect(url_for("SystemView.assets", system_id=system.id))
        return redirect(self._url("preview", draft_id=draft.id))


class DepartmentRegister(_RegisterPages):
    route_base = "/registers/departments"
    register = registers.DEPARTMENTS


class FilingRegister(_RegisterPages):
    route_base = "/registers/filings"
    register = registers.FILINGS


class DataRegister(_RegisterPages):
    route_base = "/registers/data"
    register = registers.CATEGORIES


class FlowRegister(_RegisterPages):
    route_base = "/registers/flows"
    register = registers.FLOWS


class ReleaseRegister(_RegisterPages):
    route_base = "/registers/releases"
    register = registers.RELEASES


class PolicyRegister(_RegisterPages):
    route_base = "/registers/policies"
    register = registers.POLICIES


class PostRegister(_RegisterPages):
    route_base = "/registers/posts"
    register = registers.POSTS


REGISTER_VIEWS = (
    SystemRegister,
    AssetRegister,
    DepartmentRegister,
    FilingRegister,
    DataRegister,
    FlowRegister,
    ReleaseRegister,
    PolicyRegister,
    PostRegister,
)
VIEWS: tuple[type, ...] = (
    RegistersView,
    CalendarView,
    ClassifyView,
    ScopeView,
    InheritanceView,
    SnapshotView,
    *REGISTER_VIEWS,
)
