"""The state machine of remediation: every (state × step × role), and long walks through it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts.models import Role
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.findings import acceptance, requests, services
from secops.findings.machine import ASKING, DECIDING, OPEN_STATES, STEPS
from secops.findings.models import (
    Finding,
    FindingEvent,
    FindingRequest,
    FindingSource,
    FindingState,
    RequestKind,
    RequestState,
)
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.scope import Principal
from tests.support.builders import Rows
from tests.support.platforms import NOW

TODAY = NOW.date()
DOCS = Path(__file__).parents[3] / "docs/remediation.md"


def _person(name: str, *roles: str) -> Principal:
    return Principal(name=name, roles=frozenset(roles), everything=True, clearance=99)


def _finding(rows: Rows, state: FindingState, **values: object) -> int:
    return rows.one(
        Finding, state=state.value, severity="medium", source=values.pop("source", "manual"), **values
    )


def _take(session: Session, finding: Finding, name: str, who: Principal) -> None:
    """The step as pages take it: the ones that open or end a request through their service."""
    verb, _, what = name.partition("-")
    if name in ASKING:
        until = (finding.due or finding.suggested_due or TODAY) + timedelta(days=30)
        requests.ask(
            session, finding, RequestKind(what), reason="需要时间", until=max(until, TODAY + timedelta(days=30)),
            compensation="限制访问", who=who, now=NOW,
        )  # fmt: skip
    elif name in DECIDING:
        requests.decide(
            session, finding, RequestKind(what), granted=verb == "grant", note="已核对", who=who, now=NOW
        )
    elif name == "end-acceptance":
        requests.revoke(session, finding, note="不再接受", who=who, now=NOW)
    else:
        services.act(session, finding, name, who=who, now=NOW, note="已说明原因")


def _open_request(session: Session, finding: Finding, name: str) -> None:
    kind, state = RequestKind(STEPS[name].request), RequestState.ASKED
    if name == "end-acceptance":
        state = RequestState.GRANTED
    session.add(
        FindingRequest(
            department_id=finding.department_id, system_id=finding.system_id, finding_id=finding.id, kind=kind,
            state=state, reason="r", compensation="c", until=TODAY + timedelta(days=400 if kind == "extension" else 60),
            basis={}, asked_by="asker", asked_at=NOW,
        )
    )  # fmt: skip
    session.flush()


def test_every_state_step_and_role(platform: Platform, rows: Rows) -> None:
    """A step is taken exactly where the table says so, by exactly the roles it names, and leads where it says."""
    system = rows.one(System)
    ids = {state: _finding(rows, state, system_id=system, key=state.value) for state in FindingState}
    roles = [role.value for role in Role]
    walked = 0
    for state, name, role in product(FindingState, STEPS, roles):
        with platform.work("test") as session:
            finding = session.get_one(Finding, ids[state])
            step = STEPS[name]
            if name in DECIDING or name == "end-acceptance":
                _open_request(session, finding, name)
            allowed = state in step.sources and role in step.roles
            who = _person("somebody", role)
            if allowed:
                _take(session, finding, name, who)
                assert finding.state is (step.target or state), (state, name, role)
            else:
                with pytest.raises(Refused):
                    _take(session, finding, name, who)
                assert finding.state is state
            walked += 1
            session.rollback()
    assert walked == len(FindingState) * len(STEPS) * len(roles)


def test_what_is_offered_is_what_may_be_done(platform: Platform, rows: Rows) -> None:
    """The buttons of a page are the steps that the service takes, requests that wait included."""
    system = rows.one(System)
    ids = {state: _finding(rows, state, system_id=system, key=state.value) for state in FindingState}
    for state, role in product(
        FindingState, ("officer", "owner", "assessor", "contact", "inspector", "leader")
    ):
        with platform.work("test") as session:
            finding = session.get_one(Finding, ids[state])
            who = _person("somebody", role)
            offered = set(services.possible_actions(finding, who))
            allowed = {
                name
                for name, step in STEPS.items()
                if state in step.sources and role in step.roles and name not in DECIDING
            }
            assert offered == allowed


@pytest.mark.parametrize("seed", range(8))
def test_long_walks_never_leave_the_table(platform: Platform, rows: Rows, seed: int) -> None:
    """Fifty random steps by random people: each change of state is one of the table, and the history tells it."""
    rng = random.Random(seed)
    number = _finding(rows, FindingState.OPEN, suggested_due=TODAY + timedelta(days=5))
    people = [
        _person(f"{role}-{n}", role)
        for role in ("officer", "owner", "assessor", "contact", "leader")
        for n in (1, 2)
    ]
    moves = {(step, name) for name, one in STEPS.items() for step in one.sources}
    taken = 0
    for _ in range(50):
        who, name = rng.choice(people), rng.choice(sorted(STEPS))
        with platform.work("test") as session:
            finding = session.get_one(Finding, number)
            before = finding.state
            try:
                _take(session, finding, name, who)
            except (Refused, NotFound, BadInput, Conflict):
                session.rollback()
                continue
            assert (before, name) in moves
            assert finding.state is (STEPS[name].target or before)
            taken += 1
    with platform.work("test") as session:
        events = session.scalars(select(FindingEvent).order_by(FindingEvent.id)).all()
        assert len(events) == taken > 3
        state = FindingState.OPEN.value
        for event in events:
            if event.to_state:
                assert event.from_state == state
                state = event.to_state
        assert session.get_one(Finding, number).state.value == state
        accepted = session.scalars(
            select(FindingRequest).where(FindingRequest.state == RequestState.GRANTED)
        ).all()
        for request in accepted:
            assert request.asked_by != request.decided_by


def test_nobody_confirms_his_own_fix(platform: Platform, rows: Rows) -> None:
    """An officer who handed a fix in can't confirm it; another can, and then it closes."""
    number = _finding(rows, FindingState.IN_PROGRESS)
    one, two = _person("one", "officer"), _person("two", "officer")
    with platform.work("test") as session:
        finding = session.get_one(Finding, number)
        services.act(session, finding, "submit", who=one, now=NOW, note="已加固")
        session.flush()
        assert "verify" not in services.possible_actions(finding, one, submitter="one")
        with pytest.raises(Refused, match="than who handed it in"):
            services.act(session, finding, "verify", who=one, now=NOW, note="看过")
        services.act(session, finding, "verify", who=two, now=NOW, note="看过配置")
        services.act(session, finding, "close", who=two, now=NOW)
        assert finding.state is FindingState.CLOSED
        assert finding.closed_at == NOW


