"""From the tables of a look to facts: what was denied, cut or thrown away is never taken for empty. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from scanners.baseline.model import Facts, FactValue, Gap
from scanners.database.result import Cell, DatabaseKind, DatabaseResult, Table, TableState
from scanners.ssh_baseline.factkit import FactTable, NotSeen, Seen
from scanners.ssh_baseline.pack import Note
from scanners.tls.factkit import nothing_seen

Row = Mapping[str, Cell]

_GAPS: Mapping[TableState, tuple[Gap, str]] = {
    TableState.DENIED: (Gap.NEEDS_ROOT, "the account may not ask"),
    TableState.UNKNOWN: (Gap.ABSENT, "this server has no such thing"),
    TableState.FAILED: (Gap.UNREADABLE, "the question failed"),
    TableState.MASKED: (Gap.UNREADABLE, "the answer held the password and was thrown away"),
}


class Answers:
    """One look; asking for what is not there raises ``NotSeen`` with the reason."""

    def __init__(self, result: DatabaseResult, now: datetime) -> None:
        self.result = result
        self.now = now

    def rows(self, name: str) -> tuple[Row, ...]:
        """Give the rows of a table, whole or cut.

        Raises:
            NotSeen: nobody could look.
        """
        table = self.result.tables.get(name)
        if table is None:
            raise NotSeen(Gap.MISSING_SECTION, name)
        if table.state in _GAPS:
            gap, detail = _GAPS[table.state]
            raise NotSeen(gap, f"{name}: {detail}")
        return table.rows

    def row(self, name: str) -> Row:
        """Give the only row of a table."""
        rows = self.rows(name)
        if len(rows) != 1:
            raise NotSeen(Gap.MALFORMED, name)
        return rows[0]

    def is_cut(self, *names: str) -> bool:
        """Whether one of these tables has more rows than were kept."""
        return any(
            name in self.result.tables and self.result.tables[name].state is TableState.CUT for name in names
        )

    def knows(self, name: str) -> bool:
        """Whether the server has such a thing at all; a table that was denied is known."""
        table = self.result.tables.get(name)
        return table is not None and table.state is not TableState.UNKNOWN

    def listed(self, values: FactValue, *names: str, note: str = "") -> Seen:
        """Give a list made of these tables; cut ones, or a *note*, make it one that proves no absence."""
        if self.is_cut(*names):
            return Seen(values, missing=Note(Gap.TRUNCATED, ", ".join(names)))
        return Seen(values, missing=Note(Gap.SKIPPED, note) if note else None)

    def settings(self) -> Mapping[str, str]:
        """Give the settings that were seen, by name; a value that is not there is ""."""
        return {
            str(row["name"]): "" if row["setting"] is None else str(row["setting"])
            for row in self.rows("settings")
        }


def make_facts(platform: str, table: FactTable, result: DatabaseResult, now: datetime) -> Facts:
    """Make every fact of one look."""
    about = {"account": result.account, "kind": str(result.kind), "protocol": result.protocol or "no TLS"}
    return Facts(platform, table.make_all(Answers(result, now)), about)


def sample_facts(
    platform: str,
    table: FactTable,
    kind: DatabaseKind,
    sound: Mapping[str, Sequence[Row]],
    sections: Mapping[str, Mapping[str, FactValue]],
    make: Callable[[DatabaseResult], Facts],
) -> Facts:
    """Lay a sample of a rule over the tables of a *sound* server.

    A section is a table: ``rows`` replaces its rows, ``state`` its state; in ``settings`` every key is a setting
    (``null`` takes it away), elsewhere every other key is a column of the only row. No section at all means that
    nobody looked.
    """
    if not sections:
        return nothing_seen(platform, table.infos)
    tables: dict[str, list[dict[str, Cell]]] = {
        name: [dict(row) for row in rows] for name, rows in sound.items()
    }
    states: dict[str, TableState] = {}
    for name, given in sections.items():
        if name not in tables:
            raise KeyError(name)
        changes: dict[str, Any] = dict(given)
        states[name] = TableState(changes.pop("state", TableState.SEEN))
        if "rows" in changes:
            tables[name] = [dict(row) for row in changes.pop("rows")]
        for key, value in changes.items():
            if name == "settings":
                _set(tables[name], key, value)
            else:
                tables[name][0][key] = value
    empty = (TableState.SEEN, TableState.CUT)
    whole = {
        name: Table(state, tuple(rows) if state in empty else ())
        for name, rows in tables.items()
        for state in (states.get(name, TableState.SEEN),)
    }
    return make(DatabaseResult(kind, "audit", True, "TLS", whole))


def _set(rows: list[dict[str, Cell]], name: str, value: Any) -> None:
    kept = [row for row in rows if row["name"] != name]
    old = next((row for row in rows if row["name"] == name), {"unit": None, "source": "default"})
    if value is not None:
        change = value if isinstance(value, Mapping) else {"setting": value}
        kept.append({**old, "name": name, **change})
    rows[:] = kept
