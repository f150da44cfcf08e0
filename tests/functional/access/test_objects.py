"""No page, list, count, search, sorting, export or act gives a foreign row away: other department, ended, labelled.

Each test first makes sure that the foreign rows are there; the last one takes the row scope away and shows that
the same questions then leak.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from secops import scope
from secops.scope import Principal, scoped_classes
from secops.sensitivity import Sensitivity
from tests.functional.access import world as worlds
from tests.functional.access.world import MARKS, World
from tests.functional.test_scope import WAYS

ROLES = {
    "contact": {"contact"}, "assessor": {"assessor"}, "officer": {"officer"}, "cleared": {"officer"},
    "inspector": {"inspector"}, "leader": {"leader"}, "ended": set(),
}  # fmt: skip
# Which marks each of them may meet; every other one is a leak.
SEEN = {
    "contact": {"own", "child"},
    "assessor": {"own"},
    "officer": {"own", "child", "other"},
    "cleared": set(MARKS),
    "inspector": {"own", "child"},
    "leader": {"own", "child"},
    "ended": set(),
}


def _some(*names: str, rest: tuple[str, ...]) -> list[str]:
    """A few of them on every run, all of them with SECOPS_FULL=1."""
    return [*names, *(rest if os.environ.get("SECOPS_FULL") else ())]


@pytest.fixture(scope="module")
def world(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for all tests of this module; they read, or are refused."""
    found = worlds.build(_sqlite_template, tmp_path_factory.mktemp("objects") / "home")
    yield found
    found.app.extensions["secops"].engine.dispose()
    found.platform.engine.dispose()


def _met(world: World, person: str) -> dict[str, set[str]]:
    """Mark → addresses on which this person met it."""
    met: dict[str, set[str]] = {name: set() for name in MARKS}
    for url in worlds.lists(world, ROLES[person]):
        text = worlds.body(world.people[person], url)
        for name, mark in MARKS.items():
            if mark in text:
                met[name].add(url)
    return met


def test_there_is_something_to_leak(world: World) -> None:
    """Somebody who may see everything meets every mark on many pages."""
    met = _met(world, "cleared")

    for name in ("own", "child", "other", "hidden", "sealed"):
        assert len(met[name]) >= (2 if name == "sealed" else 8), (name, met[name])


@pytest.mark.parametrize(
    "person", _some("contact", "assessor", "officer", "ended", rest=("inspector", "leader"))
)
def test_no_page_shows_a_foreign_row(world: World, person: str) -> None:
    """Lists, searches, sortings, exports and the pages of own rows: own marks are met, foreign ones never."""
    met = _met(world, person)

    leaks = {name: urls for name, urls in met.items() if urls and name not in SEEN[person]}
    assert leaks == {}
    for name in SEEN[person]:
        assert met[name], name


@pytest.mark.parametrize("person", _some("contact", rest=("assessor", "officer", "inspector", "leader")))
def test_rows_elsewhere_change_nothing(world: World, person: str) -> None:
    """Counts, charts and orders too: after more foreign rows were added every page is the same, letter for letter."""
    hidden_only = person == "officer"
    client = world.people[person]
    urls = worlds.lists(world, ROLES[person])
    first = {url: worlds.plain(worlds.body(client, url)) for url in urls}
    # What differs between two looks at the same thing can't be compared: the job list after a reaping, say.
    stable = {url for url in urls if worlds.plain(worlds.body(client, url)) == first[url]}
    assert len(stable) > 0.9 * len(urls)

    if hidden_only:
        worlds.fill(world.platform, world.departments["own"], "hidden", Sensitivity.RESTRICTED)
    else:
        world.add_elsewhere()

    changed = [url for url in stable if worlds.plain(worlds.body(client, url)) != first[url]]
    assert changed == []


def _answers(
    world: World, person: str, place: worlds.Place | None
) -> dict[tuple[str, str], tuple[int, str, str]]:
    """(endpoint, method) → status, where it leads, and what it says, for the rows of a place."""
    client = world.people[person]
    # Shows the messages that an earlier act left for the next page.
    client.get("/account/password").close()
    found = {}
    for rule, method in worlds.rules(world.app):
        if not worlds.admitted(client, rule, method, ROLES[person]):
            continue
        url = worlds.address(world.app, rule, place)
        if url is None:
            continue
        if rule.endpoint.endswith("export") or rule.endpoint.endswith("_export"):
            url += "?format=csv"
        answer = client.get(url) if method == "GET" else client.post(url)
        text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else answer.mimetype
        answer.close()
        location = answer.headers.get("Location", "")
        for number in (str(worlds.MISSING), *(str(row) for row in (place or {}).values())):
            location = location.replace(f"/{number}", "/N")
        main = worlds.plain(text).partition("<main")[2]
        found[rule.endpoint, method] = (
            answer.status_code,
            location,
            main if answer.status_code == 404 else "",
        )
    return found


