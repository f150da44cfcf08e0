"""Account, grant, matrix and audit pages through the real application, without a browser."""

from __future__ import annotations

import html
import re

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import event, select, text
from sqlalchemy.exc import OperationalError

from secops.accounts.models import Account, Role, RoleGrant
from secops.audit_log.models import AuditEvent
from secops.platform import Platform
from tests.support.platforms import PASSWORD, Client, ClientAs, account_of, add_person


def _last_event(platform: Platform, action: str) -> AuditEvent | None:
    with platform.work("test:look") as session:
        query = select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.seq.desc())
        return session.scalars(query).first()


def _new_account(client: Client, **values: str) -> tuple[int, str]:
    data = {"username": "li.ming", "display_name": "李明", "post": "科员", "department": "1", **values}
    answer = client.post("/users/new", data)
    return answer.status_code, answer.get_data(as_text=True)


def test_new_account_shows_its_password_once_and_has_no_rights(
    client_as: ClientAs, platform: Platform
) -> None:
    """The one-time password works once to get in, is stored nowhere in clear, and must be changed."""
    admin = client_as(Role.SYSTEM_ADMIN)
    status, page = _new_account(admin)
    assert status == 200
    found = re.search(r'一次性密码.*?data-copy="([^"]+)"', page, re.S)
    assert found is not None
    password = html.unescape(found.group(1))
    for url in ("/users/", "/users/new", "/users/?q=li.ming"):
        assert password not in html.unescape(admin.get(url).get_data(as_text=True))
    noted = _last_event(platform, "account.create")
    assert noted is not None
    assert password not in str(noted.detail)
    # Then: the person gets in and is led to the password page, whatever they ask for.
    person = Client(admin.app).sign_in("li.ming", password)
    assert person.get("/components/").headers["Location"] == "/account/password"
    answer = person.post(
        "/account/password", {"old_password": password, "new_password": PASSWORD, "again": PASSWORD}
    )
    assert answer.status_code == 302
    assert person.get("/components/").status_code == 200
    assert person.get("/users/").status_code == 403


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "<b>x</b>"}, "username"),
        ({"display_name": ""}, "display_name"),
        ({"department": "999"}, "department"),
        ({"username": "SYS"}, "username"),
    ],
)
def test_wrong_fields_are_told_beside_them(
    client_as: ClientAs, platform: Platform, values: dict[str, str], field: str
) -> None:
    """A wrong field gives 400, its sentence stands beside it, and what was typed stays."""
    add_person(platform, Role.OFFICER, username="SYS")
    status, page = _new_account(client_as(Role.SYSTEM_ADMIN), **{"post": "特别的岗位", **values})
    assert status == 400
    assert f'id="f-{field}-error"' in page
    assert 'value="特别的岗位"' in page
    with platform.work("test:look") as session:
        assert session.scalar(select(User.id).where(User.username == "li.ming")) is None


def test_disabling_ends_the_session_at_once(client_as: ClientAs, platform: Platform) -> None:
    """A disabled account's open session is nobody from the next request on."""
    admin = client_as(Role.SYSTEM_ADMIN)
    add_person(platform, Role.OFFICER, username="zhao")
    zhao = Client(admin.app).sign_in("zhao")
    assert zhao.get("/components/").status_code == 200
    user_id = account_of(platform, "zhao").user_id
    refused = admin.post(f"/users/{user_id}/toggle", {"to": "disabled", "reason": ""}, follow_redirects=True)
    assert "请填写理由" in refused.get_data(as_text=True)
    assert zhao.get("/components/").status_code == 200
    admin.post(f"/users/{user_id}/toggle", {"to": "disabled", "reason": "离职"})
    assert zhao.get("/components/").headers["Location"] == "/login/"
    assert "已停用" in admin.get("/users/?state=disabled").get_data(as_text=True)
    admin.post(f"/users/{user_id}/toggle", {"to": "enabled", "reason": "返聘"})
    assert Client(admin.app).sign_in("zhao").get("/components/").status_code == 200


def test_missing_accounts_and_grants_are_not_found(client_as: ClientAs) -> None:
    """An id that does not exist gives 404 with a sentence."""
    admin, security = client_as(Role.SYSTEM_ADMIN), client_as(Role.SECURITY_ADMIN)
    assert admin.post("/users/4040/toggle", {"reason": "x"}).status_code == 404
    assert security.post("/grants/4040/revoke", {"reason": "x"}).status_code == 404


def _grant(client: Client, user_id: int, role: str, **values: str) -> tuple[int, str]:
    answer = client.post(
        "/grants/new", {"user": str(user_id), "role": role, "department": "1", "reason": "部门申请", **values}
    )
    return answer.status_code, answer.get_data(as_text=True)


