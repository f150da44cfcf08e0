"""Log in, log out, own password; accounts and role grants for the administrators; the permission matrix."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from secops.accounts import services
from secops.accounts.models import Account, Role
from secops.clock import utc_now
from secops.errors import SecopsError
from secops.scope import Principal
from secops.web.base import PageView
from secops.web.gate import permissions
from secops.web.lang import language, t
from secops.web.principal import EPOCH


def _safe_next(target: str | None) -> str:
    """Only a path of our own; anything with a host, a scheme or a second slash leads home."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or urlsplit(target).netloc:
        return "/"
    return target


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
            return self.page("login.html", username="")
        username = request.form.get("username", "").strip()[:64]
        now = utc_now()
        self.db.info["principal"] = Principal(name="login", address=request.remote_addr or "")
        result = services.authenticate(
            self.db, username, request.form.get("password", "")[:200], now=now, address=request.remote_addr or ""
        )
        self.db.commit()
        if result.user_id is None:
            flash(
                t(
                    "用户名或密码不正确，或账号已锁定。连续输错 5 次将锁定 30 分钟。",
                    "The user name or password is wrong, or the account is locked. Five failures lock it for 30 minutes.",
                ),
                "danger",
            )
            return self.page("login.html", username=username), 401
        user = self.db.get_one(User, result.user_id)
        account = self.db.get_one(Account, user.id)
        going_to = _safe_next(session.get("next"))
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
        if g.account is not None:
            services.end_sessions(self.db, g.account, now=utc_now())
            self.db.commit()
        logout_user()
        session.clear()
        return redirect(url_for("LoginView.login"))


class AccountView(PageView):
    """What everybody may do with their own account."""

    route_base = "/account"
    default_view = "password"

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> str | Response | tuple[str, int]:
        forced = g.account.must_change_password
        if request.method == "GET":
            return self.page("password.html", forced=forced, error=None)
        user = self.db.get_one(User, self.who.user_id)
        try:
            services.change_password(
                self.db,
                user,
                old=request.form.get("old_password", ""),
                new=request.form.get("new_password", ""),
                again=request.form.get("again", ""),
                now=utc_now(),
            )
        except SecopsError as error:
            self.db.rollback()
            return self.page("password.html", forced=forced, error=error), 400
        self.db.commit()
        session[EPOCH] = self.db.get_one(Account, user.id).session_epoch
        flash(t("密码已修改，其他会话已全部退出。", "Password changed; every other session has ended."), "success")
        return redirect("/")


class UserView(PageView):
    """Accounts, for the system administrator: without rights, without findings."""

    route_base = "/users"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        return self.page("users.html", rows=services.account_rows(self.db))


class GrantView(PageView):
    """Role grants, for the security administrator."""

    route_base = "/grants"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        return self.page("grants.html", rows=services.account_rows(self.db), roles=list(Role))


class MatrixView(PageView):
    """Who may do what, straight from the reviewed permission file."""

    route_base = "/matrix"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        rules = permissions().rules
        rows = [
            {"endpoint": endpoint, "method": method, "roles": roles}
            for (endpoint, method), roles in sorted(rules.items())
        ]
        return self.page("matrix.html", rows=rows, roles=[role.value for role in Role], language=language())


VIEWS = (AccountView, UserView, GrantView, MatrixView)
