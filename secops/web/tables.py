"""Lists as data: columns, filters and search that a page declares once, loaded by two queries whatever the size.

A list page says ``TABLE = Table("systems", (Column(...), ...), filters=(...), search=(...))`` and calls
``TABLE.load(self.db, select(System), request.args)``; the template shows it by ``{{ ui.table(state) }}``.
Keys for sorting, filtering and columns come from the declaration only: what an address names beyond it is ignored.
See ``docs/ui.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import has_request_context, request
from sqlalchemy import ColumnElement, Select, func, inspect, or_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from secops.web.filters import day, file_size, local_time
from secops.web.labels import Label, label
from secops.web.lang import language, listed, t
from secops.web.table_filters import Choice, Days, FilterState, Flag, Text

KINDS = ("text", "badge", "badges", "time", "day", "number", "size", "link", "code", "flag", "progress")
RESERVED = frozenset({"q", "sort", "page", "size", "cols", "format"})
MAX_PAGE_SIZE = 200
MAX_TERMS = 6
Filter = Choice | Days | Flag | Text
# A select of any number of columns.
Statement = Select[*tuple[Any, ...]]


class BadTable(ValueError):
    """A table is declared wrongly: (table, what is wrong). Raised when its module is imported."""

    def __init__(self, table: str, fault: str) -> None:
        super().__init__(table, fault)
        self.table = table
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        value: gives the raw value of a row: an enum or its spelling for ``badge`` (a list of them for ``badges``),
            an aware moment for ``time``, bytes for ``size``, percent 0-100 or None for ``progress``.
        sort: SQL expression to sort by; None means that the column can't be sorted.
        label: kind of closed list in ``labels.py``, for ``badge`` and ``badges``.
        note: small second line under the value, or None for a row that has none.
        url: address for ``link``.
        export: gives the value for CSV and XLSX where it differs from the one on screen.
        shown: False for a column that the reader has to ask for.
        width: ``""``, ``fit`` (as narrow as it goes) or ``wide`` (takes what is left, may break lines).
    """

    key: str
    zh: str
    en: str
    value: Callable[[Any], Any]
    sort: Any = None
    kind: str = "text"
    label: str = ""
    note: Callable[[Any], Any] | None = None
    url: Callable[[Any], str | None] | None = None
    export: Callable[[Any], Any] | None = None
    shown: bool = True
    width: str = ""

    @property
    def title(self) -> str:
        return t(self.zh, self.en)

    def labels(self, row: Any) -> list[Label]:
        """The label of a ``badge`` cell, or those of a ``badges`` cell."""
        value = self.value(row)
        if value is None or value == "":
            return []
        if self.kind == "badges":
            return [label(self.label, item) for item in value]
        return [value if isinstance(value, Label) else label(self.label, value)]

    def plain(self, row: Any) -> str | int | float | datetime | date | None:
        """The value of an exported cell: words for closed lists, numbers and dates as such."""
        if self.export is not None:
            found = self.export(row)
            return found if found is None or isinstance(found, int | float | date) else str(found)
        if self.kind in ("badge", "badges"):
            return listed(item.text for item in self.labels(row))
        value = self.value(row)
        if value is None or (isinstance(value, int | float | date) and not isinstance(value, bool)):
            return value
        if isinstance(value, bool):
            return t("是", "Yes") if value else t("否", "No")
        return str(value)


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A button for the selected rows. The form posts ``ids`` to *url* with the field ``action`` = *key*."""

    key: str
    zh: str
    en: str
    url: Callable[[], str]
    icon: str = ""
    tone: str = ""
    # Who may not take it sees no boxes to tick.
    allowed: Callable[[], bool] = lambda: True

    @property
    def title(self) -> str:
        return t(self.zh, self.en)


@dataclass(frozen=True, slots=True)
class Table:
    """One list. *name* tells two tables of a page apart and keys the remembered columns.

    Args:
        default_sort: a column's key, with ``-`` in front for falling order.
        prefix: put before every argument, for the second table of a page.
        row_url: where a row leads to, or None.
        row_id: id of a row for bulk actions.
        row_tone: gives ``warn``, ``bad`` or ``mute`` for a row to be marked at its edge, else "".
        empty: what an empty list says: (zh, en) of the sentence, then (zh, en) of the next step.
        search_hint: placeholder of the search box.
    """

    name: str
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...] = ()
    search: tuple[Any, ...] = ()
    default_sort: str = ""
    page_sizes: tuple[int, ...] = (25, 50, 100, 200)
    prefix: str = ""
    row_url: Callable[[Any], str | None] | None = None
    row_id: Callable[[Any], Any] | None = None
    row_tone: Callable[[Any], str] | None = None
    bulk: tuple[BulkAction, ...] = ()
    # Rows are one to one with this class, whatever is joined: they may be counted without the joins.
    counted: type[Any] | None = None
    empty: tuple[str, str, str, str] = ("还没有记录。", "Nothing here yet.", "", "")
    search_hint: tuple[str, str] = ("搜索", "Search")

    def __post_init__(self) -> None:
        for keys in ([column.key for column in self.columns], [item.key for item in self.filters]):
            if len(set(keys)) != len(keys) or RESERVED & set(keys):
                raise BadTable(self.name, f"keys are not unique or reserved: {keys}")
        for column in self.columns:
            if column.kind not in KINDS:
                raise BadTable(self.name, f"{column.key}: no such kind {column.kind}")
        if self.default_sort and self.default_sort.lstrip("-") not in {c.key for c in self.columns}:
            raise BadTable(self.name, f"default sort {self.default_sort} is not a column")
        if max(self.page_sizes) > MAX_PAGE_SIZE:
            raise BadTable(self.name, f"a page holds at most {MAX_PAGE_SIZE} rows")

    def load(
        self,
        session: Session,
        statement: Statement,
        args: Mapping[str, str],
        *,
        options: Sequence[Any] = (),
        export_url: str = "",
        total: int | None = None,
    ) -> TableState:
        """Search, filter, sort and cut *statement* by *args*; one query counts, one reads.

        Args:
            statement: select of one entity (rows are entities) or of several columns (rows are tuples with names).
            args: arguments of the request; unknown keys and values are ignored.
            options: loader options such as ``selectinload``; each adds the queries it needs, once per page.
            export_url: address that answers with :func:`secops.web.table_export.export_table`; "" hides the menu.
            total: rows of *statement* before search and filters, where the page has counted them already.
        """
        state = TableState(self, _multi(args), export_url=export_url)
        clauses = self._clauses(session, state)
        narrowed = statement.where(*clauses)
        known = total if total is not None and not clauses else None
        state.total = known if known is not None else session.scalar(self._counter(statement, clauses)) or 0
        state.page = min(state.page, state.pages)
        if not state.total:
            # A search that finds nothing looks through everything; once is enough.
            return state
        ordered = self.ordered(narrowed, state).options(*options)
        result = session.execute(ordered.limit(state.size).offset((state.page - 1) * state.size))
        state.rows = list(result.scalars() if _is_single(statement) else result)
        return state

    def narrow(self, session: Session, statement: Statement, state: TableState) -> Statement:
        """Apply search and filters."""
        return statement.where(*self._clauses(session, state))

    def _clauses(self, session: Session, state: TableState) -> list[ColumnElement[bool]]:
        """The conditions of search and filters."""
        clauses: list[ColumnElement[bool]] = []
        for term in state.query.split()[:MAX_TERMS]:
            if self.search:
                clauses.append(or_(*(_contains(column, term) for column in self.search)))
        for item in self.filters:
            found = item.read(state.args, self.prefix, session)
            state.filters.append(found)
            if found.clause is not None:
                clauses.append(found.clause)
        return clauses

    def _counter(self, statement: Statement, clauses: Sequence[ColumnElement[bool]]) -> Any:
        """Count the narrowed rows; over the counted table alone where no condition needs a joined one."""
        if self.counted is not None:
            own = inspect(self.counted).selectable
            conditions = [*clauses, *([statement.whereclause] if statement.whereclause is not None else [])]
            if all(table is own for one in conditions for table in one._from_objects):
                return select(func.count()).select_from(self.counted).where(*conditions)
        whole = statement.where(*clauses).order_by(None)
        counted = whole.with_only_columns(*_identity(statement), maintain_column_froms=True)
        return select(func.count()).select_from(counted.subquery())

    def ordered(self, statement: Statement, state: TableState) -> Statement:
        """Apply the sorting, with the primary key at the end so that pages never overlap."""
        column = next((c for c in self.columns if c.key == state.sort_key), None)
        if column is not None:
            expressions = column.sort if isinstance(column.sort, tuple) else (column.sort,)
            statement = statement.order_by(None)
            statement = statement.order_by(*(e.desc() if state.descending else e.asc() for e in expressions))
        return statement.order_by(*_identity(statement))

    def everything(
        self, session: Session, statement: Statement, args: Mapping[str, str], chunk: int = 500
    ) -> Iterator[Any]:
        """All rows of the filtered set in the chosen order, *chunk* at a time."""
        state = TableState(self, _multi(args))
        ordered = self.ordered(self.narrow(session, statement, state), state)
        result = session.execute(ordered.execution_options(yield_per=chunk))
        yield from result.scalars() if _is_single(statement) else result

    def of_rows(self, rows: Sequence[Any], args: Mapping[str, str]) -> TableState:
        """A state over rows that are in memory already, without search, filter or sorting."""
        state = TableState(self, _multi(args))
        state.total, state.rows, state.fixed = len(rows), list(rows), True
        return state


def _contains(column: Any, term: str) -> ColumnElement[bool]:
    """Part of a column's text; a search that is no column gives its own condition for a term."""
    found: ColumnElement[bool] = (
        column.icontains(term, autoescape=True) if hasattr(column, "icontains") else column(term)
    )
    return found