def test_granting_and_revoking(client_as: ClientAs, platform: Platform) -> None:
    """A grant opens pages at once and a revocation closes them; both tell why in the audit log."""
    security = client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.LEADER, username="zhao")
    user_id = account_of(platform, "zhao").user_id
    status, _ = _grant(security, user_id, "inspector", until="2099-12-31")
    assert status == 302
    # An inspector at the root takes a second person.
    client_as(Role.SECURITY_ADMIN).post("/approvals/1/decide", {"to": "approved", "reason": "已核实"})
    with platform.work("test:look") as session:
        grant = session.scalars(select(RoleGrant).where(RoleGrant.role == Role.INSPECTOR)).one()
        assert grant.valid_until is not None
        # The day itself still counts: it ends with midnight in Shanghai.
        assert grant.valid_until.isoformat() == "2099-12-31T16:00:00+00:00"
    noted = _last_event(platform, "role.grant")
    assert noted is not None
    assert noted.reason == "部门申请"
    zhao = Client(security.app).sign_in("zhao")
    assert zhao.get("/matrix/").status_code == 200
    security.post(f"/grants/{grant.id}/revoke", {"reason": "检查结束"})
    assert zhao.get("/matrix/").headers["Location"] == "/login/"
    assert Client(security.app).sign_in("zhao").get("/matrix/").status_code == 403


@pytest.mark.parametrize(
    ("role", "values", "field"),
    [
        ("security-admin", {}, "role"),
        ("made-up", {}, "role"),
        ("assessor", {}, "until"),
        ("owner", {"until": "2020-01-01"}, "until"),
        ("owner", {"reason": ""}, "reason"),
        ("owner", {"system": "NO-SUCH"}, "system"),
    ],
)
def test_rules_of_grants_are_told_beside_the_field(
    client_as: ClientAs, platform: Platform, role: str, values: dict[str, str], field: str
) -> None:
    """Three separate administrators, end dates, reasons and systems: each rule answers beside its field."""
    security = client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.LEADER, username="zhao")
    status, page = _grant(security, account_of(platform, "zhao").user_id, role, **values)
    assert status == 400
    assert re.search(rf'(id="f-{field}-error"|name="{field}".*?field-error)', page, re.S)
    with platform.work("test:look") as session:
        assert (
            session.scalars(
                select(RoleGrant)
                .join(Account, Account.user_id == RoleGrant.user_id)
                .where(Account.display_name == "测试 leader")
            )
            .one()
            .role
            == Role.LEADER
        )


def test_nobody_grants_to_themselves(client_as: ClientAs, platform: Platform) -> None:
    """The security administrator's own account is refused."""
    security = client_as(Role.SECURITY_ADMIN)
    status, page = _grant(security, account_of(platform, security.username).user_id, "leader")
    assert status == 400
    assert "不能给自己授权" in page


def test_grant_for_one_system_names_it_by_code(client_as: ClientAs, platform: Platform) -> None:
    """A system of the chosen department is found by its code, though the administrator sees no system."""
    security = client_as(Role.SECURITY_ADMIN)
    add_person(platform, Role.LEADER, username="zhao")
    status, _ = _grant(security, account_of(platform, "zhao").user_id, "owner", system="SECOPS")
    assert status == 302
    with platform.work("test:look") as session:
        assert (
            session.scalars(select(RoleGrant).where(RoleGrant.role == Role.OWNER)).one().system_id is not None
        )


def test_matrix_tells_every_endpoint_in_words(client_as: ClientAs) -> None:
    """Pages and actions of the permission file stand in words, and no role name is missing."""
    from secops.accounts.matrix import ACTIONS, PAGES, TECHNICAL
    from secops.web.gate import permissions

    for endpoint, _ in permissions().rules:
        page, _, action = endpoint.partition(".")
        assert page in TECHNICAL or (page in PAGES and action in ACTIONS), (
            f"{endpoint} has no words in accounts/matrix.py"
        )
    page_text = client_as(Role.INSPECTOR).get("/matrix/").get_data(as_text=True)
    for words in ("系统管理员", "接口客户端", "扫描授权", "校验完整性"):
        assert words in page_text


def test_audit_pages(client_as: ClientAs, platform: Platform) -> None:
    """The log can be searched, one event opened, and a refused sign-in says why in words."""
    audit = client_as(Role.AUDIT_ADMIN)
    Client(audit.app).post("/login/", {"username": "ghost-42", "password": "x"})
    page = audit.get("/audit/?q=ghost-42&result=refused").get_data(as_text=True)
    assert "没有这个账号" in page
    seq = re.search(r'data-href="/audit/(\d+)"', page)
    assert seq is not None
    shown = audit.get(f"/audit/{seq.group(1)}").get_data(as_text=True)
    assert "ghost-42" in shown
    assert audit.get("/audit/99999999").status_code == 404


