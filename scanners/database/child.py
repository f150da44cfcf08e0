"""What the child process runs: one request from standard input, one answer to standard output.

The drivers run here and not in the worker: whatever a stranger sends can cost the child its memory or its time, and
nothing else. Nothing is ever printed but the answer, and the answer is searched for the password first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

from scanners.base import FailureReason
from scanners.database.asking import Clock, NoAnswer, Request, masked
from scanners.database.result import DatabaseKind, DatabaseResult
from scanners.jsonable import to_json


def _askers() -> Mapping[str, Callable[[Request, Clock], DatabaseResult]]:
    from scanners.database.mysql import ask_mysql
    from scanners.database.postgresql import ask_postgresql
    from scanners.database.redis import ask_redis

    return {
        DatabaseKind.POSTGRESQL: ask_postgresql,
        DatabaseKind.MYSQL: ask_mysql,
        DatabaseKind.REDIS: ask_redis,
    }


def answer(request: Request) -> dict[str, object]:
    """Ask and give ``{"result"}``, or ``{"reason", "detail"}``."""
    try:
        found = _askers()[request.kind](request, Clock(request.timeout_s))
    except NoAnswer as problem:
        return {"reason": problem.reason.value, "detail": problem.detail}
    except (MemoryError, RecursionError):
        return {"reason": FailureReason.RESOURCE_LIMIT.value, "detail": "the target sent more than allowed"}
    return {"result": to_json(masked(found, request.password))}


def main() -> None:
    """Read the request, write the answer."""
    request = Request(**json.loads(sys.stdin.buffer.read()))
    # a trace would show the values of a stranger; its last line is enough and goes to standard error, which is thrown away
    sys.tracebacklimit = 0
    sys.stdout.write(json.dumps(answer(request), ensure_ascii=True))


if __name__ == "__main__":
    main()
