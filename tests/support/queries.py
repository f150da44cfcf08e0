"""Counts the SQL of an engine, so that a page's number of queries can be pinned.

    with recorded_queries(platform.engine) as queries:
        client.get("/systems/")
    assert queries.count == 5, queries.told()

Statements of every session and connection of that engine are seen; PRAGMA, SAVEPOINT and the like are not
counted, since they differ between the two databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

_UNCOUNTED = (
    "PRAGMA",
    "SAVEPOINT",
    "RELEASE",
    "ROLLBACK",
    "SELECT PG_CATALOG.VERSION",
    "SHOW ",
    "SELECT CURRENT_SCHEMA",
)


@dataclass
class RecordedQueries:
    """What was run between the two ends of the ``with``, in order."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)

    def told(self) -> str:
        """Every statement on a line of its own, for the message of a failing assertion."""
        lines = [
            f"{number:3} {' '.join(text.split())[:300]}" for number, text in enumerate(self.statements, 1)
        ]
        return "\n".join([f"{self.count} queries:", *lines])


@contextmanager
def recorded_queries(engine: Engine) -> Iterator[RecordedQueries]:
    """Record the statements of *engine* until the block ends."""
    found = RecordedQueries()

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.lstrip().upper().startswith(_UNCOUNTED):
            found.statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