def test_verification_says_what_it_found(client_as: ClientAs, platform: Platform) -> None:
    """A whole log is called intact; after a row was changed behind the platform's back the page names the row."""
    audit = client_as(Role.AUDIT_ADMIN)
    page = audit.post("/audit/verify", follow_redirects=True).get_data(as_text=True)
    assert "条记录完整" in page
    assert "最近一次校验" in page
    with platform.engine.begin() as connection:
        connection.execute(text("UPDATE audit_event SET actor = 'somebody-else' WHERE seq = 2"))
    page = audit.post("/audit/verify", follow_redirects=True).get_data(as_text=True)
    assert "从第 2 条起不可信" in page
    noted = _last_event(platform, "audit.verify")
    assert noted is not None
    assert (noted.result, noted.detail["first_bad"]) == ("failed", 2)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_exports_are_files_and_leave_a_trace(client_as: ClientAs, platform: Platform, form: str) -> None:
    """A list comes as a file with a Chinese name, and the export is an event with its filter."""
    for role, url in (
        (Role.SYSTEM_ADMIN, "/users/"),
        (Role.SECURITY_ADMIN, "/grants/"),
        (Role.AUDIT_ADMIN, "/audit/"),
        (Role.OFFICER, "/components/"),
    ):
        answer = client_as(role).get(f"{url}export?format={form}&q=a")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.data.startswith(b"\xef\xbb\xbf" if form == "csv" else b"PK")
        noted = _last_event(platform, "table.export")
        assert noted is not None
        assert noted.detail == {"format": form, "filter": {"format": form, "q": "a"}}
    assert client_as(Role.OFFICER).get("/components/export?format=exe").status_code == 400


@pytest.mark.parametrize("role", list(Role))
def test_foreign_pages_are_refused_and_noted(client_as: ClientAs, platform: Platform, role: Role) -> None:
    """Each administrator's list opens for that administrator alone; the attempt of another is an event."""
    client = client_as(role)
    for url, owner in (
        ("/users/", Role.SYSTEM_ADMIN),
        ("/grants/", Role.SECURITY_ADMIN),
        ("/audit/", Role.AUDIT_ADMIN),
    ):
        answer = client.get(url)
        assert answer.status_code == (200 if role is owner else 403)
        assert (f'href="{url}"' in answer.get_data(as_text=True)) == (role is owner)
    noted = _last_event(platform, "request.denied")
    assert noted is not None
    assert noted.actor == client.username


@pytest.mark.parametrize("number", [0, 60])
def test_query_counts_do_not_grow(
    client_as: ClientAs, platform: Platform, query_recorder, number: int
) -> None:  # type: ignore[no-untyped-def]
    """The lists cost the same queries with many rows as with few."""
    admin, security, audit = (
        client_as(role) for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
    )
    for each in range(number):
        add_person(platform, Role.OWNER, username=f"person-{each}")
    engine = admin.app.extensions["secops"].engine
    for client, url, most in (
        (admin, "/users/?size=100", 5),
        (security, "/grants/?size=100", 5),
        (audit, "/audit/?size=200", 7),
    ):
        with query_recorder(engine) as queries:
            assert client.get(url).status_code == 200
        assert queries.count == most, queries.told()


def test_language_switch_leads_back(client_as: ClientAs) -> None:
    """The switch keeps page and filter, and never leads away from the platform."""
    client = client_as(Role.SYSTEM_ADMIN)
    answer = client.get("/language/en?next=/users/?q=a%26state=active")
    assert answer.headers["Location"] == "/users/?q=a&state=active"
    page = client.get("/users/").get_data(as_text=True)
    assert '<html lang="en">' in page
    assert "New account" in page
    assert client.get("/language/zh?next=https://evil.example/").headers["Location"] == "/"
    assert client.get("/language/fr").status_code == 404


def test_fragment_holds_the_content_alone(client_as: ClientAs) -> None:
    """The page's own script gets the main part without the frame, and no message is used up by it."""
    client = client_as(Role.SYSTEM_ADMIN)
    whole = client.get("/users/").get_data(as_text=True)
    part = client.get("/users/", headers={"X-Fragment": "1"}).get_data(as_text=True)
    assert 'id="table-accounts"' in part
    assert "<html" not in part
    assert len(part) < len(whole)


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/users/", 403)])
def test_error_pages_say_what_and_which_request(client_as: ClientAs, path: str, status: int) -> None:
    """An error page has one sentence, the number of the request and a way on, inside the frame."""
    answer = client_as(Role.OFFICER).get(path)
    page = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert re.search(r'data-copy="[0-9a-f]{16}"', page)
    assert "回到首页" in page
    assert "测试 officer" in page


@pytest.mark.parametrize("known", [0, 3])
def test_error_page_stands_without_the_database(client_as: ClientAs, known: int) -> None:
    """When the database is gone, from the start or after the account was read, the page that says so still comes."""
    client = client_as(Role.SYSTEM_ADMIN)
    engine = client.app.extensions["secops"].engine
    asked = []

    def broken(*args: object) -> None:
        asked.append(args[2])
        if len(asked) > known:
            raise OperationalError(str(args[2]), {}, Exception("gone"))

    event.listen(engine, "before_cursor_execute", broken)
    try:
        answer = client.get("/users/")
    finally:
        event.remove(engine, "before_cursor_execute", broken)
    assert answer.status_code == 503
    assert "数据库暂时不可用" in answer.get_data(as_text=True)
    assert (client.username in answer.get_data(as_text=True)) == (known > 0)
