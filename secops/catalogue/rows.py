"""Lists over rows in memory: declared, shown and exported like those over the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import true
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from secops.web.table_filters import Args, Choice, FilterState, Text
from secops.web.tables import MAX_TERMS, Table, TableState


def _none(row: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class RowChoice(Choice):
    """Any of several values; *of* gives the value of a row, or all its values."""

    of: Callable[[Any], str | Collection[str]] = _none

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        # A class with slots is made anew by the decorator, so super() without names would not find it.
        options = Choice._options(self, session)
        known = {value for value, _ in options}
        chosen = [value for value in dict.fromkeys(args.getlist(prefix + self.key)) if value in known]
        return FilterState(self, prefix, clause=true() if chosen else None, options=options, chosen=chosen)

    def keeps(self, row: Any, chosen: Sequence[str]) -> bool:
        found = self.of(row)
        return found in chosen if isinstance(found, str) else any(value in chosen for value in found)


@dataclass(frozen=True, slots=True)
class RowText(Text):
    """Part of a text; *expression* gives the text of a row."""

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        wanted = (args.get(prefix + self.key) or "").strip()[:200]
        return FilterState(self, prefix, clause=true() if wanted else None, chosen=[wanted])

    def keeps(self, row: Any, chosen: Sequence[str]) -> bool:
        return chosen[0].casefold() in str(self.expression(row)).casefold()


@dataclass(frozen=True, slots=True)
class RowTable(Table):
    """A :class:`Table` whose "statement" is a sequence of rows.

    ``search`` holds functions that give the text to search in, already case-folded; ``sort`` of a column is a key
    function of a row; filters are :class:`RowChoice` and :class:`RowText`.
    """

    def load(
        self,
        session: Session,
        statement: Any,
        args: Mapping[str, str],
        *,
        options: Sequence[Any] = (),
        export_url: str = "",
        total: int | None = None,
    ) -> TableState:
        state = TableState(self, _multi(args), export_url=export_url)
        found = self._chosen(session, statement, state)
        state.total = len(found)
        state.page = min(state.page, state.pages)
        start = (state.page - 1) * state.size
        state.rows = found[start : start + state.size]
        return state

    def everything(
        self, session: Session, statement: Any, args: Mapping[str, str], chunk: int = 500
    ) -> Iterator[Any]:
        yield from self._chosen(session, statement, TableState(self, _multi(args)))

    def _chosen(self, session: Session, rows: Sequence[Any], state: TableState) -> list[Any]:
        found = list(rows)
        for term in state.query.casefold().split()[:MAX_TERMS]:
            found = [row for row in found if any(term in text(row) for text in self.search)]
        for item in self.filters:
            read = item.read(state.args, self.prefix, session)
            state.filters.append(read)
            if read.active and isinstance(item, RowChoice | RowText):
                found = [row for row in found if item.keeps(row, read.chosen)]
        column = next((c for c in self.columns if c.key == state.sort_key), None)
        if column is not None:
            found.sort(key=column.sort, reverse=state.descending)
        return found


def _multi(args: Mapping[str, str]) -> MultiDict[str, str]:
    return args if isinstance(args, MultiDict) else MultiDict(args)
