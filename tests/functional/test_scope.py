"""Nobody sees, counts or touches a row outside their scope: every table under the hook, every way to ask.

The store holds one row of each table in two departments. What is asked on behalf of the first must never show,
count or change a row of the second; and the last tests remove the hook and show that the same questions would
then leak, so the checks are not empty.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, exists, func, insert, inspect, literal, select, union_all, update
from sqlalchemy.orm import Session, aliased, joinedload, selectinload, subqueryload

from secops import models as _models  # noqa: F401  (every scoped class is mapped before they are listed)
from secops import scope
from secops.findings.models import Finding
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from secops.scans.models import ProbeRun, Scan
from secops.scope import Principal, ScopeViolation, SystemScoped, scoped_classes
from tests.support import platforms
from tests.support.builders import Rows

CLASSES = sorted(scoped_classes(), key=lambda cls: cls.__name__)
OF_SYSTEM = [cls for cls in CLASSES if issubclass(cls, SystemScoped)]


@dataclass(frozen=True)
class Two:
    """The store and what lies in it: ids of the own and of the foreign row of each class."""

    platform: Platform
    own_department: int
    foreign_department: int
    own: dict[type[Any], int]
    foreign: dict[type[Any], int]

    @property
    def person(self) -> Principal:
        return Principal(name="owner", user_id=7, department_ids=frozenset({self.own_department}))

    def session(self, principal: Principal | None) -> Session:
        found = Session(self.platform.engine)
        if principal is not None:
            found.info["principal"] = principal
        return found


def _fill(rows: Rows, department: int) -> dict[type[Any], int]:
    ids = {System: rows.one(System, department_id=department)}
    for cls in CLASSES:
        if cls is not System:
            ids[cls] = rows.one(cls, system_id=ids[System])
    return ids


@pytest.fixture(scope="module")
def two(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Two departments with one row of each table; reading tests share it, writing tests roll back."""
    platform = platforms.copy_installation(_sqlite_template, tmp_path_factory.mktemp("scope") / "home")
    own_department, foreign_department = Rows(platform.engine).many(Department, 2)
    # Builders keep the parents they made: one for each department, so that nothing is shared.
    own = _fill(Rows(platform.engine), own_department)
    foreign = _fill(Rows(platform.engine), foreign_department)
    yield Two(platform, own_department, foreign_department, own, foreign)
    platform.engine.dispose()


@pytest.fixture
def session(two: Two) -> Iterator[Session]:
    """A session of the person who may see the first department."""
    with two.session(two.person) as found:
        yield found
        found.rollback()


@pytest.fixture
def _no_hook() -> Iterator[None]:
    event.remove(Session, "do_orm_execute", scope._narrow)
    yield
    event.listen(Session, "do_orm_execute", scope._narrow)


def _key(cls: type[Any]) -> Any:
    return getattr(cls, inspect(cls).mapper.primary_key[0].key)


Ask = Callable[[Session, type[Any], int], bool]


def _union(session: Session, cls: type[Any], row: int) -> bool:
    query = union_all(select(_key(cls)).where(_key(cls) == row), select(_key(cls)).where(_key(cls) == row))
    return bool(session.execute(query).all())


def _filtered_alias(session: Session, cls: type[Any], row: int) -> bool:
    other = aliased(cls)
    return session.scalar(select(other).where(_key(other) == row)) is not None


def _joined(session: Session, cls: type[Any], row: int) -> bool:
    query = select(_key(cls), Department.name).join(Department, Department.id == cls.department_id)
    return row in session.scalars(query).all()


def _exists_in_where(session: Session, cls: type[Any], row: int) -> bool:
    query = select(func.count(Department.id)).where(exists().where(_key(cls) == row))
    return bool(session.scalar(query))


