"""Log in, log out, own password."""

from __future__ import annotations

from datetime import UTC, timedelta

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import User
from werkzeug.wrappers import Response

from secops.accounts import services, throttle
from secops.accounts.admin_views import GrantView, MatrixView, UserView
from secops.accounts.approval_views import VIEWS as APPROVAL_VIEWS
from secops.accounts.door import admit, forget, renew
from secops.accounts.factor_views import FactorView
from secops.accounts.factors import FACTOR
from secops.accounts.models import Account
from secops.accounts.passwords import HISTORY, MAX_LENGTH, MIN_LENGTH
from secops.accounts.session_views import SessionView
from secops.accounts.sessions import Ending, end_session
from secops.clock import utc_now
from secops.errors import BadInput
from secops.objects.models import Department
from secops.scope import Principal
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import t
from secops.web.paths import safe_next

HALF = "half"
HALF_SECONDS = 300
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
        if result.needs_code:
            going_on = session.get("next")
            forget()
            session[HALF] = {
                "user": account.user_id,
                "epoch": account.session_epoch,
                "at": int(utc_now().timestamp()),
            }
            session["next"] = going_on
            return redirect(url_for("LoginView.code"))
        going_to = safe_next(session.get("next"))
        admit(self.db, account, self.platform.settings, now=utc_now())
        self.db.commit()
        return redirect(going_to)

    @expose("/code", methods=["GET", "POST"])
    def code(self) -> str | Response | tuple[str, int]:
        """The second half of a log-in; the first half holds for five minutes."""
        account = self._half()
        if account is None:
            session.pop(HALF, None)
            return redirect(url_for("LoginView.login"))
        if request.method == "GET":
            return self.page("login_code.html", form=Form())
        now, address = utc_now(), request.remote_addr or ""
        self.db.info["principal"] = Principal(name="login", address=address)
        answer = request.form.get("code", "")[:40]
        right = services.check_factor(
            self.db, account, answer, now=now, address=address, path=throttle.Path.CODE
        )
        self.db.commit()
        if not right:
            form = Form({})
            form.fail(
                "code",
                "动态口令不正确、已经用过，或账号已锁定。",
                "The code is wrong or was used before, or the account is locked.",
            )
            return self.page("login_code.html", form=form), 401
        going_to = safe_next(session.get("next"))
        admit(self.db, account, self.platform.settings, now=now, factor_at=now)
        self.db.commit()
        return redirect(going_to)

    def _half(self) -> Account | None:
        """The account whose password was right a moment ago, unless it changed since."""
        half = session.get(HALF)
        if not half or utc_now().timestamp() - half["at"] > HALF_SECONDS:
            return None
        account = self.db.get(Account, half["user"])
        return account if account is not None and account.session_epoch == half["epoch"] else None

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

    @expose("/")
    def index(self) -> str:
        """Who one is here: roles with their reach and end, what one may see, when one was here last."""
        now = utc_now()
        account = g.account
        user = self.db.get_one(User, account.user_id)
        changed = account.password_changed_at
        return self.page(
            "account_profile.html",
            account=account,
            user=user,
            department=self.db.get_one(Department, account.department_id).name,
            grants=[
                {
                    "role": label("role", grant.role).text,
                    "where": department if system is None else f"{department} · {system}",
                    "until": grant.valid_until,
                    "assignment": grant.assignment,
                }
                for grant, department, system in services.grants_with_places(self.db, account.user_id, now)
            ],
            renew_by=changed + timedelta(days=self.platform.settings.password_days) if changed else None,
            has_factor=FACTOR.is_enrolled(self.db, account.user_id),
            last_login=user.last_login.replace(tzinfo=UTC) if user.last_login else None,
        )

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

    @expose("/confirm", methods=["GET", "POST"])
    def confirm(self) -> str | Response | tuple[str, int]:
        """The password once more, before something sensitive."""
        form = Form(request.form if request.method == "POST" else None)
        if request.method == "GET":
            return self.page("confirm.html", form=form)
        now = utc_now()
        word = request.form.get("password", "")[:200]
        right = services.confirm_identity(
            self.db, g.account, word, now=now, address=request.remote_addr or ""
        )
        if right:
            g.user_session.reauth_at = now
            renew(self.db)
        self.db.commit()
        if not right:
            form.fail(
                "password", "密码不正确，或账号已锁定。", "The password is wrong, or the account is locked."
            )
            return self.page("confirm.html", form=form), 401
        return redirect(safe_next(session.pop("confirm_next", None)))

    def _change(self, form: Form) -> None:
        user = self.db.get_one(User, self.who.user_id)
        old, new, again = (form.value(key) for key in ("old_password", "new_password", "again"))
        services.change_password(self.db, user, old=old, new=new, again=again, now=utc_now())
        # All sessions ended, this one too; the person goes on in a new one.
        admit(self.db, g.account, self.platform.settings, now=utc_now(), factor_at=g.user_session.factor_at)
        self.db.commit()


VIEWS = (AccountView, FactorView, SessionView, UserView, GrantView, MatrixView, *APPROVAL_VIEWS)