def test_an_acceptance_takes_two_and_ends_on_its_day(platform: Platform, rows: Rows) -> None:
    """Who asks can't grant; granted it holds until its last day, the sweep opens the finding the day after, once."""
    number = _finding(rows, FindingState.PLANNED, suggested_due=TODAY)
    owner, officer = _person("owner", "owner", "officer"), _person("officer", "officer")
    until = TODAY + timedelta(days=30)
    with platform.work("test") as session:
        finding = session.get_one(Finding, number)
        requests.ask(
            session, finding, RequestKind.ACCEPTANCE, reason="设备停产", until=until, compensation="隔离网段", who=owner, now=NOW
        )  # fmt: skip
        with pytest.raises(Refused, match="waits for a decision"):
            requests.ask(
                session, finding, RequestKind.ACCEPTANCE, reason="再问一次", until=until, compensation="隔离", who=officer, now=NOW
            )  # fmt: skip
        with pytest.raises(Refused, match="than who asked"):
            requests.decide(
                session, finding, RequestKind.ACCEPTANCE, granted=True, note="", who=owner, now=NOW
            )
        requests.decide(session, finding, RequestKind.ACCEPTANCE, granted=True, note="", who=officer, now=NOW)
        assert finding.state is FindingState.RISK_ACCEPTED
    with platform.work("test") as session:
        assert acceptance.sweep(session, today=until, now=NOW) == {"expired": 0, "grown": 0}
        later = until + timedelta(days=1)
        assert acceptance.sweep(session, today=later, now=NOW) == {"expired": 1, "grown": 0}
        assert acceptance.sweep(session, today=later, now=NOW) == {"expired": 0, "grown": 0}
        finding = session.get_one(Finding, number)
        assert finding.state is FindingState.OPEN
        (request,) = session.scalars(select(FindingRequest))
        assert (request.state, request.ended_why) == (RequestState.ENDED, "expired")


@pytest.mark.parametrize("change", ["level", "internet", "severity", "importance"])
def test_an_acceptance_goes_stale_when_the_risk_grows(platform: Platform, rows: Rows, change: str) -> None:
    """A higher level, the internet, a worse severity or a more important target: what was accepted is no longer it."""
    system = rows.one(System, level=2, internet_facing=False)
    asset = rows.one(Asset, system_id=system, importance="normal")
    number = _finding(rows, FindingState.OPEN, system_id=system, asset_id=asset)
    with platform.work("test") as session:
        finding = session.get_one(Finding, number)
        requests.ask(
            session, finding, RequestKind.ACCEPTANCE, reason="暂缓整改", until=TODAY + timedelta(days=90),
            compensation="加强监测", who=_person("a", "owner"), now=NOW,
        )  # fmt: skip
        requests.decide(
            session,
            finding,
            RequestKind.ACCEPTANCE,
            granted=True,
            note="",
            who=_person("b", "officer"),
            now=NOW,
        )
    with platform.work("test") as session:
        assert acceptance.sweep(session, today=TODAY, now=NOW)["grown"] == 0
        finding = session.get_one(Finding, number)
        if change == "level":
            session.get_one(System, system).level = 3
        elif change == "internet":
            session.get_one(System, system).internet_facing = True
        elif change == "severity":
            finding.severity = type(finding.severity)("high")
        else:
            row = session.get_one(Asset, asset)
            row.importance = type(row.importance)("key")
        session.flush()
        assert acceptance.sweep(session, today=TODAY, now=NOW)["grown"] == 1
        assert finding.state is FindingState.OPEN