@pytest.mark.parametrize("person", _some("contact", rest=("assessor", "inspector")))
def test_foreign_and_missing_look_the_same(world: World, person: str) -> None:
    """Get, download and act: an id of somewhere else answers exactly as an id that was never given."""
    missing = _answers(world, person, None)
    own = _answers(world, person, world.places["own"])

    for place in ("other", "hidden", "sealed"):
        foreign = _answers(world, person, world.places[place])
        differing = {
            key: (found[:2], missing[key][:2]) for key, found in foreign.items() if found != missing[key]
        }
        assert differing == {}, place
        # Own rows hold sample values that some acts can't work with; what isn't there breaks nothing.
        assert [key for key, found in foreign.items() if found[0] >= 500] == []
        assert place != "sealed" or {"EvidenceView.show", "EvidenceView.download"} <= {
            key[0] for key in foreign
        }
    # Not empty: for most of them the own row answers otherwise.
    assert sum(own[key] != missing[key] for key in own) > 0.6 * len(own)


def _session(world: World, principal: Principal) -> Session:
    found = Session(world.platform.engine)
    found.info["principal"] = principal
    return found


CLASSES = sorted(scoped_classes(), key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_label_hides_in_every_way_of_asking(world: World, cls: type[Any]) -> None:
    """Every way to ask in SQL, on behalf of somebody who sees all departments: the labelled row isn't there."""
    if "system_id" not in cls.__mapper__.columns and cls.__tablename__ != "system":
        pytest.skip("belongs to a department, and has no label")
    usual = Principal(name="officer", user_id=7, everything=True)
    cleared = Principal(name="officer", user_id=7, everything=True, clearance=int(Sensitivity.RESTRICTED))
    row = world.places["hidden"][cls]

    with _session(world, usual) as session:
        leaks = [way for way, ask in WAYS.items() if ask(session, cls, row)]
    with _session(world, cleared) as session:
        blind = [way for way, ask in WAYS.items() if not ask(session, cls, row)]

    assert (leaks, blind) == ([], [])


def test_what_hangs_on_a_sealed_file_is_sealed(world: World) -> None:
    """Links and reports of a labelled file are gone with it, in every way of asking."""
    usual = Principal(name="officer", user_id=7, everything=True)
    with _session(world, usual) as session:
        leaks = [
            (cls.__name__, way)
            for cls, row in world.places["sealed"].items()
            for way, ask in WAYS.items()
            if ask(session, cls, row)
        ]

    assert leaks == []
    assert len(world.places["sealed"]) >= 3


def test_writing_to_a_labelled_system_is_refused(world: World) -> None:
    """Who may not see it can't add to it, though the root department is theirs."""
    from secops.objects.models import Asset, System

    hidden = world.places["hidden"][System]
    with _session(world, Principal(name="officer", user_id=7, everything=True)) as session:
        session.add(Asset(department_id=world.departments["own"], system_id=hidden, name="x", kind="server"))
        with pytest.raises(scope.ScopeViolation):
            session.flush()
        session.rollback()
        assert session.scalar(select(System.id).where(System.id == hidden)) is None


def test_without_the_hook_these_tests_would_fail(world: World) -> None:
    """The guard is what is tested: with the row scope taken away, pages, acts and questions leak."""
    event.remove(Session, "do_orm_execute", scope._narrow)
    try:
        met = _met(world, "contact")
        missing = _answers(world, "contact", None)
        foreign = _answers(world, "contact", world.places["other"])
        with _session(world, Principal(name="officer", user_id=7, everything=True)) as session:
            hidden = [
                cls
                for cls in world.places["hidden"]
                if WAYS["get"](session, cls, world.places["hidden"][cls])
            ]
    finally:
        event.listen(Session, "do_orm_execute", scope._narrow)

    assert met["other"]
    assert met["hidden"]
    assert any(answer != missing[key] for key, answer in foreign.items())
    assert hidden == list(world.places["hidden"])