# Each asks for one row in its own way and tells whether the answer gives it away.
WAYS: dict[str, Ask] = {
    "get": lambda s, cls, row: s.get(cls, row) is not None,
    "list": lambda s, cls, row: row in [inspect(found).identity[0] for found in s.scalars(select(cls))],
    "filter": lambda s, cls, row: s.scalar(select(cls).where(_key(cls) == row)) is not None,
    "column": lambda s, cls, row: row in s.scalars(select(_key(cls))).all(),
    "count": lambda s, cls, row: bool(
        s.scalar(select(func.count()).select_from(cls).where(_key(cls) == row))
    ),
    "count of a column": lambda s, cls, row: bool(
        s.scalar(select(func.count(_key(cls))).where(_key(cls) == row))
    ),
    "sum": lambda s, cls, row: bool(s.scalar(select(func.sum(_key(cls))).where(_key(cls) == row))),
    "max": lambda s, cls, row: s.scalar(select(func.max(_key(cls))).where(_key(cls) == row)) is not None,
    "group": lambda s, cls, row: row in s.scalars(select(_key(cls)).group_by(_key(cls))).all(),
    "exists": lambda s, cls, row: bool(s.scalar(select(exists().where(_key(cls) == row)))),
    "exists in where": _exists_in_where,
    "subquery": lambda s, cls, row: bool(
        s.scalar(select(func.count()).select_from(select(cls).where(_key(cls) == row).subquery()))
    ),
    "in subquery": lambda s, cls, row: bool(
        s.scalar(select(literal(1)).where(literal(row).in_(select(_key(cls)))))
    ),
    "scalar subquery": lambda s, cls, row: (
        s.scalar(select(select(_key(cls)).where(_key(cls) == row).scalar_subquery())) is not None
    ),
    "common table": lambda s, cls, row: bool(
        s.scalars(select(select(_key(cls).label("k")).where(_key(cls) == row).cte().c.k)).all()
    ),
    "union": _union,
    "alias": _filtered_alias,
    "join": _joined,
    "legacy query": lambda s, cls, row: s.query(cls).filter(_key(cls) == row).count() > 0,
    "page": lambda s, cls, row: (
        row in s.scalars(select(_key(cls)).order_by(_key(cls)).offset(0).limit(10**6)).all()
    ),
}


# Findings are changed as objects only, whatever their place (tests/functional/findings/test_rollup.py).
BY_STATEMENT = [cls for cls in CLASSES if cls is not Finding]


def test_there_is_something_to_leak(two: Two) -> None:
    """Both departments hold a row of every scoped table, and the scope columns tell them apart."""
    with two.session(Principal.platform("test")) as session:
        assert len(CLASSES) >= 17
        for cls in CLASSES:
            own, foreign = session.get_one(cls, two.own[cls]), session.get_one(cls, two.foreign[cls])
            assert own.department_id == two.own_department, cls
            assert foreign.department_id == two.foreign_department, cls


def test_scope_columns_are_never_null() -> None:
    """Every table under the hook has a department, and a system where it belongs to one; neither may be null."""
    for cls in CLASSES:
        columns = inspect(cls).local_table.columns
        assert not columns["department_id"].nullable, cls
        assert not issubclass(cls, SystemScoped) or not columns["system_id"].nullable, cls


def test_every_table_of_a_system_is_under_the_hook() -> None:
    """A table with a department or a system column is scoped, or stands in the short list of accounts and grants."""
    unscoped = {
        mapper.class_.__name__
        for mapper in System.registry.mappers
        if {"department_id", "system_id"}.intersection(mapper.local_table.columns.keys())
        and mapper.class_ not in CLASSES
    }

    assert unscoped == {"Account", "GrantRequest", "RoleGrant"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_no_way_to_see_a_foreign_row(session: Session, two: Two, cls: type[Any], way: str) -> None:
    """The own row answers, the foreign one does not, whichever way it is asked for."""
    ask = WAYS[way]

    own, foreign = ask(session, cls, two.own[cls]), ask(session, cls, two.foreign[cls])

    assert own
    assert not foreign


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_session_without_a_principal_sees_nothing(two: Two, cls: type[Any]) -> None:
    """Forgetting to say on whose behalf a session works shows no row at all."""
    with two.session(None) as session:
        seen = {way for way, ask in WAYS.items() if ask(session, cls, two.own[cls])}

    assert seen == set()


@pytest.mark.parametrize("cls", [System, *OF_SYSTEM], ids=lambda cls: cls.__name__)
def test_a_single_system_is_seen_without_its_department(two: Two, cls: type[Any]) -> None:
    """A grant for one system shows that system's rows and no other of the same department."""
    neighbour = Rows(two.platform.engine)
    sibling = neighbour.one(System, department_id=two.own_department)
    other = sibling if cls is System else neighbour.one(cls, system_id=sibling)
    person = Principal(name="owner", user_id=8, system_ids=frozenset({two.own[System]}))

    with two.session(person) as session:
        seen = set(session.scalars(select(_key(cls))))

    assert two.own[cls] in seen
    assert seen.isdisjoint({two.foreign[cls], other})


def _foreign_asset_on_own_finding(two: Two) -> int:
    """An own finding that points at a foreign asset, as a fault of a service could leave it."""
    rows = Rows(two.platform.engine)
    return rows.one(Finding, system_id=two.own[System], asset_id=two.foreign[Asset])


@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload], ids=lambda load: load.__name__)
def test_a_relation_does_not_lead_outside(session: Session, two: Two, load: Any) -> None:
    """Loading the target of an own row along with it does not show a foreign target."""
    finding = _foreign_asset_on_own_finding(two)

    found = session.scalars(select(Finding).where(Finding.id == finding).options(load(Finding.asset))).one()

    assert found.asset is None


