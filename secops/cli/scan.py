"""``secops scan``: request, list, show and cancel scans. The authorisation decides, here as everywhere."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from secops.cli.common import JsonOption, open_store


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Scans under an authorisation.", no_args_is_help=True)
    group.command("list")(list_scans)
    group.command("show")(show)
    group.command("start")(start)
    group.command("cancel")(cancel)
    app.add_typer(group, name="scan")


def list_scans(json_: JsonOption = False, limit: Annotated[int, typer.Option(min=1, max=1000)] = 50) -> None:
    """List the latest scans."""
    from sqlalchemy import select

    from secops.cli.output import answer, table
    from secops.objects.models import System
    from secops.scans.models import Scan

    with open_store() as session:
        query = select(Scan, System.code).join(System, System.id == Scan.system_id).order_by(Scan.id.desc())
        rows = [_row(scan, code) for scan, code in session.execute(query.limit(limit))]
    answer(
        {"scans": rows},
        lambda: table(
            ["id", "system", "state", "cause", "requested"],
            [[row["id"], row["system"], row["state"], row["cause"], row["requested_at"]] for row in rows],
        ),
    )


def _row(scan: Any, code: str) -> dict[str, Any]:
    return {
        "id": scan.id,
        "system": code,
        "state": scan.state.value,
        "cause": scan.cause,
        "requested_by": scan.requested_by,
        "requested_at": scan.requested_at.isoformat(),
        "started_at": scan.started_at.isoformat() if scan.started_at else None,
        "finished_at": scan.finished_at.isoformat() if scan.finished_at else None,
        "error": scan.error,
    }


def show(scan_id: int, json_: JsonOption = False) -> None:
    """Show one scan with each target and each rule outcome."""
    from sqlalchemy import select

    from secops.cli.output import answer, table
    from secops.errors import NotFound
    from secops.objects.models import System
    from secops.scans.models import Outcome, ProbeRun, Scan

    with open_store() as session:
        scan = session.get(Scan, scan_id)
        if scan is None:
            raise NotFound
        document = _row(scan, session.get_one(System, scan.system_id).code)
        document["runs"] = [
            {
                "probe": run.probe,
                "target": run.target,
                "state": run.state.value,
                "reason": run.reason,
                "detail": run.detail,
            }
            for run in session.scalars(
                select(ProbeRun).where(ProbeRun.scan_id == scan_id).order_by(ProbeRun.id)
            )
        ]
        document["outcomes"] = [
            {"rule": row.rule_id, "check": row.check_id, "outcome": row.outcome, "reason": row.reason}
            for row in session.scalars(select(Outcome).where(Outcome.scan_id == scan_id).order_by(Outcome.id))
        ]
    answer(
        document,
        lambda: table(
            ["check", "rule", "outcome", "reason"],
            [
                [row["check"], row["rule"], row["outcome"], row["reason"]["zh"]]
                for row in document["outcomes"]
            ],
        ),
    )


def start(
    code: Annotated[str, typer.Argument(help="Code of the system.")],
    authorization: Annotated[int, typer.Option("--authorization", help="Id of an approved authorisation.")],
    json_: JsonOption = False,
) -> None:
    """Queue a scan of a system; a running platform does the work."""
    from secops.cli.output import answer, tell
    from secops.clock import utc_now
    from secops.objects.services import system_by_code
    from secops.scans.services import request_scan

    with open_store() as session:
        scan = request_scan(
            session,
            system=system_by_code(session, code),
            authorization_id=authorization,
            actor="cli",
            now=utc_now(),
            cause="cli",
        )
        document = {"scan": scan.id, "job": scan.job_id}
    answer(
        document,
        lambda: tell(
            f"扫描 {document['scan']} 已排队；平台运行时会自动执行（secops up）。",
            f"Scan {document['scan']} is queued; a running platform does it (secops up).",
        ),
    )


def cancel(scan_id: int, json_: JsonOption = False) -> None:
    """Ask a scan to stop; what it found stays."""
    from secops.cli.output import answer, tell
    from secops.clock import utc_now
    from secops.scans.services import cancel_scan

    with open_store() as session:
        cancel_scan(session, scan_id, now=utc_now())
    answer({"scan": scan_id, "cancel": "requested"}, lambda: tell("已请求取消。", "Asked to stop."))
