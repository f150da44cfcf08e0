"""``secops rollup``: the kept counts of findings, proved against the findings or counted anew."""

from __future__ import annotations

from typing import Any

import typer

from secops.cli.common import JsonOption, platform_of_home


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="The kept counts behind pages and reports.", no_args_is_help=True)
    group.command("check")(check)
    group.command("rebuild")(rebuild)
    app.add_typer(group, name="rollup")


def check(json_: JsonOption = False) -> int:
    """Compare every kept count with the findings; exit code 1 when one differs."""
    from secops.findings import rollup

    platform = platform_of_home()
    with platform.engine.connect() as connection:
        found = rollup.differences(connection)
    _tell([_row(*one) for one in found], {"differences": len(found)})
    return 1 if found else 0


def rebuild(json_: JsonOption = False) -> None:
    """Count every finding anew; prints what differed before."""
    from secops.audit_log.services import record
    from secops.clock import utc_now
    from secops.findings import rollup

    with platform_of_home().work("rollup") as session:
        found = rollup.differences(session.connection())
        rows = rollup.rebuild(session.connection())
        detail = {"rows": rows, "differences": len(found)}
        record(
            session,
            "rollup.rebuild",
            now=utc_now(),
            object_type="table",
            object_id="finding_rollup",
            detail=detail,
        )
    _tell([_row(*one) for one in found], {"differences": len(found), "rows": rows})


def _row(bucket: Any, stored: int, counted: int) -> dict[str, Any]:
    return {
        "system_id": bucket.system_id, "layer": bucket.layer, "severity": bucket.severity, "state": bucket.state,
        "kept": stored, "counted": counted,
    }  # fmt: skip


def _tell(rows: list[dict[str, Any]], totals: dict[str, int]) -> None:
    from secops.cli.output import answer, table

    heads = ["system_id", "layer", "severity", "state", "kept", "counted"]

    def text() -> None:
        for name, value in totals.items():
            print(f"{name}: {value}")
        if rows:
            table(heads, [[row[name] for name in heads] for row in rows])

    answer({**totals, "buckets": rows}, text)
