"""Lines 1 to 10: accounts and log-in, tried on the scratch installation."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update
from werkzeug.security import check_password_hash

from secops.accounts import administration, factors, passwords, services, totp
from secops.accounts.models import Account, GrantRequest, Role, TotpFactor, UserSession
from secops.clock import utc_now
from secops.errors import BadInput
from secops.selfcheck.line import Facts, Found, check
from secops.selfcheck.parts import change_password
from secops.selfcheck.rig import Bench, Person, Visitor


@check(1)
def unique_accounts(bench: Bench) -> Found:
    facts = Facts.new()
    with bench.platform.work("selfcheck") as session:
        names = [name.lower() for name in session.scalars(select(User.username))]
        examples = session.scalar(
            select(func.count())
            .select_from(Account)
            .join(User, User.id == Account.user_id)
            .where(Account.is_example.is_(True), User.active.is_(True))
        )
    twice = [name for name, number in Counter(names).items() if number > 1]
    facts.note(not twice, f"{len(names)} 个账号互不相同", f"{len(names)} accounts, all different", else_zh=f"大小写不同的同名账号：{', '.join(twice)}", else_en=f"names that differ by case only: {', '.join(twice)}")  # fmt: skip
    facts.note(not examples, "没有可登录的演示账号", "no example account can log in", else_zh=f"{examples} 个演示账号可登录", else_en=f"{examples} example accounts can log in")  # fmt: skip
    with bench.scratch.work("selfcheck") as session:
        fresh = session.scalar(select(func.count()).select_from(User).where(~User.username.like("probe-%")))
    facts.note(not fresh, "新安装没有任何默认账号，首个账号只能由控制台建立", "a new installation has no default account; the first comes from the console")  # fmt: skip
    person = bench.person(Role.OFFICER, first_login=True)
    visitor = bench.visitor()
    visitor.log_in(person)
    where = visitor.get("/dashboard/").headers.get("Location", "")
    facts.note(where.startswith("/account/"), "一次性密码首次登录后只能修改密码", "a one-time password opens nothing but its own change")  # fmt: skip
    return facts.found()


_BAD_PASSWORDS = ("Short-1a", "alllowercaseletters", "Password-12345", "probe-user-A1x", "aB3" + "x" * 127)


@check(2)
def password_rules(bench: Bench) -> Found:
    facts = Facts.new()
    taken = [text for text in _BAD_PASSWORDS if _is_acceptable(text)]
    facts.note(not taken, f"过短、单一、常见、含用户名、超长的口令全部被拒（{len(_BAD_PASSWORDS)} 例）", f"too short, plain, common, too long, or holding the user name: all refused ({len(_BAD_PASSWORDS)} samples)", else_zh=f"{len(taken)} 个弱口令被接受", else_en=f"{len(taken)} weak passwords were taken")  # fmt: skip
    long = "Lange-Phrase 中文 " + "x7" * 50
    facts.note(
        _is_acceptable(long),
        f"{len(long)} 个字符的长口令可用",
        f"a phrase of {len(long)} characters is taken",
    )
    facts.note(passwords.MIN_LENGTH >= 12, f"最短 {passwords.MIN_LENGTH} 个字符", f"at least {passwords.MIN_LENGTH} characters")  # fmt: skip
    return facts.found()


def _is_acceptable(text: str) -> bool:
    try:
        passwords.require_acceptable(text, "probe-user")
    except BadInput:
        return False
    return True


@check(3)
def password_age(bench: Bench) -> Found:
    facts = Facts.new()
    person = bench.person(Role.OFFICER, first_login=True)
    visitor = bench.visitor()
    visitor.log_in(person)
    forced = visitor.get("/dashboard/").headers.get("Location", "")
    facts.note(forced.startswith("/account/password"), "首次登录强制修改", "the first log-in forces a change")
    second = person.password + "-Second"
    change_password(visitor, person.password, second)
    back = change_password(visitor, second, person.password)
    facts.note(back >= 400, "不能改回用过的口令", "a used password can't come back")
    with bench.scratch.work("selfcheck:age") as session:
        account = session.get_one(Account, bench.person(Role.OFFICER).user_id)
        account.password_changed_at = utc_now() - timedelta(days=120)
        name = session.get_one(User, account.user_id).username
        administration.end_sessions(session, account, reason="自评估", now=utc_now())
    old = bench.visitor()
    with bench.scratch.work("selfcheck:age") as session:
        password = services.reset_password(session, name, now=utc_now())
        account = session.get_one(
            Account, session.scalars(select(User.id).where(User.username == name)).one()
        )
        account.must_change_password = False
        account.password_changed_at = utc_now() - timedelta(days=120)
    old.post("/login/", {"username": name, "password": password}, form="/login/")
    led = old.get("/dashboard/").headers.get("Location", "")
    facts.note(led.startswith("/account/password"), "120 天未改的口令登录后须修改", "a password 120 days old must be changed at log-in")  # fmt: skip
    return facts.found()


@check(4)
def password_storage(bench: Bench) -> Found:
    facts = Facts.new()
    person = bench.person(Role.OFFICER)
    stored = bench.stored_password(person)
    prefix, _, rest = stored.partition("$")
    parts = (rest.split("$")[1] if prefix == "mlps3" else prefix).split(":")
    rounds = int(parts[2]) if len(parts) == 3 and parts[2].isdigit() else 0
    facts.note(parts[:2] == ["pbkdf2", "sm3"], "PBKDF2-HMAC-SM3", "PBKDF2-HMAC-SM3", else_zh=f"方法是 {':'.join(parts[:2])}", else_en=f"the method is {':'.join(parts[:2])}")  # fmt: skip
    facts.note(rounds >= 600_000, f"迭代 {rounds} 次", f"{rounds} rounds")
    plain = _plain_check(stored, person.password)
    facts.note(not plain, "另有胡椒：仅凭数据库不能验证口令", "with a pepper: the database alone can't check a password", else_zh="没有胡椒：仅凭数据库可验证口令", else_en="no pepper: the database alone checks a password")  # fmt: skip
    return facts.found()


def _plain_check(stored: str, password: str) -> bool:
    try:
        return check_password_hash(stored, password)
    except ValueError:
        return False


@check(5)
def lock_out(bench: Bench) -> Found:
    facts = Facts.new()
    person = bench.person(Role.OFFICER)
    visitor = bench.visitor("198.51.100.7")
    for number in range(5):
        visitor.post(
            "/login/", {"username": person.username, "password": f"Wrong-{number}-x"}, form="/login/"
        )
    visitor.log_in(person)
    facts.note(not bench.is_in(visitor), "5 次失败后锁定，正确口令也被拒", "locked after five failures; the right password is refused too")  # fmt: skip
    other = bench.visitor("203.0.113.9")
    other.log_in(person)
    facts.note(not bench.is_in(other), "换地址仍然锁定", "locked from another address too")
    crowd = bench.person(Role.OFFICER)
    spread = bench.visitor("198.51.100.8")
    for number in range(12):
        spread.post("/login/", {"username": f"nobody-{number}", "password": "Wrong-1-x"}, form="/login/")
    spread.log_in(crowd)
    facts.note(not bench.is_in(spread), "同一地址对多个账号的尝试被限制", "tries from one address over many accounts are limited")  # fmt: skip
    return facts.found()


@check(6)
def no_enumeration(bench: Bench) -> Found:
    from secops.selfcheck.texts import neutral

    known, disabled, locked = (bench.person(Role.OFFICER) for _ in range(3))
    with bench.scratch.work("selfcheck:close") as session:
        account = session.get_one(Account, disabled.user_id)
        administration.disable_account(session, account, by="selfcheck", reason="自评估", now=utc_now())
        lock = session.get_one(Account, locked.user_id)
        lock.locked_until = utc_now() + timedelta(minutes=20)
    answers = {}
    for number, (kind, name, password) in enumerate(
        (
            ("unknown", "nobody-at-all", "Wrong-1-xy"),
            ("wrong", known.username, "Wrong-1-xy"),
            ("disabled", disabled.username, disabled.password),
            ("locked", locked.username, locked.password),
        )
    ):
        visitor = bench.visitor(f"198.51.100.{40 + number}")
        answer = visitor.post("/login/", {"username": name, "password": password}, form="/login/")
        answers[kind] = (answer.status_code, neutral(answer.get_data(as_text=True)).replace(name, ""))
    facts = Facts.new()
    same = len(set(answers.values())) == 1
    facts.note(same, "不存在、口令错、停用、锁定四种情形应答完全相同", "unknown, wrong, disabled and locked give the same answer", else_zh=f"应答不同：{ {k: v[0] for k, v in answers.items()} }", else_en=f"the answers differ: { {k: v[0] for k, v in answers.items()} }")  # fmt: skip
    return facts.found()


@check(7)
def two_factors(bench: Bench) -> Found:
    facts = Facts.new()
    policy = bench.settings.factor_policy
    facts.note(policy == "all", "策略要求所有用户双因素", "the policy demands two factors of everybody", else_zh=f"策略未要求所有用户双因素（SECOPS_SECOND_FACTOR 等效为 {policy}）", else_en=f"the policy does not demand two factors of everybody (SECOPS_SECOND_FACTOR is {policy} in effect)")  # fmt: skip
    visitor, person, _ = _with_factor(bench)
    visitor.log_in(person)
    facts.note(not bench.is_in(visitor), "仅有口令不能登录", "the password alone does not get in")
    return facts.found()


def _with_factor(bench: Bench) -> tuple[Visitor, Person, bytes]:
    """Somebody who set one-time codes up an hour ago; the seed comes along."""
    person, ago = bench.person(Role.OFFICER), utc_now() - timedelta(hours=1)
    with bench.scratch.work("selfcheck:factor") as session:
        seed = factors.seed_of(session, factors.begin(session, person.user_id, now=ago))
        code = totp.code_at(seed, totp.step_of(ago))
        factors.confirm(session, session.get_one(Account, person.user_id), code, now=ago)
    return bench.visitor(), person, seed


@check(8)
def one_time_codes(bench: Bench) -> Found:
    facts = Facts.new()
    first, person, seed = _with_factor(bench)
    second = bench.visitor("198.51.100.71")
    code = totp.code_at(seed, totp.step_of(utc_now()))
    for visitor in (first, second):
        visitor.log_in(person)
        visitor.post("/login/code", {"code": code}, form="/login/code")
    facts.note(bench.is_in(first), "动态口令可登录", "a one-time code gets in")
    facts.note(not bench.is_in(second), "同一动态口令第二次被拒", "the same code is refused the second time")
    with bench.scratch.work("selfcheck:seed") as session:
        stored = session.get_one(TotpFactor, person.user_id).seed
    raw = base64.b64decode(stored)
    facts.note(seed not in raw and stored != base64.b64encode(seed).decode(), "种子在库中加密保存", "the seed lies sealed in the store")  # fmt: skip
    _, guessed, right = _with_factor(bench)
    thief = bench.visitor("198.51.100.72")
    thief.log_in(guessed)
    for number in range(5):
        thief.post("/login/code", {"code": f"00{number}"}, form="/login/code")
    thief.post("/login/code", {"code": totp.code_at(right, totp.step_of(utc_now()))}, form="/login/code")
    facts.note(not bench.is_in(thief), "5 次错误后锁定，正确动态口令也被拒", "locked after five wrong codes; the right one is refused too")  # fmt: skip
    return facts.found()


@check(9)
def reset_by_two(bench: Bench) -> Found:
    facts = Facts.new()
    visitor, person, _ = _with_factor(bench)
    admin, _ = bench.signed_in(Role.SYSTEM_ADMIN)
    security, _ = bench.signed_in(Role.SECURITY_ADMIN)
    url = f"/users/{person.user_id}/reset-factor"
    alone = security.post(url, {"reason": "自评估"}, form="/account/password").status_code
    admin.post(url, {"reason": "自评估"}, form="/users/")
    with bench.scratch.work("selfcheck:reset") as session:
        waiting = session.scalar(select(GrantRequest.id).where(GrantRequest.user_id == person.user_id))
        still = factors.FACTOR.is_enrolled(session, person.user_id)
    own = admin.post(f"/approvals/{waiting}/decide", {"to": "approved", "reason": "自评估"}, form="/users/").status_code  # fmt: skip
    facts.note((alone, own, still) == (403, 403, True), "任何一个管理员单独都不能重置", "no administrator resets a factor alone")  # fmt: skip
    security.post(f"/approvals/{waiting}/decide", {"to": "approved", "reason": "自评估"}, form="/approvals/")
    with bench.scratch.work("selfcheck:reset") as session:
        gone = not factors.FACTOR.is_enrolled(session, person.user_id)
    facts.note(gone, "系统管理员申请、安全管理员批准后重置", "one administrator asks, another approves")
    return facts.found()


@check(10)
def re_authentication(bench: Bench) -> Found:
    facts = Facts.new()
    visitor, person = bench.signed_in(Role.SYSTEM_ADMIN)
    wrong = change_password(visitor, "Not-The-Password-1", person.password + "-N3w")
    facts.note(wrong >= 400, "改密须先输入当前口令", "a new password needs the current one")
    fresh = visitor.get("/users/export?format=csv").status_code
    with bench.scratch.work("selfcheck:reauth") as session:
        ago = utc_now() - timedelta(minutes=bench.scratch.settings.reauth_minutes)
        session.execute(
            update(UserSession).where(UserSession.user_id == person.user_id).values(reauth_at=ago)
        )
    led = visitor.get("/users/export?format=csv").headers.get("Location", "")
    facts.note((fresh, led) == (200, "/account/confirm"), "敏感操作和导出前须重新输入口令", "sensitive acts and exports ask for the password again")  # fmt: skip
    visitor.post("/account/confirm", {"password": person.password}, form="/account/confirm")
    facts.note(
        visitor.get("/users/export?format=csv").status_code == 200, "输入后可继续", "and go on after it"
    )
    return facts.found()
