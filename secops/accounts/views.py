"""Log in, log out, own password."""

from __future__ import annotations

import secrets

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from secops.accounts import services
from secops.accounts.admin_views import GrantView, MatrixView, UserView
from secops.accounts.approval_views import VIEWS as APPROVAL_VIEWS
from secops.accounts.models import Account
from secops.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from secops.clock import utc_now
from secops.errors import BadInput
from secops.scope import Principal
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import t
from secops.web.paths import safe_next
from secops.web.principal import EPOCH

PASSWORD_RULES = (
    (f"{MIN_LENGTH} 到 {MAX_LENGTH} 个字符", f"{MIN_LENGTH} to {MAX_LENGTH} characters"),
    (
        "大写字母、小写字母、数字、符号中至少三类",
        "At least three of: capitals, small letters, digits, other marks",
    ),
    ("不含用户名，也不含常见口令", "Neither the user name nor a common word inside"),
    ("与当前密码不同", "Other than the current one"),
)


class LoginView(PageView):
    """The one way to a session."""

    route_base = "/login"
    default_view = "login"
    login_template = ""

    @expose("/", methods=["GET", "POST"])
    def login(self) -> str | Response | tuple[str, int]:
        if current_user.is_authenticated:
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
        user = self.db.get_one(User, result.user_id)
        account = self.db.get_one(Account, user.id)
        going_to = safe_next(session.get("next"))
        locale = session.get("locale")
        session.clear()
        session.permanent = True
        session["ref"] = secrets.token_hex(8)
        session[EPOCH] = account.session_epoch
        if locale:
            session["locale"] = locale
        login_user(user)
        return redirect(going_to)

    @expose("/out", methods=["POST"])
    def logout(self) -> Response:
        locale = session.get("locale")
        if g.account is not None:
            services.end_sessions(self.db, g.account, now=utc_now())
            self.db.commit()
        logout_user()
        session.clear()
        if locale:
            session["locale"] = locale
        flash(t("已退出登录。", "You have logged out."), "success")
        return redirect(url_for("LoginView.login"))


class AccountView(PageView):
    """What everybody may do with their own account."""

    route_base = "/account"
    default_view = "password"

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> str | Response | tuple[str, int]:
        forced = g.account.must_change_password
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
        self.db.commit()
        # This session goes on under the new epoch; the others are of an earlier one.
        session[EPOCH] = self.db.get_one(Account, user.id).session_epoch


VIEWS = (AccountView, UserView, GrantView, MatrixView, *APPROVAL_VIEWS)
