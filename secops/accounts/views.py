"""Log in, log out, own password."""

from __future__ import annotations

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import User
from werkzeug.wrappers import Response

from secops.accounts import services
from secops.accounts.admin_views import GrantView, MatrixView, UserView
from secops.accounts.approval_views import VIEWS as APPROVAL_VIEWS
from secops.accounts.door import admit, forget
from secops.accounts.models import Account
from secops.accounts.passwords import HISTORY, MAX_LENGTH, MIN_LENGTH
from secops.accounts.session_views import SessionView
from secops.accounts.sessions import Ending, end_session
from secops.clock import utc_now
from secops.errors import BadInput
from secops.scope import Principal
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import t
from secops.web.paths import safe_next

PASSWORD_RULES = (
    (f"{MIN_LENGTH} 到 {MAX_LENGTH} 个字符", f"{MIN_LENGTH} to {MAX_LENGTH} characters"),
    (
        "大写字母、小写字母、数字、符号中至少三类",
        "At least three of: capitals, small letters, digits, other marks",
    ),
    ("不含用户名，也不含常见口令", "Neither the user name nor a common word inside"),
    (f"与最近 {HISTORY} 个密码不同", f"Other than the last {HISTORY}"),
)


class LoginView(PageView):
    """The one way to a session."""

    route_base = "/login"
    default_view = "login"
    login_template = ""

    @expose("/", methods=["GET", "POST"])
    def login(self) -> str | Response | tuple[str, int]:
        if self.who.user_id is not None:
            return redirect("/")
        if request.method == "GET":
            return self.page("login.html", form=Form())
        form = Form({"username": request.form.get("username", "").strip()[:64]})
        address = request.remote_addr or ""
        self.db.info["principal"] = Principal(name="login", address=address)
        result = services.authenticate(
            self.db,
            form.value("username"),
            request.form.get("password", "")[:200],
            now=utc_now(),
            address=address,
        )
        self.db.commit()
        if result.user_id is None:
            form.fail(
                "",
                "用户名或密码不正确，或账号已锁定。连续输错 5 次将锁定 30 分钟。",
                "The user name or password is wrong, or the account is locked. Five failures lock it for 30 minutes.",
            )
            return self.page("login.html", form=form), 401
        account = self.db.get_one(Account, result.user_id)
        going_to = safe_next(session.get("next"))
        admit(self.db, account, self.platform.settings, now=utc_now())
        self.db.commit()
        return redirect(going_to)

    @expose("/out", methods=["POST"])
    def logout(self) -> Response:
        if g.user_session is not None:
            end_session(self.db, g.user_session, now=utc_now(), why=Ending.LOGOUT)
            self.db.commit()
        forget()
        flash(t("已退出登录。", "You have logged out."), "success")
        answer = redirect(url_for("LoginView.login"))
        # Not "cookies": the answer itself sets the one that says good-bye, and the old one opens nothing any more.
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer


class AccountView(PageView):
    """What everybody may do with their own account."""

    route_base = "/account"
    default_view = "password"

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> str | Response | tuple[str, int]:
        expired = services.is_expired(g.account, self.platform.settings.password_days, utc_now())
        forced = "first" if g.account.must_change_password else "expired" if expired else ""
        form = Form(request.form if request.method == "POST" else None)
        if request.method == "POST":
            try:
                self._change(form)
            except BadInput as error:
                self.db.rollback()
                form.take(error)
                return self.page("password.html", forced=forced, form=form, rules=PASSWORD_RULES), 400
            flash(
                t("密码已修改，其他会话已全部退出。", "Password changed; every other session has ended."),
                "success",
            )
            return redirect("/")
        return self.page("password.html", forced=forced, form=form, rules=PASSWORD_RULES)

    def _change(self, form: Form) -> None:
        user = self.db.get_one(User, self.who.user_id)
        old, new, again = (form.value(key) for key in ("old_password", "new_password", "again"))
        services.change_password(self.db, user, old=old, new=new, again=again, now=utc_now())
        # All sessions ended, this one too; the person goes on in a new one.
        admit(self.db, g.account, self.platform.settings, now=utc_now(), factor_at=g.user_session.factor_at)
        self.db.commit()


VIEWS = (AccountView, SessionView, UserView, GrantView, MatrixView, *APPROVAL_VIEWS)
