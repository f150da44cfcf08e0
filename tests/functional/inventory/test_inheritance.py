"""A cloud platform and its tenants: published, inherited, ended, renewed; and what no tenant may see."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from secops.accounts.models import Role
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, Refused
from secops.inventory import providers
from secops.inventory.handlers import expire_inherited
from secops.jobs.duties import DUTIES, start_duties
from secops.jobs.models import Job
from secops.objects.models import System
from secops.platform import Platform
from secops.posture.models import PostureCell, PostureSummary
from secops.posture.services import recompute
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions, last_event, plain, queries_of, two_departments
from tests.support.platforms import ClientAs

ROOM = [f"L3-PES1-{number:02}" for number in range(1, 5)]


@pytest.fixture
def cloud(platform: Platform, rows: Rows) -> dict[str, int]:
    """A level-3 cloud platform of one department, three tenants of another."""
    one, two = two_departments(rows)
    ids = {"one": one, "two": two}
    ids["cloud"] = rows.one(
        System, department_id=one, code="CLOUD", name="政务云平台", level=3, profile="S3A3G3"
    )
    for number in (1, 2, 3):
        ids[f"tenant{number}"] = rows.one(
            System, department_id=two, code=f"T{number}", name=f"租户系统 {number}", level=3, profile="S3A3G3"
        )
    return ids


def _publish(platform: Platform, cloud: dict[str, int], verdict: str, until: date, decided: date) -> None:
    with platform.work("test:publish") as session:
        providers.publish(
            session, session.get_one(System, cloud["cloud"]), report="云平台测评报告 2026",
            results=dict.fromkeys(ROOM, verdict), decided_on=decided, expires_on=until, actor="officer", now=utc_now(),
        )  # fmt: skip


def _claim(
    platform: Platform, cloud: dict[str, int], tenant: str, how: str = "inherited", **more: Any
) -> None:
    with platform.work("test:claim") as session:
        providers.claim(
            session, session.get_one(System, cloud[tenant]), ROOM, responsibility=how,
            **({"provider_id": cloud["cloud"]} | more), actor="officer", now=utc_now(),
        )  # fmt: skip


def _cells(platform: Platform, system_id: int, unit: str = ROOM[0]) -> list[tuple[str | None, str]]:
    with platform.work("test:look") as session:
        query = select(PostureCell).where(PostureCell.system_id == system_id, PostureCell.unit_id == unit)
        return [(cell.verdict, cell.reasons[0]["zh"]) for cell in session.scalars(query)]


def _compliant(platform: Platform, system_id: int) -> int:
    with platform.work("test:look") as session:
        query = select(PostureSummary.compliant).where(
            PostureSummary.system_id == system_id, PostureSummary.current.is_(True)
        )
        return session.scalars(query).one()


def test_published_inherited_ended_and_renewed(platform: Platform, cloud: dict[str, int]) -> None:
    """Tenants' postures follow the provider's report through its whole life."""
    today = utc_now().date()
    _publish(platform, cloud, "compliant", today + timedelta(days=30), today)
    for tenant in ("tenant1", "tenant2", "tenant3"):
        _claim(platform, cloud, tenant)
        [(verdict, reason)] = _cells(platform, cloud[tenant])
        assert verdict == "compliant"
        assert "继承自政务云平台（云平台测评报告 2026），有效至" in reason
        assert _compliant(platform, cloud[tenant]) == len(ROOM)

    # The report ends: told once for each tenant, and the items are not examined any more.
    later = today + timedelta(days=31)
    moment = datetime.combine(later, utc_now().timetz())
    with platform.work("test:expiry") as session:
        ended = providers.tell_expired(session, today=later, now=moment)
        again = providers.tell_expired(session, today=later, now=moment)
    assert (len(ended), again) == (3, [])
    assert audit_actions(platform).count("inheritance.expired") == 3
    assert last_event(platform, "inheritance.expired").detail["units"] == len(ROOM)
    [(verdict, reason)] = _cells(platform, cloud["tenant1"])
    assert verdict is None
    assert "到期" in reason

    # A new report restores them, with its own result.
    _publish(platform, cloud, "partial", today + timedelta(days=400), today + timedelta(days=1))
    assert _cells(platform, cloud["tenant2"])[0][0] == "partial"


def test_shared_takes_the_worse_half(platform: Platform, cloud: dict[str, int]) -> None:
    """The provider's half stands beside the system's own answers."""
    today = utc_now().date()
    _publish(platform, cloud, "non_compliant", today + timedelta(days=30), today)
    _claim(platform, cloud, "tenant1", "shared")
    assert [verdict for verdict, _ in _cells(platform, cloud["tenant1"])] == [None, "non_compliant"]


def test_a_level_2_tenant_reads_its_own_unit_of_the_family(
    platform: Platform, cloud: dict[str, int], rows: Rows
) -> None:
    """What is published at level 3 answers the same requirement of a level-2 tenant."""
    today = utc_now().date()
    _publish(platform, cloud, "compliant", today + timedelta(days=30), today)
    small = rows.one(System, department_id=cloud["two"], code="SMALL", level=2, profile="S2A2G2")
    with platform.work("test:claim") as session:
        providers.claim(
            session, session.get_one(System, small), ["L2-PES1-01"], responsibility="inherited",
            provider_id=cloud["cloud"], actor="officer", now=utc_now(),
        )  # fmt: skip
    assert _cells(platform, small, "L2-PES1-01")[0][0] == "compliant"


def test_theirs_needs_a_letter(platform: Platform, cloud: dict[str, int]) -> None:
    """A system without local rights shows the letter of those who run it."""
    with pytest.raises(Refused):
        _claim(platform, cloud, "tenant1", "theirs", provider_id=None)


def test_what_is_wrong_is_refused(platform: Platform, cloud: dict[str, int]) -> None:
    """Unknown units, foreign units, no provider, dates the wrong way round."""
    today = utc_now().date()
    with platform.work("test:wrong") as session:
        system = session.get_one(System, cloud["tenant1"])
        for arguments in (
            {"units": ["L4-CES1-01"], "responsibility": "inherited", "provider_id": cloud["cloud"]},
            {"units": ROOM, "responsibility": "inherited", "provider_id": None},
            {"units": ROOM, "responsibility": "inherited", "provider_id": system.id},
            {"units": ROOM, "responsibility": "somehow", "provider_id": cloud["cloud"]},
        ):
            with pytest.raises(BadInput):
                providers.claim(
                    session, system, arguments.pop("units"), actor="officer", now=utc_now(), **arguments
                )  # type: ignore[arg-type]
        provider = session.get_one(System, cloud["cloud"])
        for more in (
            {"results": {"L3-PES1-01": "fine"}},
            {"results": {}},
            {"results": {"L9-XXX1-01": "na"}},
            {"expires_on": today},
        ):
            with pytest.raises(BadInput):
                providers.publish(
                    session, provider,
                    **({"report": "r", "results": dict.fromkeys(ROOM, "na"), "decided_on": today, "expires_on": today + timedelta(1)} | more),  # type: ignore[arg-type]
                    actor="officer", now=utc_now(),
                )  # fmt: skip


def test_pages_for_tenant_and_provider(
    client_as: ClientAs, platform: Platform, cloud: dict[str, int]
) -> None:
    """A contact of the tenants claims in two steps and never sees a row of the provider."""
    today = utc_now().date()
    _publish(platform, cloud, "compliant", today + timedelta(days=30), today)
    contact = client_as(Role.CONTACT, department_id=cloud["two"])
    where = f"/systems/{cloud['tenant1']}/inheritance"
    assert contact.get(where).status_code == 200
    page = contact.post(f"{where}/claim", data={"ids": ROOM[:2]})
    assert "政务云平台（云平台测评报告 2026" in plain(page.text)
    bad = contact.post(f"{where}/claim", data={"ids": ROOM[:2], "responsibility": "inherited"})
    assert bad.status_code == 400
    assert "请选择提供方" in plain(bad.text)
    done = contact.post(
        f"{where}/claim",
        data={"ids": ROOM[:2], "responsibility": "inherited", "provider": str(cloud["cloud"])},
    )
    assert done.status_code == 302
    words = plain(contact.get(where).text)
    assert "继承" in words
    assert "政务云平台" in words
    assert contact.get(f"/systems/{cloud['cloud']}/inheritance").status_code == 404
    assert contact.get(f"/systems/{cloud['cloud']}").status_code == 404
    assert contact.get(f"{where}/export?format=csv").text.count("政务云平台") == 2

    back = contact.post(f"{where}/claim", data={"ids": ROOM[:1], "responsibility": "own"})
    assert back.status_code == 302
    assert "inheritance.release" in audit_actions(platform)

    officer = client_as(Role.OFFICER)
    words = plain(officer.get(f"/systems/{cloud['cloud']}/inheritance").text)
    assert "1 个系统继承本系统的结果" in words


def test_a_provider_publishes_from_a_file(
    client_as: ClientAs, platform: Platform, cloud: dict[str, int]
) -> None:
    """A sheet with unit and verdict is published; a wrong verdict is named with its row."""
    import io

    officer = client_as(Role.OFFICER)
    where = f"/systems/{cloud['cloud']}/inheritance/publish"
    form = {"report": "报告甲", "decided_on": "2026-11-01", "expires_on": "2027-10-31", "source": "file"}
    wrong = officer.post(
        where, data={**form, "file": (io.BytesIO("控制项,判定\nL3-PES1-01,好\n".encode()), "r.csv")}
    )
    assert wrong.status_code == 400
    assert "第 2 行：判定“好”无效" in plain(wrong.text)
    fine = officer.post(
        where,
        data={
            **form,
            "file": (io.BytesIO("控制项,判定\nL3-PES1-01,符合\nL3-PES1-02,部分符合\n".encode()), "r.csv"),
        },
    )
    assert fine.status_code == 302
    assert last_event(platform, "publication.create").detail["units"] == 2


def test_a_provider_of_a_lower_level_is_a_high_risk(
    client_as: ClientAs, platform: Platform, cloud: dict[str, int], rows: Rows
) -> None:
    """The tenant's page says that a platform must not be of a lower level than what it carries."""
    today = utc_now().date()
    _publish(platform, cloud, "compliant", today + timedelta(days=30), today)
    high = rows.one(System, department_id=cloud["two"], code="HIGH", level=4, profile="S4A4G4")
    with platform.work("test:claim") as session:
        providers.claim(
            session, session.get_one(System, high), ["L4-PES1-01"], responsibility="inherited",
            provider_id=cloud["cloud"], actor="officer", now=utc_now(),
        )  # fmt: skip
    officer = client_as(Role.OFFICER)
    assert "高风险" in plain(officer.get(f"/systems/{high}/inheritance").text)
    assert "云平台等级低于其承载的系统" in plain(officer.get(f"/findings/?system={high}&open=1").text)
    # The provider is classified anew: the next claim finds that the level fits.
    with platform.work("test:raise") as session:
        provider = session.get_one(System, cloud["cloud"])
        provider.level, provider.profile = 4, "S4A4G4"
        record(session, "test.raise", provider, now=utc_now())
        session.flush()
        providers.claim(
            session, session.get_one(System, high), ["L4-PES1-02"], responsibility="inherited",
            provider_id=cloud["cloud"], actor="officer", now=utc_now(),
        )  # fmt: skip
    assert "云平台等级低于其承载的系统" not in plain(officer.get(f"/findings/?system={high}&open=1").text)