@dataclass
class TableState:
    """What the template shows: rows, and an address for each thing that can be changed."""

    table: Table
    args: MultiDict[str, str]
    export_url: str = ""
    rows: list[Any] = field(default_factory=list)
    filters: list[FilterState] = field(default_factory=list)
    total: int = 0
    page: int = 1
    size: int = 25
    sort_key: str = ""
    descending: bool = False
    fixed: bool = False

    def __post_init__(self) -> None:
        table = self.table
        sizes = table.page_sizes
        self.size = _number(self._arg("size"), sizes[0])
        if self.size not in sizes:
            self.size = sizes[0]
        self.page = max(1, _number(self._arg("page"), 1))
        sortable = {column.key for column in table.columns if column.sort is not None}
        wanted = self._arg("sort")
        if wanted.lstrip("-") not in sortable:
            wanted = table.default_sort if table.default_sort.lstrip("-") in sortable else ""
        self.sort_key, self.descending = wanted.lstrip("-"), wanted.startswith("-")

    def _arg(self, name: str) -> str:
        return (self.args.get(self.table.prefix + name) or "").strip()

    @property
    def id(self) -> str:
        return f"table-{self.table.name}"

    @property
    def bulk(self) -> list[BulkAction]:
        """The steps for selected rows that this person may take."""
        return [action for action in self.table.bulk if action.allowed()]

    @property
    def query(self) -> str:
        return self._arg("q")[:200]

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        return 0 if not self.total else (self.page - 1) * self.size + 1

    @property
    def last(self) -> int:
        return self.total if self.fixed else min(self.page * self.size, self.total)

    @property
    def columns(self) -> list[Column]:
        """The visible columns: asked for in the address, else remembered, else those shown by default."""
        known = {column.key for column in self.table.columns}
        wanted = {key for key in self.args.getlist(self.table.prefix + "cols") if key in known}
        if not wanted and has_request_context():
            kept = request.cookies.get(f"cols_{self.table.name}", "")
            wanted = {key for key in kept.split(".") if key in known}
        return [c for c in self.table.columns if (c.key in wanted if wanted else c.shown)]

    @property
    def compact(self) -> bool:
        return has_request_context() and request.cookies.get("density") != "roomy"

    @property
    def narrowed(self) -> bool:
        return bool(self.query) or any(item.active for item in self.filters)

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """(filter's name, chosen words, address without it) for each active filter."""
        found = []
        for item in self.filters:
            for name, words, changes in item.chips():
                found.append((name, words, self.url(**{"page": None, **changes})))
        return found

    def url(self, **changes: Any) -> str:
        """This page with some arguments changed; None takes one out, a list sets several values."""
        pairs = self._pairs(changes)
        path = request.path if has_request_context() else ""
        return f"{path}?{urlencode(pairs)}" if pairs else path or "?"

    def _pairs(self, changes: Mapping[str, Any]) -> list[tuple[str, str]]:
        renamed = {self.table.prefix + key: value for key, value in changes.items()}
        pairs = [(k, v) for k, v in self.args.items(multi=True) if k not in renamed and v != ""]
        for key, value in renamed.items():
            values = value if isinstance(value, list) else [] if value is None else [value]
            pairs.extend((key, str(v)) for v in values)
        return pairs

    def sort_url(self, column: Column) -> str:
        falling = column.key == self.sort_key and not self.descending
        return self.url(sort=f"-{column.key}" if falling else column.key, page=None)

    def clear_url(self) -> str:
        """This page without search and filters."""
        names = [name for item in self.filters for name in item.names]
        return self.url(q=None, page=None, **dict.fromkeys(names))

    def download_url(self, form: str) -> str:
        """Where the filtered set is had as ``csv`` or ``xlsx``."""
        pairs = [(k, v) for k, v in self._pairs({"page": None, "size": None, "cols": None}) if k != "format"]
        mark = "&" if "?" in self.export_url else "?"
        return f"{self.export_url}{mark}{urlencode([*pairs, ('format', form)])}"

    def hidden(self) -> list[tuple[str, str]]:
        """Arguments that the search form must carry on because none of its own fields shows them."""
        own = {"q", "page", "cols", *(name for item in self.filters for name in item.names)}
        names = {self.table.prefix + name for name in own}
        return [(k, v) for k, v in self.args.items(multi=True) if k not in names and v != ""]

    def page_links(self) -> list[int | None]:
        """Page numbers to show, None for a gap: the ends, and two beside the present page."""
        near = {1, self.pages, *range(self.page - 2, self.page + 3)}
        shown = [n for n in sorted(near) if 1 <= n <= self.pages]
        links: list[int | None] = []
        for number in shown:
            if links and links[-1] is not None and number - links[-1] > 1:
                links.append(None)
            links.append(number)
        return links

    def row_url(self, row: Any) -> str:
        return (self.table.row_url(row) if self.table.row_url else None) or ""

    def row_id(self, row: Any) -> str:
        return str(self.table.row_id(row)) if self.table.row_id else ""

    def row_tone(self, row: Any) -> str:
        return self.table.row_tone(row) if self.table.row_tone else ""

    @property
    def language(self) -> str:
        return language()


def cell_text(column: Column, row: Any) -> str:
    """A cell as words, the way the screen shows it; for tests and for plain-text output."""
    if column.kind in ("badge", "badges"):
        return listed(item.text for item in column.labels(row))
    value = column.value(row)
    if value is None:
        return ""
    if column.kind == "time":
        return local_time(value)
    if column.kind == "day":
        return day(value)
    if column.kind == "size":
        return file_size(value)
    return str(column.plain(row) if column.kind == "flag" else value)


def _multi(args: Mapping[str, str]) -> MultiDict[str, str]:
    return args if isinstance(args, MultiDict) else MultiDict(args)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else otherwise


def _is_single(statement: Statement) -> bool:
    columns = statement.column_descriptions
    return len(columns) == 1 and columns[0]["expr"] is columns[0]["entity"]


def _identity(statement: Statement) -> list[Any]:
    """Primary key of the statement's first entity, as attributes of it (which may be an alias)."""
    entity = statement.column_descriptions[0]["entity"]
    mapper = inspect(entity).mapper
    return [getattr(entity, mapper.get_property_by_column(column).key) for column in mapper.primary_key]
