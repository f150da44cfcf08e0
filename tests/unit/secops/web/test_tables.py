"""Lists: what an address may ask for, how rows are found, and what an export writes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest
from sqlalchemy import DateTime, Engine, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from werkzeug.datastructures import MultiDict

from secops.objects.models import Department, System
from secops.platform import Platform
from secops.scope import Principal
from secops.web.table_export import csv_bytes, harmless, xlsx_bytes
from secops.web.table_filters import Choice, Days, Flag, Text
from secops.web.tables import BadTable, Column, Table
from tests.support.builders import Rows
from tests.support.queries import recorded_queries


class _Base(DeclarativeBase):
    pass


class Thing(_Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(DateTime)


TABLE = Table(
    "things",
    (
        Column("name", "名称", "Name", lambda r: r.name, sort=Thing.name),
        Column("state", "判定", "Verdict", lambda r: r.state, kind="badge", label="verdict"),
        Column("number", "数量", "Number", lambda r: r.number, sort=Thing.number, kind="number"),
        Column("at", "时间", "Time", lambda r: r.at.replace(tzinfo=UTC), sort=Thing.at, kind="time"),
        Column("code", "编号", "Code", lambda r: r.id, shown=False),
    ),
    filters=(
        Choice("state", "判定", "Verdict", Thing.state, label="verdict"),
        Text("name", "名称", "Name", Thing.name),
        Days("at", "时间", "Time", Thing.at),
        Flag("odd", "奇数", "Odd", Thing.number % 2 == 1),
    ),
    search=(Thing.name, Thing.state),
    default_sort="-number",
    page_sizes=(5, 10, 20),
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = create_engine("sqlite://")
    _Base.metadata.create_all(made)
    states = ("compliant", "partial", "non_compliant")
    with Session(made) as session:
        for number in range(1, 24):
            at = datetime(2026, 11, 1 + number, 15, 30)
            session.add(
                Thing(
                    id=number, name=f"thing {number:02}", state=states[number % 3], number=number // 2, at=at
                )
            )
        session.add(Thing(id=90, name="100%_sure", state="na", number=99, at=datetime(2026, 12, 30)))
        session.commit()
    yield made
    made.dispose()


def load(engine: Engine, query: str = "") -> Any:
    from urllib.parse import parse_qsl

    with Session(engine) as session:
        return TABLE.load(session, select(Thing), MultiDict(parse_qsl(query)))


def test_two_queries_whatever_is_asked(engine: Engine) -> None:
    """Loading costs one count and one read, with search, filters and sorting as without."""
    for query in ("", "q=thing&state=partial&odd=1&sort=name&page=2&size=10"):
        with recorded_queries(engine) as queries:
            load(engine, query)
        assert queries.count == 2, queries.told()


def test_default_order_and_ties(engine: Engine) -> None:
    """Rows come in the default order, and rows of equal value never show on two pages."""
    numbers = [row.number for row in load(engine).rows]
    assert numbers == sorted(numbers, reverse=True)
    seen = [row.id for page in range(1, 6) for row in load(engine, f"page={page}").rows]
    assert len(seen) == len(set(seen)) == 24


@pytest.mark.parametrize("query", ["sort=state", "sort=id;drop table thing", "sort=-nothing", "sort="])
def test_unknown_sorting_is_ignored(engine: Engine, query: str) -> None:
    """A key that is not a sortable column leaves the default order."""
    state = load(engine, query)
    assert (state.sort_key, state.descending) == ("number", True)


@pytest.mark.parametrize(
    ("query", "page", "size"),
    [
        ("page=99", 5, 5),
        ("page=0", 1, 5),
        ("page=-3", 1, 5),
        ("page=x", 1, 5),
        ("size=10000", 1, 5),
        ("size=20", 1, 20),
        ("page=９", 1, 5),
    ],
)
def test_pages_stay_within_bounds(engine: Engine, query: str, page: int, size: int) -> None:
    """Page and size come from the allowed ones only; a page beyond the end is the last one."""
    state = load(engine, query)
    assert (state.page, state.size) == (page, size)
    assert state.rows


def test_search_takes_every_term_and_no_pattern(engine: Engine) -> None:
    """Each word must be found somewhere, capitals or not, and LIKE's signs are letters."""
    assert [row.name for row in load(engine, "q=THING 07").rows] == ["thing 07"]
    assert [row.name for row in load(engine, "q=100%25_").rows] == ["100%_sure"]
    assert load(engine, "q=%25").total == 1
    assert load(engine, "q=thing nowhere").total == 0