def test_a_collection_holds_own_rows_only(session: Session, two: Two) -> None:
    """The parts of an own row are narrowed too: a foreign part among them does not show."""
    rows = Rows(two.platform.engine)
    scan = rows.one(Scan, system_id=two.own[System])
    own = rows.one(ProbeRun, system_id=two.own[System], scan_id=scan, target="own")
    rows.one(ProbeRun, system_id=two.foreign[System], scan_id=scan, target="foreign")

    found = session.scalars(select(Scan).where(Scan.id == scan).options(selectinload(Scan.runs))).one()

    assert [run.id for run in found.runs] == [own]


def test_a_lazy_load_does_not_lead_outside(session: Session, two: Two) -> None:
    """A relation that is loaded later, by touching it, is narrowed as well."""
    from sqlalchemy.orm import lazyload

    finding = _foreign_asset_on_own_finding(two)
    found = session.scalars(
        select(Finding)
        .where(Finding.id == finding)
        .options(lazyload(Finding.asset), lazyload(Finding.system))
    ).one()

    assert found.asset is None
    assert found.system is not None


def test_a_join_along_a_relation_does_not_lead_outside(session: Session, two: Two) -> None:
    """Joining to the target of an own row gives no row when the target is foreign."""
    finding = _foreign_asset_on_own_finding(two)

    names = session.scalars(
        select(Asset.name).join(Finding, Finding.asset_id == Asset.id).where(Finding.id == finding)
    )

    assert names.all() == []


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_an_update_by_statement_changes_own_rows_only(session: Session, two: Two, cls: type[Any]) -> None:
    """An update without any condition reaches the own rows and none besides."""
    own = session.scalar(select(func.count()).select_from(cls))
    with two.session(Principal.platform("test")) as everybody:
        everything = everybody.scalar(select(func.count()).select_from(cls))
    same = {_key(cls): _key(cls)}

    changed = session.execute(update(cls).values(same), execution_options={"synchronize_session": False})

    assert changed.rowcount == own  # type: ignore[attr-defined]
    assert own < everything


@pytest.mark.parametrize("cls", BY_STATEMENT, ids=lambda cls: cls.__name__)
def test_a_delete_by_statement_reaches_no_foreign_row(session: Session, two: Two, cls: type[Any]) -> None:
    """Deleting a foreign row by its id deletes nothing."""
    gone = session.execute(
        delete(cls).where(_key(cls) == two.foreign[cls]), execution_options={"synchronize_session": False}
    )

    assert gone.rowcount == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_adding_a_row_elsewhere_is_refused(session: Session, two: Two, cls: type[Any]) -> None:
    """A new row for a foreign department or system is refused before it reaches the database."""
    columns = inspect(cls).local_table.columns.keys()
    place = {"department_id": two.foreign_department, "system_id": two.foreign[System]}
    row = cls(**{name: value for name, value in place.items() if name in columns})
    session.add(row)

    with pytest.raises(ScopeViolation) as refusal:
        session.flush()

    assert refusal.value.kind == cls.__name__


@pytest.mark.parametrize("cls", OF_SYSTEM, ids=lambda cls: cls.__name__)
def test_a_foreign_system_is_not_reached_by_naming_the_own_department(
    session: Session, two: Two, cls: type[Any]
) -> None:
    """A row that names the own department and a foreign system would show up in neither; it is refused."""
    session.add(cls(department_id=two.own_department, system_id=two.foreign[System]))

    with pytest.raises(ScopeViolation):
        session.flush()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_moving_an_own_row_elsewhere_is_refused(session: Session, two: Two, cls: type[Any]) -> None:
    """An own row is not pushed into a foreign department, neither by its object nor by a statement."""
    row = session.get_one(cls, two.own[cls])
    row.department_id = two.foreign_department

    with pytest.raises(ScopeViolation):
        session.flush()
    session.rollback()
    with pytest.raises(ScopeViolation):
        session.execute(
            update(cls).where(_key(cls) == two.own[cls]).values(department_id=two.foreign_department),
            execution_options={"synchronize_session": False},
        )