def test_more_time_moves_the_date_only_when_granted(platform: Platform, rows: Rows) -> None:
    """The due date stays while nobody decided; refused it stays too, granted it becomes the one asked for."""
    number = _finding(rows, FindingState.IN_PROGRESS, due=TODAY + timedelta(days=5))
    owner, officer = _person("owner", "owner"), _person("officer", "officer")
    late = TODAY + timedelta(days=50)
    for granted in (False, True):
        with platform.work("test") as session:
            finding = session.get_one(Finding, number)
            requests.ask(
                session, finding, RequestKind.EXTENSION, reason="等待补丁", until=late, who=owner, now=NOW
            )
            assert finding.due == TODAY + timedelta(days=5)
            requests.decide(
                session, finding, RequestKind.EXTENSION, granted=granted, note="看过", who=officer, now=NOW
            )
            assert finding.due == (late if granted else TODAY + timedelta(days=5))
    with platform.work("test") as session:
        finding = session.get_one(Finding, number)
        with pytest.raises(BadInput, match="later than the present"):
            requests.ask(
                session, finding, RequestKind.EXTENSION, reason="又要延期", until=late, who=owner, now=NOW
            )


def test_a_longer_acceptance_than_the_settings_allow_is_refused(platform: Platform, rows: Rows) -> None:
    """A risk is accepted for a year at most, unless the settings say otherwise."""
    number = _finding(rows, FindingState.OPEN)
    with platform.work("test") as session:
        finding = session.get_one(Finding, number)
        with pytest.raises(BadInput, match="365"):
            requests.ask(
                session, finding, RequestKind.ACCEPTANCE, reason="一直接受", until=TODAY + timedelta(days=400),
                compensation="没有措施", who=_person("a", "owner"), now=NOW,
            )  # fmt: skip


def test_two_who_decide_at_once(both_platforms: Platform) -> None:
    """One wins; the other is told that somebody was faster, and the finding has one decision."""
    rows = Rows(both_platforms.engine)
    number = _finding(rows, FindingState.OPEN)
    with both_platforms.work("test") as session:
        requests.ask(
            session, session.get_one(Finding, number), RequestKind.ACCEPTANCE, reason="暂缓整改",
            until=TODAY + timedelta(days=9), compensation="加强监测", who=_person("a", "owner"), now=NOW,
        )  # fmt: skip
        version = session.get_one(Finding, number).version
    outcomes = []
    for name in ("b", "c"):
        with both_platforms.work("test") as session:
            try:
                requests.decide(
                    session, session.get_one(Finding, number), RequestKind.ACCEPTANCE, granted=True, note="",
                    who=_person(name, "officer"), now=NOW, version=version,
                )  # fmt: skip
                outcomes.append("won")
            except Conflict:
                outcomes.append("told")
    assert outcomes == ["won", "told"]


def test_a_notice_closes_with_its_letter(platform: Platform, rows: Rows) -> None:
    """A finding of a notice stays verified until a closure letter is attached."""
    number = _finding(rows, FindingState.VERIFIED, source=FindingSource.NOTICE.value)
    with platform.work("test") as session:
        finding = session.get_one(Finding, number)
        with pytest.raises(Refused, match="closure letter"):
            services.act(session, finding, "close", who=_person("a", "officer"), now=NOW)


def test_the_page_on_remediation_prints_the_table() -> None:
    """Each step of the machine stands in the docs with its states and roles."""
    text = DOCS.read_text(encoding="utf-8")
    for name, step in STEPS.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        sources = {part.strip() for part in cells[1].split(",")}
        named = {"any": set(FindingState), "any open": set(OPEN_STATES)}.get(cells[1], sources)
        assert named == {state.value for state in step.sources}, name
        assert cells[2] == (step.target.value if step.target else "–"), name
        assert {part.strip() for part in cells[3].split(",")} == set(step.roles), name


def test_a_table_line_is_frozen() -> None:
    """Nobody changes the machine at run time."""
    with pytest.raises(AttributeError):
        STEPS["plan"].target = FindingState.CLOSED  # type: ignore[misc]
    assert replace(STEPS["plan"], target=FindingState.CLOSED) != STEPS["plan"]
