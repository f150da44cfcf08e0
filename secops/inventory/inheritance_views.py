"""Inheritance of one system: what it takes from providers, and what it publishes to tenants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from controls.catalog import AssessmentUnit
from controls.terms import SecurityClass, Verdict
from secops.catalogue.rows import RowChoice, RowTable
from secops.catalogue.words import clause_words, term
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused
from secops.evidence.models import BlobState, Evidence
from secops.inventory import providers
from secops.inventory.models import InheritedUnit, Publication
from secops.inventory.sheets import read_sheet
from secops.objects.models import System
from secops.objects.queries import item_rows, system_head
from secops.objects.tables import today
from secops.objects.views import head_context
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import Label, label
from secops.web.lang import language, pick, t
from secops.web.links import link
from secops.web.table_export import export_table
from secops.web.tables import BulkAction, Column

HOW = {
    "own": Label("自有", "Own", "plain"),
    "inherited": Label("继承", "Inherited", "info", "box-arrow-in-down"),
    "shared": Label("共担", "Shared", "info", "people"),
    "theirs": Label("他方负责", "Answered by others", "mute", "envelope"),
}
_YEAR = timedelta(days=365)
_WORDS = (
    {one.value: one.value for one in Verdict}
    | {one.zh: one.value for one in Verdict}
    | {one.en.casefold(): one.value for one in Verdict}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of a tenant with who answers it."""

    unit: AssessmentUnit
    position: int
    taken: InheritedUnit | None
    expired: bool

    @property
    def how(self) -> str:
        return self.taken.responsibility if self.taken else "own"


def _until(row: Row) -> Any:
    return row.taken.expires_on if row.taken else None


def _result(row: Row) -> Label | None:
    if row.taken is None or row.taken.responsibility == "theirs":
        return None
    if row.expired:
        return Label("已到期", "Expired", "bad", "calendar-x")
    return label("verdict", row.taken.verdict or "not_examined")


def _provider(row: Row) -> str:
    return row.taken.provider_name if row.taken else ""


TABLE = RowTable(
    "inheritance",
    (
        Column("unit", "控制项", "Item", lambda r: str(r.unit.id), sort=lambda r: r.position, note=lambda r: clause_words(r.unit), kind="code", width="fit"),
        Column("summary", "要求（平台摘要）", "Requirement (our summary)", lambda r: pick(r.unit.summary), width="wide"),
        Column("how", "责任", "Answered", lambda r: HOW[r.how], sort=lambda r: list(HOW).index(r.how), kind="badge", width="fit"),
        Column("provider", "提供方", "Provider", _provider, sort=_provider),
        Column("result", "提供方结论", "Provider's result", lambda r: _result(r) or "", kind="badge", width="fit"),
        Column("until", "有效期至", "Valid through", _until, sort=lambda r: str(_until(r) or ""), kind="day", width="fit"),
        Column("report", "报告", "Report", lambda r: r.taken.report if r.taken else "", shown=False),
        Column("class", "安全类", "Class", lambda r: term(SecurityClass(r.unit.class_code)), sort=lambda r: r.unit.class_code, shown=False),
    ),
    filters=(
        RowChoice("how", "责任", "Answered", options=lambda s: [(key, one.text) for key, one in HOW.items()], of=lambda r: r.how),
        RowChoice("class", "安全类", "Class", options=lambda s: [(one.value, term(one)) for one in SecurityClass], of=lambda r: str(r.unit.class_code)),
        RowChoice("state", "时效", "Time", options=lambda s: [("expired", t("已到期", "Expired"))], of=lambda r: "expired" if r.expired else ""),
    ),
    search=(lambda r: f"{r.unit.id} {clause_words(r.unit)} {r.unit.summary.zh} {r.unit.summary.en} {_provider(r)}".casefold(),),
    default_sort="unit",
    page_sizes=(50, 100, 200),
    row_id=lambda r: str(r.unit.id),
    row_url=lambda r: link("SystemView.item", system_id=(request.view_args or {})["system_id"], unit_id=str(r.unit.id)),
    row_tone=lambda r: "bad" if r.expired else "",
    bulk=(BulkAction("claim", "设定责任", "Say who answers", lambda: url_for("InheritanceView.claim", system_id=(request.view_args or {})["system_id"]), icon="people"),),
    empty=("没有适用的控制项。", "No item applies.", "先为系统定级。", "Classify the system first."),
)  # fmt: skip


