"""The kinds of filter that a table can have, and what each makes of the arguments of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from secops.web.filters import zone
from secops.web.labels import LABELS, label
from secops.web.lang import t

Option = tuple[str, str]
Args = MultiDict[str, str]


@dataclass(slots=True)
class FilterState:
    """One filter as it stands: what can be chosen, what is chosen, and the condition it makes."""

    filter: Any
    prefix: str
    clause: ColumnElement[bool] | None = None
    options: list[Option] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.filter.kind)

    @property
    def title(self) -> str:
        return t(self.filter.zh, self.filter.en)

    @property
    def active(self) -> bool:
        return self.clause is not None

    @property
    def names(self) -> list[str]:
        """Names of the arguments, without the table's prefix."""
        key = self.filter.key
        return [f"{key}_from", f"{key}_to"] if self.kind == "days" else [key]

    def field(self, number: int = 0) -> str:
        """Name of the form field."""
        return self.prefix + self.names[number]

    def chips(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(name, chosen words, arguments that take the choice back)."""
        if not self.active:
            return
        if self.kind == "choice":
            words = dict(self.options)
            for value in self.chosen:
                rest = [other for other in self.chosen if other != value]
                yield self.title, words.get(value, value), {self.filter.key: rest}
        elif self.kind == "days":
            start, end = self.chosen
            shown = f"{start} – {end}" if start and end else f"≥ {start}" if start else f"≤ {end}"
            yield self.title, shown, dict.fromkeys(self.names)
        elif self.kind == "flag":
            yield self.title, "", {self.filter.key: None}
        else:
            yield self.title, self.chosen[0], {self.filter.key: None}


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of several values.

    Args:
        expression: SQL column compared with the chosen values.
        label: closed list of ``labels.py`` that gives the options, in its order.
        options: instead of *label*: (value, words) pairs, or a function of the session that gives them (one query).
        cast: turns the text of the address into the column's type, such as ``int``.
        clause: instead of ``expression IN (…)``: the condition for one value.
    """

    key: str
    zh: str
    en: str
    expression: Any = None
    label: str = ""
    options: Sequence[Option] | Callable[[Session], Sequence[Option]] = ()
    cast: Callable[[str], Any] = str
    clause: Callable[[str], ColumnElement[bool]] | None = None
    kind = "choice"

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        options = self._options(session)
        known = {value for value, _ in options}
        chosen = [value for value in dict.fromkeys(args.getlist(prefix + self.key)) if value in known]
        state = FilterState(self, prefix, options=options, chosen=chosen)
        if chosen and self.clause is not None:
            state.clause = or_(*(self.clause(value) for value in chosen))
        elif chosen:
            state.clause = self.expression.in_([self.cast(value) for value in chosen])
        return state

    def _options(self, session: Session) -> list[Option]:
        if callable(self.options):
            return [(str(value), words) for value, words in self.options(session)]
        if self.options:
            return [(str(value), words) for value, words in self.options]
        return [(value, label(self.label, value).text) for value in LABELS.get(self.label, {})]


@dataclass(frozen=True, slots=True)
class Text:
    """Part of a text, capitals or not."""

    key: str
    zh: str
    en: str
    expression: Any
    kind = "text"

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        wanted = (args.get(prefix + self.key) or "").strip()[:200]
        state = FilterState(self, prefix, chosen=[wanted])
        if wanted:
            state.clause = self.expression.icontains(wanted, autoescape=True)
        return state


@dataclass(frozen=True, slots=True)
class Days:
    """From a day to a day, both included, in the platform's time zone; *moment* says that the column holds times."""

    key: str
    zh: str
    en: str
    expression: Any
    moment: bool = True
    kind = "days"

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        start = _date(args.get(f"{prefix}{self.key}_from"))
        end = _date(args.get(f"{prefix}{self.key}_to"))
        state = FilterState(self, prefix, chosen=[str(start or ""), str(end or "")])
        clauses: list[ColumnElement[bool]] = []
        if start:
            clauses.append(self.expression >= (self._midnight(start) if self.moment else start))
        if end and self.moment:
            clauses.append(self.expression < self._midnight(end + timedelta(days=1)))
        elif end:
            clauses.append(self.expression <= end)
        if clauses:
            state.clause = clauses[0] if len(clauses) == 1 else clauses[0] & clauses[1]
        return state

    @staticmethod
    def _midnight(on: date) -> datetime:
        return datetime.combine(on, time(), zone())


@dataclass(frozen=True, slots=True)
class Flag:
    """A switch: on adds *clause*."""

    key: str
    zh: str
    en: str
    clause: Any
    kind = "flag"

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        on = args.get(prefix + self.key) == "1"
        clause = self.clause() if callable(self.clause) else self.clause
        return FilterState(self, prefix, clause=clause if on else None, chosen=["1"] if on else [])


def _date(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    # A day later must exist too.
    return found if found.year < 9999 else None