def test_withdrawn_results_count_no_longer(
    client_as: ClientAs, platform: Platform, cloud: dict[str, int]
) -> None:
    """After a withdrawal the tenants' items are not examined."""
    today = utc_now().date()
    _publish(platform, cloud, "compliant", today + timedelta(days=30), today)
    _claim(platform, cloud, "tenant1")
    client_as(Role.OFFICER).post(
        f"/systems/{cloud['cloud']}/inheritance/1/withdraw", data={"reason": "报告有误"}
    )
    [(verdict, reason)] = _cells(platform, cloud["tenant1"])
    assert verdict is None
    assert "尚未发布" in reason


def test_the_duty_runs_by_itself_and_once(platform: Platform) -> None:
    """The tick starts each duty when its period is over, one job at a time."""
    now = utc_now()
    with platform.work("test:tick") as session:
        assert start_duties(session, now=now) == len(DUTIES)
        assert start_duties(session, now=now + timedelta(minutes=1)) == 0
        kinds = session.scalars(select(Job.kind)).all()
    assert sorted(kinds) == sorted(DUTIES)
    assert expire_inherited.__doc__ is not None


def test_a_recompute_by_a_tenant_keeps_what_is_inherited(
    client_as: ClientAs, platform: Platform, cloud: dict[str, int]
) -> None:
    """Somebody who may not see the provider changes the tenant, and the inherited results stay."""
    today = utc_now().date()
    _publish(platform, cloud, "compliant", today + timedelta(days=30), today)
    _claim(platform, cloud, "tenant1")
    contact = client_as(Role.CONTACT, department_id=cloud["two"])
    asset = {"system": "T1", "kind": "room", "name": "机房甲", "importance": "key"}
    assert contact.post("/registers/assets/new", data=asset).status_code == 302
    assert _cells(platform, cloud["tenant1"])[0][0] == "compliant"
    assert queries_of(contact, platform.engine, f"/systems/{cloud['tenant1']}/inheritance") <= 12
    with platform.work("test:again") as session:
        recompute(session, session.get_one(System, cloud["tenant1"]), now=utc_now())
    assert _cells(platform, cloud["tenant1"])[0][0] == "compliant"
