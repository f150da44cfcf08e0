"""Lines 11 to 24: sessions and rights, tried on the scratch installation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, inspect, select, update

from secops.accounts import administration, approvals
from secops.accounts.access_tables import unused_clause
from secops.accounts.models import ADMINISTRATORS, Account, GrantRequest, Role, RoleGrant, UserSession
from secops.accounts.services import active_grants, grant_role, principal_for
from secops.accounts.sessions import Ending, Limits
from secops.api import tokens
from secops.api.models import ApiToken
from secops.clock import utc_now
from secops.errors import Refused
from secops.installation import platform_system, root_department
from secops.objects.models import Asset, Department, System
from secops.objects.services import create_asset, create_department
from secops.platform import Platform
from secops.scope import NOBODY, Principal, scoped_classes
from secops.selfcheck.line import Facts, Found, check
from secops.selfcheck.parts import change_password, missing
from secops.selfcheck.rig import Bench, Person, Visitor
from secops.sensitivity import Sensitivity
from secops.web.gate import permissions


@check(11)
def server_sessions(bench: Bench) -> Found:
    facts = Facts.new()
    person = bench.person(Role.OFFICER)
    visitor = bench.visitor()
    visitor.get("/login/")
    before = set(visitor.cookies())
    visitor.log_in(person)
    after = set(visitor.cookies())
    facts.note(bool(after - before), "登录后会话标识更换", "the log-in renews the session")
    with bench.scratch.work("selfcheck:sessions") as session:
        rows = session.scalars(select(UserSession).where(UserSession.user_id == person.user_id)).all()
        facts.note(len(rows) == 1, "会话记录在服务端", "the session is a row on the server")
        for row in rows:
            row.ended_at, row.end_reason = utc_now(), Ending.OWN.value
    facts.note(not bench.is_in(visitor), "服务端结束会话后 Cookie 立即失效", "the cookie is worthless once the row is ended")  # fmt: skip
    held = " ".join(value for _, value in visitor.cookies())
    facts.note(all(row.token_hash not in held for row in rows), "库中只有令牌的 SM3 摘要（令牌 256 位）", "the store holds the SM3 digest of a 256-bit token only")  # fmt: skip
    return facts.found()


@check(12)
def session_limits(bench: Bench) -> Found:
    facts = Facts.new()
    limits = Limits.of(bench.settings)
    idle, admin = limits.idle, limits.idle_for(frozenset({Role.AUDIT_ADMIN.value}))
    facts.note(limits.longest <= timedelta(hours=8), f"最长 {limits.longest}", f"{limits.longest} at most")
    facts.note(idle <= timedelta(minutes=30) and admin <= timedelta(minutes=15), f"闲置 {idle}、管理员 {admin} 后退出", f"over after {idle} idle, for administrators {admin}")  # fmt: skip
    for role, back in ((Role.OFFICER, idle), (Role.AUDIT_ADMIN, admin)):
        visitor, person = bench.signed_in(role)
        _age(bench, person, last_seen_at=utc_now() - back)
        facts.note(
            not bench.is_in(visitor), f"{role.value} 闲置超时后被退出", f"{role.value}: out after idling"
        )
    visitor, person = bench.signed_in()
    _age(bench, person, created_at=utc_now() - limits.longest)
    facts.note(not bench.is_in(visitor), "到最长时间后被退出", "out after the longest time")
    return facts.found()


def _age(bench: Bench, person: Person, **values: datetime) -> None:
    with bench.scratch.work("selfcheck:age") as session:
        session.execute(update(UserSession).where(UserSession.user_id == person.user_id).values(**values))


@check(13)
def sessions_end(bench: Bench) -> Found:
    facts = Facts.new()

    def closed(session_work: Callable[[Visitor, Person], None]) -> bool:
        visitor, person = bench.signed_in()
        thief = visitor.copy()
        if not bench.is_in(thief):
            raise RuntimeError("the copied cookie did not work before the event, so nothing can be told")
        session_work(visitor, person)
        return not bench.is_in(thief)

    facts.note(closed(lambda v, p: _log_out(v)), "退出后旧 Cookie 失效", "a cookie is dead after log-out")
    facts.note(closed(lambda v, p: _new_password(v, p)), "改密后旧 Cookie 失效", "a cookie is dead after a new password")  # fmt: skip
    facts.note(
        closed(lambda v, p: _disable(bench, p)), "停用后旧 Cookie 失效", "a cookie is dead after disabling"
    )
    facts.note(closed(lambda v, p: _revoke(bench, p)), "收回角色后旧 Cookie 失效", "a cookie is dead after a role change")  # fmt: skip
    return facts.found()


def _log_out(visitor: Visitor) -> None:
    visitor.post("/login/out", {}, form="/account/password")


def _new_password(visitor: Visitor, person: Person) -> None:
    change_password(visitor, person.password, person.password + "-N3w")


def _disable(bench: Bench, person: Person) -> None:
    with bench.scratch.work("selfcheck:disable") as session:
        account = session.get_one(Account, person.user_id)
        administration.disable_account(session, account, by="selfcheck", reason="自评估", now=utc_now())


def _revoke(bench: Bench, person: Person) -> None:
    with bench.scratch.work("selfcheck:revoke") as session:
        grant = active_grants(session, person.user_id, utc_now())[0]
        administration.revoke_grant(session, grant, by="selfcheck", reason="自评估", now=utc_now())


@check(14)
def own_sessions(bench: Bench) -> Found:
    facts = Facts.new()
    first, person = bench.signed_in()
    second = bench.visitor("198.51.100.60")
    second.log_in(person)
    shown = first.get("/account/sessions/").get_data(as_text=True)
    facts.note("198.51.100.60" in shown, "用户可查看自己的会话", "users see their own sessions")
    first.post("/account/sessions/end-others", {}, form="/account/sessions/")
    facts.note(bench.is_in(first) and not bench.is_in(second), "并可结束其他会话", "and end the others")
    most = bench.scratch.settings.sessions_max
    for _ in range(most):
        bench.visitor().log_in(person)
    facts.note(not bench.is_in(first), f"并发会话最多 {most} 个，超出时最早的退出", f"at most {most} sessions at a time; the oldest goes")  # fmt: skip
    with bench.scratch.work("selfcheck:end") as session:
        account = session.get_one(Account, person.user_id)
        ended = administration.end_sessions(session, account, reason="自评估", now=utc_now())
    facts.note(
        ended == most, "系统管理员可结束任何人的会话", "the system administrator ends anybody's sessions"
    )
    return facts.found()


@check(15)
def api_tokens(bench: Bench) -> Found:
    facts = Facts.new()
    person, now = bench.person(Role.OFFICER), utc_now()
    with bench.scratch.work("selfcheck:token") as session:
        account = session.get_one(Account, person.user_id)
        made = tokens.create_token(
            session, account, name="selfcheck", areas=["systems:read"], days=1, now=now
        )
        stored = session.scalars(select(ApiToken.token_hash)).all()
        longest = tokens.MAX_DAYS

    def call(path: str, word: str) -> int:
        return bench.visitor("198.51.100.81").get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {word}"}).status_code  # fmt: skip

    facts.note(
        made not in stored, "库中只有令牌的 SM3 摘要", "the store holds the SM3 digest of a token only"
    )
    facts.note(longest <= 90, f"最长有效 {longest} 天", f"a token lives {longest} days at most")
    found = (call("systems", made), call("assets", made), call("systems", "made-up"))
    facts.note(found == (200, 403, 401), "令牌只在其范围内有效，其他一律拒绝", "a token opens its areas and nothing else")  # fmt: skip
    visitor, _ = bench.signed_in()
    facts.note(visitor.get("/api/v1/systems").status_code == 401, "接口不接受 Cookie 和口令", "the interface takes no cookie and no password")  # fmt: skip
    _disable(bench, person)
    facts.note(call("systems", made) == 401, "停用账号后令牌立即失效", "a token is dead once its owner is disabled")  # fmt: skip
    return facts.found()


@check(16)
def three_administrators(bench: Bench) -> Found:
    facts = Facts.new()
    _separate_in_store(bench.platform, facts)
    with bench.scratch.work("selfcheck:double") as session:
        person = bench.person(Role.AUDIT_ADMIN)
        account = session.get_one(Account, person.user_id)
        refused = _refused(
            lambda: grant_role(
                session,
                account=account,
                role=Role.SYSTEM_ADMIN,
                department=root_department(session),
                by="selfcheck",
                now=utc_now(),
            )  # fmt: skip
        )
        own = _refused(
            lambda: grant_role(
                session,
                account=account,
                role=Role.AUDIT_ADMIN,
                department=root_department(session),
                by=person.username,
                now=utc_now(),
            )  # fmt: skip
        )
    facts.note(refused, "给管理员再授角色被拒", "a second role for an administrator is refused")
    facts.note(own, "给自己授权被拒", "a grant to oneself is refused")
    writes = {
        role: {key for key, roles in permissions().rules.items() if key[1] != "GET" and role in roles}
        for role in ADMINISTRATORS
    }
    pairs = [(a, b) for a in ADMINISTRATORS for b in ADMINISTRATORS if a < b and writes[a] & writes[b]]
    facts.note(not pairs, "三个管理员能改动的功能两两不相交", "what the three may change is disjoint")
    return facts.found()


def _refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except Refused:
        return True
    return False


def _separate_in_store(platform: Platform, facts: Facts) -> None:
    now = utc_now()
    look = inspect(platform.engine)
    triggers = _triggers(platform)
    facts.note("role_grant_rules" in triggers or len([name for name in triggers if name.startswith("role_grant_rule")]) >= 6, "数据库触发器守住互斥", "triggers of the database hold the rule")  # fmt: skip
    with platform.work("selfcheck") as session:
        held: dict[int, set[str]] = {}
        query = select(RoleGrant).join(User, User.id == RoleGrant.user_id).where(User.active.is_(True))
        for grant in session.scalars(query):
            if grant.revoked_at is None and (grant.valid_until is None or grant.valid_until > now):
                held.setdefault(grant.user_id, set()).add(grant.role.value)
        powerful = [role.name for role in session.scalars(select(FabRole)) if role.permissions]
    three = {role.value for role in ADMINISTRATORS}
    double = [user for user, roles in held.items() if roles & three and len(roles) > 1]
    facts.note(not double, "没有人兼任", "nobody holds two", else_zh=f"{len(double)} 人兼任", else_en=f"{len(double)} people hold two")  # fmt: skip
    empty = sorted(three - set().union(*held.values(), set()))
    facts.note(not empty, "三个管理员角色都有人", "each of the three has a holder", else_zh=f"无人担任：{', '.join(empty)}", else_en=f"nobody holds: {', '.join(empty)}")  # fmt: skip
    facts.note(not powerful and look.has_table("ab_role"), "框架没有超级角色", "the framework has no super role", else_zh=f"框架角色带有权限：{', '.join(powerful)}", else_en=f"framework roles with permissions: {', '.join(powerful)}")  # fmt: skip


def _triggers(platform: Platform) -> set[str]:
    from secops.store import trigger_names

    return trigger_names(platform.engine)


@check(17)
def default_deny(bench: Bench) -> Found:
    listed = set(permissions().rules)
    routes = {
        (rule.endpoint, method)
        for rule in bench.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    facts = Facts.new()
    unlisted = sorted(f"{endpoint} {method}" for endpoint, method in routes - listed)
    facts.note(not unlisted, f"{len(routes)} 个路由全部列入权限文件", f"all {len(routes)} routes stand in the file", else_zh=f"未列入：{', '.join(unlisted[:5])}", else_en=f"not listed: {', '.join(unlisted[:5])}")  # fmt: skip
    facts.note(not permissions().admits("Unlisted.page", "GET", frozenset(Role), True), "未列入的路由对所有角色拒绝", "an unlisted route is refused to every role")  # fmt: skip
    visitor, _ = bench.signed_in(Role.LEADER)
    wrong = [
        url for url in ("/users/", "/grants/", "/audit/", "/jobs/") if visitor.get(url).status_code != 403
    ]
    facts.note(not wrong, "领导角色访问管理页面一律 403", "a leader gets 403 on every page of administration")
    strange = bench.visitor().get("/dashboard/")
    facts.note(strange.status_code == 302 and "/login" in strange.headers["Location"], "未登录一律转到登录页", "without a session everything leads to the log-in")  # fmt: skip
    return facts.found()


@check(18)
def object_scope(bench: Bench) -> Found:
    now = utc_now()
    with bench.scratch.work("selfcheck:scope") as session:
        root = root_department(session)
        place = session.scalar(select(Department).where(Department.code == "PROBE-A")) or create_department(
            session, code="PROBE-A", name="自评估部门", parent=root, now=now
        )
        foreign = platform_system(session)
        create_asset(session, foreign, name=f"probe {now.timestamp()}", kind="server", now=now)
        place_id, foreign_id = place.id, foreign.id
    facts = Facts.new()
    with bench.scratch.work_as(NOBODY) as session:
        seen = [
            cls.__name__ for cls in scoped_classes() if session.scalar(select(func.count()).select_from(cls))
        ]
    facts.note(not seen, f"没有身份的会话看不到任何一行（{len(scoped_classes())} 张表）", f"a session of nobody sees no row ({len(scoped_classes())} tables)")  # fmt: skip
    who = Principal(name="probe", user_id=-1, department_ids=frozenset({place_id}))
    with bench.scratch.work_as(who) as session:
        gone = session.get(System, foreign_id) is None and not session.scalar(select(func.count(Asset.id)))
    facts.note(gone, "其他部门的系统和资产不可见", "systems and targets of another department are not there")
    person = bench.person(Role.CONTACT, department_id=place_id)
    visitor = bench.visitor()
    visitor.log_in(person)
    statuses = {visitor.get(f"/systems/{number}").status_code for number in (foreign_id, 987654321)}
    facts.note(statuses == {404}, "他部门的编号与不存在的编号应答相同（404）", "an id of elsewhere and a missing id answer alike (404)")  # fmt: skip
    return facts.found()


@check(19)
def no_mass_assignment(bench: Bench) -> Found:
    visitor, _ = bench.signed_in(Role.SYSTEM_ADMIN)
    name = f"probe-extra-{bench.person(None).user_id}"
    extra = {
        "role": "system-admin",
        "roles": "officer",
        "clearance": "3",
        "is_example": "1",
        "active": "1",
        "password": "x",
    }
    visitor.post(
        "/users/new",
        {"username": name, "display_name": "自评估", "department": "1", **extra},
        form="/users/new",
    )
    with bench.scratch.work("selfcheck:extra") as session:
        user = session.scalar(select(User).where(User.username == name))
        if user is None:
            raise RuntimeError("the account was not made, so nothing can be told")
        account = session.get_one(Account, user.id)
        roles = active_grants(session, user.id, utc_now())
        clean = not roles and account.clearance == Sensitivity.INTERNAL and not account.is_example
    facts = Facts.new()
    facts.note(clean, "表单中多出的角色、级别、标志字段没有作用", "extra fields for role, clearance and flags have no effect")  # fmt: skip
    return facts.found()


@check(20)
def rights_end_at_once(bench: Bench) -> Found:
    facts = Facts.new()
    visitor, person = bench.signed_in(Role.OFFICER)
    before = visitor.get("/systems/").status_code
    _revoke(bench, person)
    after = visitor.get("/systems/").status_code
    facts.note(before == 200 and after in (302, 401, 403), "收回角色后的下一个请求即被拒", "the next request after a revocation is refused")  # fmt: skip
    now = utc_now()
    with bench.scratch.work("selfcheck:ended") as session:
        held = bench.person(None)
        account = session.get_one(Account, held.user_id)
        grant_role(session, account=account, role=Role.ASSESSOR, department=root_department(session), by="selfcheck", now=now, valid_until=now + timedelta(days=1))  # fmt: skip
        user = session.get_one(User, held.user_id)
        ended = principal_for(session, user, now + timedelta(days=1)).roles
    facts.note(not ended, "有期限的授权到期自动失效", "a grant with an end is over by itself")
    return facts.found()


@check(21)
def labels_enforced(bench: Bench) -> Found:
    facts = Facts.new()
    visitor, person = bench.signed_in(Role.OFFICER)
    with bench.scratch.work("selfcheck:label") as session:
        system_id = platform_system(session).id
    before = visitor.get(f"/systems/{system_id}").status_code
    _label(bench, Sensitivity.RESTRICTED)
    hidden = visitor.get(f"/systems/{system_id}").status_code
    listed = visitor.get("/systems/?size=100").get_data(as_text=True)
    _label(bench, Sensitivity.INTERNAL)
    facts.note((before, hidden) == (200, 404), "高于可查看级别的系统等同不存在", "a system above the clearance does not exist")  # fmt: skip
    facts.note(f"/systems/{system_id}" not in listed, "列表中也没有", "it is not in the list either")
    with bench.platform.work("selfcheck") as session:
        total = session.scalar(select(func.count()).select_from(System)) or 0
        above = session.scalar(select(func.count()).select_from(System).where(System.sensitivity > Sensitivity.INTERNAL)) or 0  # fmt: skip
    facts.note(True, f"本安装 {total} 个系统均有标记，其中 {above} 个高于“内部”", f"all {total} systems here carry a label, {above} above internal")  # fmt: skip
    return facts.found()


def _label(bench: Bench, level: Sensitivity) -> None:
    from secops.accounts.labelling import set_label

    with bench.scratch.work("selfcheck:label") as session:
        set_label(session, platform_system(session), level, reason="自评估", now=utc_now())


@check(22)
def unused_accounts(bench: Bench) -> Found:
    now = utc_now()
    facts = Facts.new()
    with bench.platform.work("selfcheck") as session:
        query = (
            select(func.count(func.distinct(User.id)))
            .join(Account, Account.user_id == User.id)
            .outerjoin(RoleGrant, RoleGrant.user_id == User.id)
            .where(User.active.is_(True), unused_clause(now))
        )
        unused = session.scalar(query) or 0
        reviewed = session.scalar(
            select(func.max(func.coalesce(RoleGrant.reviewed_at, RoleGrant.granted_at)))
        )
    facts.note(not unused, "没有 90 天未用而仍启用的账号", "no open account is unused for 90 days", else_zh=f"{unused} 个账号 90 天未用而仍启用", else_en=f"{unused} open accounts are unused for 90 days")  # fmt: skip
    facts.note("ReviewView.index" in {rule.endpoint for rule in bench.app.url_map.iter_rules()}, "有季度复核页面和导出", "there is a quarterly review with export")  # fmt: skip
    recent = reviewed is None or reviewed > now - timedelta(days=92)
    facts.note(recent, "授权在一季度内看过", "grants were looked at within a quarter")
    columns = {column["name"] for column in inspect(bench.platform.engine).get_columns("account")}
    facts.note(bool(columns & {"expires_at", "valid_until", "expires_on"}), "账号有到期日", "accounts have an expiry date", else_zh="缺少账号到期日", else_en="missing: an expiry date for accounts")  # fmt: skip
    return facts.found()


@check(23)
def management_addresses(bench: Bench) -> Found:
    ranges = bench.setting("admin_networks", "admin_ranges", "admin_addresses", "management")
    if not ranges:
        return missing("管理功能的来源地址限制", "address ranges for administration")
    facts = Facts.new()
    facts.note(any(ranges.values()), f"管理功能只从 {', '.join(str(value) for value in ranges.values())} 访问", f"administration only from {', '.join(str(value) for value in ranges.values())}", else_zh="支持地址限制，但本安装没有设置", else_en="supported, but not set on this installation")  # fmt: skip
    return facts.found()


@check(24)
def four_eyes(bench: Bench) -> Found:
    facts = Facts.new()
    now = utc_now()
    person = bench.person(None)
    asker = Principal(name="probe-asker", user_id=-1, roles=frozenset({"security-admin"}))
    with bench.scratch.work_as(asker) as session:
        account = session.get_one(Account, person.user_id)
        root = session.scalars(select(Department).where(Department.parent_id.is_(None))).one()
        wanted = approvals.Wanted(account=account, role=Role.OFFICER, department=root)
        made = approvals.ask_for_role(
            session, wanted, by=asker.name, reason="自评估", now=now, settings=bench.settings
        )
        waits = isinstance(made, GrantRequest) and not active_grants(session, person.user_id, now)
        request_id = made.id
    facts.note(waits, "全区专员的授权先成为待批申请", "a wide grant waits as a request first")
    with bench.scratch.work_as(asker) as session:
        request = session.get_one(GrantRequest, request_id)
        own = _refused(lambda: approvals.approve(session, request, who=asker, reason="自评估", now=now, settings=bench.settings))  # fmt: skip
    facts.note(own, "申请人不能批准自己的申请", "who asks can't approve")
    versioned = [
        cls.__name__ for cls in (Account, GrantRequest, System) if cls.__mapper__.version_id_col is None
    ]
    facts.note(not versioned, "并发修改由版本号守住", "concurrent changes are held by a version")
    return facts.found()