def test_filters_narrow_together(engine: Engine) -> None:
    """Values of one filter add up, filters narrow each other, unknown values are ignored."""
    both = load(engine, "state=partial&state=na&state=made-up")
    assert both.total == 9
    assert {row.state for row in both.rows} <= {"partial", "na"}
    narrow = load(engine, "state=partial&odd=1")
    assert 0 < narrow.total < both.total
    assert all(row.number % 2 for row in narrow.rows)
    assert load(engine, "state=made-up").total == 24
    assert load(engine, "name=SURE").total == 1


def test_days_are_days_of_the_time_zone(engine: Engine) -> None:
    """A day starts at midnight of the platform's zone and its last moment belongs to it."""
    # Given: thing 5 at 2026-11-06 15:30 UTC, which is 23:30 in Shanghai; then a bad date.
    assert [row.id for row in load(engine, "at_from=2026-11-06&at_to=2026-11-06").rows] == [5]
    assert load(engine, "at_from=2026-13-40").total == 24
    assert load(engine, "at_to=9999-12-31").total == 24


def test_chips_lead_back(engine: Engine) -> None:
    """Each active condition has an address without it, which keeps the others and drops the page."""
    state = load(engine, "state=partial&state=na&odd=1&page=1&other=kept")
    addresses = {words: url for _, words, url in state.chips}
    assert len(state.chips) == 3
    assert "state=na" not in addresses["不适用"]
    assert "state=partial" in addresses["不适用"]
    assert "other=kept" in addresses["不适用"]
    assert "page" not in addresses["不适用"]
    assert state.clear_url() == "?other=kept"


def test_prefix_keeps_two_tables_apart(engine: Engine) -> None:
    """The second table of a page reads its own arguments only."""
    second = Table(
        "second", TABLE.columns, search=(Thing.name,), prefix="b_", default_sort="name", page_sizes=(5,)
    )
    with Session(engine) as session:
        state = second.load(
            session, select(Thing), MultiDict([("q", "none"), ("b_q", "thing 07"), ("page", "3")])
        )
    assert state.total == 1
    assert state.url(page=2) == "?q=none&b_q=thing+07&page=3&b_page=2"


def test_columns_come_from_the_address(engine: Engine) -> None:
    """Chosen columns are shown in the table's order; unknown ones are ignored; none means the usual ones."""
    assert [c.key for c in load(engine, "cols=code&cols=name&cols=password").columns] == ["name", "code"]
    assert [c.key for c in load(engine, "cols=nothing").columns] == ["name", "state", "number", "at"]


def test_page_links_leave_gaps(engine: Engine) -> None:
    """Long lists show the ends and the neighbourhood."""
    state = load(engine)
    state.total, state.page = 1000, 50
    assert state.page_links() == [1, None, 48, 49, 50, 51, 52, None, 200]


@pytest.mark.parametrize(
    "broken",
    [
        {"columns": (*TABLE.columns, TABLE.columns[0])},
        {"columns": TABLE.columns, "default_sort": "-nothing"},
        {"columns": TABLE.columns, "page_sizes": (500,)},
        {"columns": TABLE.columns, "filters": (Text("q", "", "", Thing.name),)},
        {"columns": (Column("x", "", "", lambda r: r, kind="html"),)},
    ],
)
def test_wrong_declarations_are_refused(broken: dict[str, Any]) -> None:
    """A table that could not work is refused when its module is imported."""
    with pytest.raises(BadTable):
        Table("broken", **broken)