@pytest.mark.parametrize("cls", BY_STATEMENT, ids=lambda cls: cls.__name__)
def test_inserting_elsewhere_by_statement_is_refused(session: Session, two: Two, cls: type[Any]) -> None:
    """An insert by statement, one row or many, is held to the same rule."""
    place = {"department_id": two.foreign_department, "system_id": two.foreign[System]}
    columns = inspect(cls).local_table.columns.keys()
    values = {name: value for name, value in place.items() if name in columns}

    with pytest.raises(ScopeViolation):
        session.execute(insert(cls).values(**values))
    with pytest.raises(ScopeViolation):
        session.execute(insert(cls), [values, values])


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_bare_table_is_refused(session: Session, two: Two, cls: type[Any]) -> None:
    """The hook narrows mapped classes; asking for the table behind one is refused rather than answered in full."""
    table = inspect(cls).local_table
    key = next(iter(table.primary_key.columns))

    for query in (
        select(key).where(key == two.foreign[cls]),
        select(Department.id, key).where(key == two.foreign[cls]),
        select(exists().where(key == two.foreign[cls])),
        update(table).values(department_id=two.own_department),
        delete(table),
    ):
        with pytest.raises(ScopeViolation):
            session.execute(query)


def test_everything_means_everything(two: Two) -> None:
    """A principal that says so sees the rows of both departments."""
    with two.session(Principal.platform("test")) as session:
        for cls in CLASSES:
            assert {two.own[cls], two.foreign[cls]} <= set(session.scalars(select(_key(cls))))


def test_a_change_of_principal_is_obeyed_at_once(two: Two) -> None:
    """A session that changes hands narrows to the new person with the next question."""
    with two.session(two.person) as session:
        before = set(session.scalars(select(System.id)))
        session.info["principal"] = Principal(
            name="other", user_id=9, department_ids=frozenset({two.foreign_department})
        )
        after = set(session.scalars(select(System.id)))

    assert two.own[System] in before
    assert two.foreign[System] in after
    assert before.isdisjoint(after)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("_no_hook")
def test_without_the_hook_each_way_would_leak(two: Two, way: str) -> None:
    """With the hook removed each of these questions shows the foreign row of every table: the tests can fail."""
    with two.session(two.person) as session:
        leaks = [cls.__name__ for cls in CLASSES if WAYS[way](session, cls, two.foreign[cls])]

    assert leaks == [cls.__name__ for cls in CLASSES]


@pytest.mark.parametrize("load", [joinedload, selectinload, subqueryload], ids=lambda load: load.__name__)
@pytest.mark.usefixtures("_no_hook")
def test_without_the_hook_relations_would_leak(two: Two, load: Any) -> None:
    """With the hook removed the foreign target of an own row shows."""
    finding = _foreign_asset_on_own_finding(two)

    with two.session(two.person) as session:
        found = session.scalars(
            select(Finding).where(Finding.id == finding).options(load(Finding.asset))
        ).one()

        assert found.asset is not None


def test_both_databases_narrow_alike(both_platforms: Platform) -> None:
    """The hook's clauses do the same on SQLite and on PostgreSQL."""
    own_department, foreign_department = Rows(both_platforms.engine).many(Department, 2)
    own = _fill(Rows(both_platforms.engine), own_department)
    foreign = _fill(Rows(both_platforms.engine), foreign_department)
    person = Principal(name="owner", user_id=7, department_ids=frozenset({own_department}))

    with Session(both_platforms.engine) as session:
        session.info["principal"] = person
        answers = {
            (way, cls.__name__): (ask(session, cls, own[cls]), ask(session, cls, foreign[cls]))
            for way, ask in WAYS.items()
            for cls in CLASSES
        }

    assert {key for key, answer in answers.items() if answer != (True, False)} == set()


_FRESH = """
import sys
from pathlib import Path
from sqlalchemy import select
from secops.config import Settings
from secops.objects.models import System
from secops.platform import Platform
from secops.scope import Principal
platform = Platform.open(Settings(home=Path(sys.argv[1])).resolved())
with platform.work_as(Principal(name="somebody", department_ids=frozenset({1}))) as session:
    print(len(session.scalars(select(System)).all()))
"""


def test_the_first_question_of_a_process_is_narrowed(platform: Platform) -> None:
    """A process that asks in somebody's scope before it has loaded every table gets its answer."""
    done = subprocess.run(
        [sys.executable, "-c", _FRESH, str(platform.settings.home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == "1", done.stderr