class InheritanceView(PageView):
    """Who answers which item."""

    route_base = "/systems"

    def _rows(self, system: System) -> list[Row]:
        now = today()
        taken = {
            row.unit_id: row
            for row in self.db.scalars(select(InheritedUnit).where(InheritedUnit.system_id == system.id))
        }
        found = []
        for place, unit in enumerate(providers.units_of(system)):
            row = taken.get(str(unit.id))
            expired = row is not None and row.expires_on is not None and row.expires_on < now
            found.append(Row(unit, place, row, expired))
        return found

    @expose("/<int:system_id>/inheritance")
    def index(self, system_id: int) -> str:
        head = system_head(self.db, system_id)
        rows = self._rows(head.system)
        where = url_for("InheritanceView.export", system_id=system_id)
        published = self.db.scalars(
            select(Publication).where(Publication.system_id == system_id).order_by(Publication.id.desc())
        ).all()
        found = providers.providers(self.db, but=system_id)
        lower = [
            one
            for one in found
            if one.level < (head.system.level or 0)
            and any(row.taken is not None and row.taken.provider_id == one.id for row in rows)
        ]
        return self.page(
            "system_inheritance.html",
            **head_context(head, "inheritance"),
            state=TABLE.load(self.db, rows, request.args, export_url=where),
            counts={key: sum(1 for row in rows if row.how == key) for key in HOW},
            expired=sum(1 for row in rows if row.expired),
            how=HOW,
            published=published,
            today=today(),
            tenants=self._tenants(system_id),
            lower=lower,
        )

    def _tenants(self, system_id: int) -> int:
        with providers.beyond_scope(self.db, "inheritance"):
            query = select(func.count(InheritedUnit.system_id.distinct())).where(
                InheritedUnit.provider_id == system_id
            )
            return self.db.scalar(query) or 0

    @expose("/<int:system_id>/inheritance/export")
    def export(self, system_id: int) -> Response:
        system = system_head(self.db, system_id).system
        rows: Any = self._rows(system)
        title = t(f"{system.code} 继承", f"{system.code} inheritance")
        return export_table(TABLE, self.db, rows, request.args, now=utc_now(), title=title)

    @expose("/<int:system_id>/inheritance/claim", methods=["POST"])
    def claim(self, system_id: int) -> str | Response | tuple[str, int]:
        """First the chosen units with the question who answers them, then the answer itself."""
        head = system_head(self.db, system_id)
        form = Form(request.form)
        units = form.values("ids")[:400]
        back = url_for("InheritanceView.index", system_id=system_id)
        if not units:
            flash(t("请先勾选控制项。", "Choose items first."), "warning")
            return redirect(back)
        if form.value("responsibility"):
            done = self._claim(head.system, form, units)
            if done is not None:
                return self.done(back, f"已记录 {done} 个控制项的责任。", f"Recorded for {done} items.")
            self.db.rollback()
        rows = [row for row in self._rows(head.system) if str(row.unit.id) in set(units)]
        letters = self.db.execute(
            select(Evidence.id, Evidence.title)
            .where(Evidence.system_id == system_id, Evidence.blob_state == BlobState.OK)
            .order_by(Evidence.id.desc())
            .limit(100)
        )
        page = self.page(
            "system_claim.html",
            **head_context(head, "inheritance"),
            form=form,
            units=units,
            rows=rows,
            how=[(key, one.text) for key, one in HOW.items()],
            providers=[
                (one.id, f"{one.name}（{one.report}，{t('至', 'until')} {one.expires_on}）")
                for one in providers.providers(self.db, but=system_id)
            ],
            letters=[(row.id, row.title) for row in letters],
        )
        return (page, 400) if form.errors else page

    def _claim(self, system: System, form: Form, units: list[str]) -> int | None:
        how = form.choice("responsibility", list(HOW))
        try:
            if how == "own":
                providers.release(self.db, system, units, now=utc_now())
                return len(units)
            provider, letter = form.value("provider"), form.value("letter")
            return providers.claim(
                self.db, system, units, responsibility=how,
                provider_id=int(provider) if provider.isdigit() and how != "theirs" else None,
                letter_id=self._letter(system, letter) if how == "theirs" else None,
                actor=self.who.name, now=utc_now(),
            )  # fmt: skip
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("letter", error.zh, error.en)
        return None

    def _letter(self, system: System, text: str) -> int | None:
        if not text.isdigit():
            return None
        query = select(Evidence.id).where(Evidence.id == int(text), Evidence.system_id == system.id)
        return self.db.scalar(query)

    @expose("/<int:system_id>/inheritance/publish", methods=["GET", "POST"])
    def publish(self, system_id: int) -> str | Response | tuple[str, int]:
        """Publish the results of a report: a sheet with unit and verdict, or the present suggestions a person confirms."""
        head = system_head(self.db, system_id)
        now = today()
        if request.method == "GET":
            return self._publish_page(head, Form(decided_on=now, expires_on=now + _YEAR, source=["posture"]))
        form = Form(request.form)
        report = form.text("report", required=True, limit=200)
        decided_on, expires_on = form.day("decided_on", required=True), form.day("expires_on", required=True)
        source = form.choice("source", ("posture", "file"))
        if form.ok and decided_on and expires_on:
            try:
                results = self._file_results() if source == "file" else self._posture_results(head.system)
                row = providers.publish(
                    self.db, head.system, report=report, results=results, decided_on=decided_on,
                    expires_on=expires_on, actor=self.who.name, now=utc_now(),
                )  # fmt: skip
                count = len(row.results)
                back = url_for("InheritanceView.index", system_id=system_id)
                return self.done(
                    back,
                    f"已发布 {count} 项结果，租户系统的态势已更新。",
                    f"{count} results published; the tenants follow.",
                )
            except BadInput as error:
                form.take(error)
        self.db.rollback()
        return self._publish_page(head, form), 400

    def _publish_page(self, head: Any, form: Form) -> str:
        return self.page(
            "system_publish.html",
            **head_context(head, "inheritance"),
            form=form,
            judged=len(self._posture_results(head.system)),
        )

    def _posture_results(self, system: System) -> dict[str, str]:
        return {
            str(row.unit.id): row.state for row in item_rows(self.db, system) if row.state != "not_examined"
        }

    def _file_results(self) -> dict[str, str]:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise BadInput("请选择文件。", "Choose a file.", "file")
        found: dict[str, str] = {}
        for number, row in enumerate(read_sheet(file.stream.read(4 << 20)), start=1):
            cells = [str(cell or "").strip() for cell in row]
            if len(cells) < 2 or not cells[0].startswith("L"):
                continue
            verdict = _WORDS.get(cells[1]) or _WORDS.get(cells[1].casefold())
            if verdict is None:
                raise BadInput(
                    f"第 {number} 行：判定“{cells[1][:20]}”无效，应为符合、部分符合、不符合或不适用。",
                    f"Row {number}: no such verdict {cells[1][:20]!r}.",
                    "file",
                )
            found[cells[0]] = verdict
        return found

    @expose("/<int:system_id>/inheritance/<int:publication_id>/withdraw", methods=["POST"])
    def withdraw(self, system_id: int, publication_id: int) -> Response:
        """Take a publication back."""
        system_head(self.db, system_id)
        back = url_for("InheritanceView.index", system_id=system_id)
        try:
            providers.withdraw_publication(
                self.db, publication_id, reason=request.form.get("reason", ""), now=utc_now()
            )
        except NotFound:
            raise
        except BadInput as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(back)
        return self.done(back, "已撤回，租户不再继承这些结果。", "Taken back; tenants no longer inherit it.")
