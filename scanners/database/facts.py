"""The three kinds of targets that a look into a database can be: each has facts and rules of its own."""

from __future__ import annotations

from datetime import datetime

from scanners.baseline.model import Facts
from scanners.database import mysql_facts, postgresql_facts, redis_facts
from scanners.database.result import DatabaseKind, DatabaseResult

PLATFORMS = (postgresql_facts, mysql_facts, redis_facts)
"""Modules that each are a platform."""

_MAKERS = {
    DatabaseKind.POSTGRESQL: postgresql_facts.facts_of,
    DatabaseKind.MYSQL: mysql_facts.facts_of,
    DatabaseKind.REDIS: redis_facts.facts_of,
}


def facts_from_result(result: DatabaseResult, now: datetime) -> Facts:
    """Turn a result into the facts of its kind; *now* is for a Redis that does not tell the time."""
    return _MAKERS[result.kind](result, now)
