"""Accounts for the system administrator, grants for the security administrator, the matrix for both and more."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.wrappers import Response

from secops.accounts import administration, approvals, services
from secops.accounts.matrix import (
    MatrixChoice,
    choices,
    matrix_groups,
    matrix_heads,
    matrix_rows,
    matrix_table,
)
from secops.accounts.models import Account, GrantRequest, Role, RoleGrant
from secops.accounts.passwords import one_time_password
from secops.accounts.tables import (
    ACCOUNTS,
    GRANTS,
    account_statement,
    departments,
    grant_statement,
    role_options,
)
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused, SecopsError
from secops.objects.models import Department, System
from secops.web.base import PageView
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.lang import language, t
from secops.web.table_export import export_rows, export_table

Page = str | Response | tuple[str, int]


class UserView(PageView):
    """Accounts, for the system administrator: without rights, without findings."""

    route_base = "/users"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = ACCOUNTS.load(
            self.db, account_statement(utc_now()), request.args, export_url=url_for("UserView.export")
        )
        return self.page("users.html", state=state, last_day=_last_day)

    @expose("/export")
    def export(self) -> Response:
        now = utc_now()
        title = t("账号", "accounts")
        return export_table(ACCOUNTS, self.db, account_statement(now), request.args, now=now, title=title)

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> Page:
        form = Form(request.form if request.method == "POST" else None)
        options = departments(self.db)
        if request.method == "POST":
            password = self._create(form, {value for value, _ in options})
            if password:
                return self.page(
                    "user_created.html", username=form.value("username").strip(), password=password
                )
        page = self.page("user_new.html", form=form, departments=options)
        return page if form.ok else (page, 400)

    def _create(self, form: Form, department_ids: set[str]) -> str:
        username = form.text("username", required=True, limit=32, least=2)
        name = form.text("display_name", required=True, limit=80)
        post = form.text("post", limit=80)
        department_id = form.choice("department", department_ids)
        until = form.day("until", after=utc_now().astimezone(zone()).date())
        if username and not username.replace("-", "").replace("_", "").replace(".", "").isalnum():
            form.fail("username", "只用字母、数字和 . _ - 。", "Letters, digits and . _ - only.")
        if not form.ok:
            return ""
        password = one_time_password()
        try:
            services.create_account(
                self.db,
                username=username,
                display_name=name,
                department=self.db.get_one(Department, int(department_id)),
                password=password,
                post=post,
                now=utc_now(),
                valid_until=_end_of(until),
            )
            self.db.commit()
        except BadInput as error:
            self.db.rollback()
            form.take(error)
            return ""
        return password

    @expose("/<int:user_id>/toggle", methods=["POST"])
    def toggle(self, user_id: int) -> Response:
        """Disable an open account, open a disabled one."""
        account = self.db.get(Account, user_id)
        if account is None:
            raise NotFound
        opening = request.form.get("to") == "enabled"
        act = administration.enable_account if opening else administration.disable_account
        try:
            act(self.db, account, by=self.who.name, reason=request.form.get("reason", ""), now=utc_now())
        except SecopsError as error:
            return _complain(self, error, "UserView.index")
        if opening:
            return self.done(url_for("UserView.index"), "账号已启用。", "The account is open again.")
        return self.done(
            url_for("UserView.index"),
            "账号已停用，它的会话已全部退出。",
            "The account is disabled; its sessions have ended.",
        )

    @expose("/<int:user_id>/end", methods=["POST"])
    def set_end(self, user_id: int) -> Response:
        """Give an account its last day, move it, or take it away."""
        account = self.db.get(Account, user_id)
        if account is None:
            raise NotFound
        form = Form(request.form)
        until = form.day("until")
        try:
            if not form.ok:
                raise BadInput("日期写作 2026-11-25 的形式。", "Write the date like 2026-11-25.", "until")
            administration.set_end(
                self.db,
                account,
                _end_of(until),
                by=self.who.name,
                reason=request.form.get("reason", ""),
                now=utc_now(),
            )
        except SecopsError as error:
            return _complain(self, error, "UserView.index")
        return self.done(url_for("UserView.index"), "到期日已调整。", "The end is set.")

    @expose("/<int:user_id>/reset-factor", methods=["POST"])
    def reset_factor(self, user_id: int) -> Response:
        """Ask for the reset of a lost second factor; the security administrator decides."""
        account = self.db.get(Account, user_id)
        if account is None:
            raise NotFound
        reason = request.form.get("reason", "")
        try:
            approvals.ask_for_factor_reset(
                self.db,
                account,
                by=self.who.name,
                reason=reason,
                now=utc_now(),
                settings=self.platform.settings,
            )
        except SecopsError as error:
            return _complain(self, error, "UserView.index")
        back = url_for("UserView.index")
        return self.done(
            back, "已提交，等待安全管理员批准。", "Asked for; the security administrator decides."
        )

    @expose("/<int:user_id>/end-sessions", methods=["POST"])
    def end_sessions(self, user_id: int) -> Response:
        account = self.db.get(Account, user_id)
        if account is None:
            raise NotFound
        reason = request.form.get("reason", "")
        try:
            ended = administration.end_sessions(self.db, account, reason=reason, now=utc_now())
        except SecopsError as error:
            return _complain(self, error, "UserView.index")
        back = url_for("UserView.index")
        return self.done(back, f"已退出 {ended} 个会话。", f"{ended} sessions have ended.")


class GrantView(PageView):
    """Role grants, for the security administrator."""

    route_base = "/grants"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = GRANTS.load(self.db, grant_statement(), request.args, export_url=url_for("GrantView.export"))
        return self.page("grants.html", state=state, mine=self.who.user_id)

    @expose("/export")
    def export(self) -> Response:
        title = t("角色授权", "role grants")
        return export_table(GRANTS, self.db, grant_statement(), request.args, now=utc_now(), title=title)

    @expose("/new", methods=["GET", "POST"])
    def grant(self) -> Page:
        form = Form(request.form) if request.method == "POST" else Form(user=request.args.get("user", ""))
        options = departments(self.db)
        people = self._people()
        if request.method == "POST":
            made = self._grant(form, people, options)
            if isinstance(made, RoleGrant):
                return self.done(url_for("GrantView.index"), "授权已生效。", "The grant is in force.")
            if made is not None:
                back = url_for("ApprovalView.index")
                return self.done(
                    back, "已提交，等待第二个人批准。", "Asked for; a second person decides.", "info"
                )
        page = self.page(
            "grant_new.html", form=form, departments=options, people=people, roles=role_options()
        )
        return page if form.ok else (page, 400)

    def _people(self) -> list[tuple[str, str]]:
        rows = self.db.execute(
            select(Account.user_id, Account.display_name, User.username, Department.name)
            .join(User, User.id == Account.user_id)
            .join(Department, Department.id == Account.department_id)
            .where(User.active.is_(True))
            .order_by(Account.display_name)
        )
        return [(str(row[0]), f"{row[1]}（{row[2]}，{row[3]}）") for row in rows]

    def _grant(
        self, form: Form, people: list[tuple[str, str]], options: list[tuple[str, str]]
    ) -> RoleGrant | GrantRequest | None:
        user_id = form.choice("user", {value for value, _ in people})
        role = form.choice("role", {item.value for item in Role})
        department_id = form.choice("department", {value for value, _ in options})
        until = form.day("until", required=role == Role.ASSESSOR, after=utc_now().astimezone(zone()).date())
        code = form.text("system", limit=32)
        assignment = form.text("assignment", required=role == Role.ASSESSOR, limit=120)
        reason = form.text("reason", required=True, limit=400, least=2)
        if not form.ok:
            return None
        try:
            wanted = approvals.Wanted(
                account=self.db.get_one(Account, int(user_id)),
                role=Role(role),
                department=self.db.get_one(Department, int(department_id)),
                system_id=self._system(code, int(department_id)) if code else None,
                valid_until=_end_of(until),
                assignment=assignment,
            )
            return approvals.ask_for_role(
                self.db,
                wanted,
                by=self.who.name,
                reason=reason,
                now=utc_now(),
                settings=self.platform.settings,
            )
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("role", error.zh, error.en)
        return None

    def _system(self, code: str, department_id: int) -> int:
        """Id of a system by its code. The administrator sees no system; the platform looks up this one name."""
        with self.platform.work("grant:system-code") as session:
            row = session.execute(select(System.id, System.department_id).where(System.code == code)).first()
        if row is None or row.department_id != department_id:
            raise BadInput(
                "这个部门没有此编号的系统。", "The department has no system with this code.", "system"
            )
        return int(row.id)

    @expose("/<int:grant_id>/revoke", methods=["POST"])
    def revoke(self, grant_id: int) -> Response:
        grant = self.db.get(RoleGrant, grant_id)
        if grant is None:
            raise NotFound
        try:
            administration.revoke_grant(
                self.db, grant, by=self.who.name, reason=request.form.get("reason", ""), now=utc_now()
            )
        except SecopsError as error:
            return _complain(self, error, "GrantView.index")
        return self.done(url_for("GrantView.index"), "角色已收回。", "The role was revoked.")


class MatrixView(PageView):
    """Who may do what, straight from the reviewed permission file."""

    route_base = "/matrix"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        chosen = MatrixChoice.of(request.args)
        picked = [role.value for role in chosen.roles] if len(chosen.roles) < len(Role) else []
        return self.page(
            "matrix.html",
            heads=matrix_heads(chosen),
            groups=matrix_groups(chosen),
            chosen=chosen,
            picked=picked,
            narrowed=chosen != MatrixChoice(),
            **choices(),
        )

    @expose("/export")
    def export(self) -> Response:
        """One line for each endpoint and method, one column for each role."""
        chosen = MatrixChoice.of(request.args)
        rows = iter(matrix_rows(chosen))
        title = t("权限矩阵", "permission matrix")
        return export_rows(matrix_table(chosen), rows, request.args, now=utc_now(), title=title)


def _end_of(day: date | None) -> datetime | None:
    """The moment after the last day, by the platform's clock."""
    return datetime.combine(day + timedelta(days=1), time(), zone()) if day else None


def _last_day(moment: datetime | None) -> str:
    """The day before *moment*, as the form shows it."""
    return (moment.astimezone(zone()) - timedelta(days=1)).date().isoformat() if moment else ""


def _complain(view: PageView, error: SecopsError, endpoint: str) -> Response:
    """Back to the list with the reason why nothing was done."""
    view.db.rollback()
    flash(error.text(language()), "danger")
    return redirect(url_for(endpoint))