@pytest.mark.parametrize("text", ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_formulas_become_text(text: str) -> None:
    """What a spreadsheet program would run is written as text; plain words stay as they are."""
    assert harmless(text) == f"'{text}"
    assert harmless("门户网站") == "门户网站"


def _exported(engine: Engine) -> Iterator[Any]:
    session = Session(engine)
    return TABLE.everything(
        session, select(Thing), MultiDict([("state", "na"), ("page", "7"), ("size", "5")])
    )


def test_csv_is_what_excel_reads(engine: Engine) -> None:
    """UTF-8 with a mark, words for closed lists, local times, hidden columns too, the whole filtered set."""
    with Session(engine) as session:
        session.get_one(Thing, 90).name = '=HYPERLINK("x")'
        session.commit()
    content = b"".join(csv_bytes(TABLE.columns, _exported(engine)))
    assert content.startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert head == ["名称", "判定", "数量", "时间", "编号"]
    assert row == ['\'=HYPERLINK("x")', "不适用", "99", "2026-12-30 08:00:00", "90"]


def test_xlsx_holds_values_not_formulas(engine: Engine) -> None:
    """Numbers and times are values, a text that looks like a formula is a text."""
    with Session(engine) as session:
        session.get_one(Thing, 90).name = "=1+1"
        session.commit()
    content = b"".join(
        xlsx_bytes(TABLE.columns, _exported(engine), "things", datetime(2026, 11, 25, tzinfo=UTC))
    )
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    row = next(sheet.iter_rows(min_row=2))
    assert [cell.value for cell in row] == ["=1+1", "不适用", 99, datetime(2026, 12, 30, 8), 90]
    assert row[0].data_type == "s"
    assert sheet.max_row == 2
    assert sheet.freeze_panes == "B2"


def test_large_sets_are_read_in_pieces(engine: Engine) -> None:
    """An export of the whole table gives every row once, in order."""
    with Session(engine) as session:
        rows = list(TABLE.everything(session, select(Thing), MultiDict([("sort", "name")]), chunk=4))
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert len(rows) == 24


def test_counts_and_exports_respect_the_scope(platform: Platform, rows: Rows) -> None:
    """What another department owns is neither shown nor counted nor exported, joined tables included."""
    own, foreign = rows.one(Department), rows.one(Department)
    rows.many(System, 3, department_id=own)
    rows.many(System, 4, department_id=foreign)
    table = Table(
        "systems",
        (
            Column("name", "名称", "Name", lambda r: r.System.name, sort=System.name),
            Column("department", "部门", "Department", lambda r: r.Department.name, sort=Department.name),
        ),
        search=(System.name,),
    )
    statement = select(System, Department).join(Department, Department.id == System.department_id)
    with platform.work("test:look") as session:
        assert table.load(session, statement, {}).total >= 7
    for principal, number in (
        (Principal("own", department_ids=frozenset({own})), 3),
        (Principal("nobody"), 0),
    ):
        with Session(platform.engine) as session:
            session.info["principal"] = principal
            state = table.load(session, statement, {})
            assert (state.total, len(state.rows)) == (number, number)
            assert len(list(table.everything(session, statement, {}))) == number


def test_plain_day_filter_compares_days() -> None:
    """A filter on a date column takes the days as they are."""
    from sqlalchemy import Column as SqlColumn
    from sqlalchemy import Date, MetaData
    from sqlalchemy import Table as SqlTable

    column = SqlTable("x", MetaData(), SqlColumn("on", Date)).c.on
    found = Days("on", "日期", "Day", column, moment=False).read(
        MultiDict([("on_from", "2026-01-02"), ("on_to", "2026-01-03")]), "", Session()
    )
    assert found.clause is not None
    assert sorted(found.clause.compile().params.values()) == [date(2026, 1, 2), date(2026, 1, 3)]
    assert found.names == ["on_from", "on_to"]
