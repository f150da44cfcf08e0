"""``secops schedule``: what is due when, from the console."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from secops.cli.common import JsonOption, open_store, platform_of_home


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="What is due when.", no_args_is_help=True)
    group.command("list")(list_schedules)
    group.command("next")(coming)
    group.command("run-now")(run_now)
    app.add_typer(group, name="schedule")


def _row(schedule: Any) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "name": schedule.name,
        "kind": schedule.kind,
        "system_id": schedule.system_id,
        "cron": schedule.cron,
        "every_seconds": schedule.every_seconds,
        "time_zone": schedule.time_zone,
        "enabled": schedule.enabled,
        "window": [schedule.window_from, schedule.window_until] if schedule.window_from is not None else None,
        "jitter_seconds": schedule.jitter_seconds,
        "catch_up": schedule.catch_up.value,
        "runs": schedule.runs,
        "next_run_at": schedule.next_run_at.isoformat() if schedule.next_run_at else None,
        "last_run_at": schedule.last_run_at.isoformat() if schedule.last_run_at else None,
        "last_error": schedule.last_error,
        "owner": schedule.owner,
    }


def list_schedules(json_: JsonOption = False) -> None:
    """List all schedules, the next one first."""
    from sqlalchemy import select

    from secops.cli.output import answer, table
    from secops.schedules.models import Schedule

    with open_store() as session:
        query = select(Schedule).order_by(Schedule.next_run_at.is_(None), Schedule.next_run_at, Schedule.id)
        rows = [_row(one) for one in session.scalars(query)]
    answer(
        {"schedules": rows},
        lambda: table(
            ["id", "name", "kind", "next", "runs", "last error"],
            [[r["id"], r["name"], r["kind"], r["next_run_at"] or "–", r["runs"], r["last_error"][:60]] for r in rows],
        ),
    )  # fmt: skip


def coming(
    schedule_id: int,
    count: Annotated[int, typer.Option(min=1, max=100, help="How many runs.")] = 10,
    json_: JsonOption = False,
) -> None:
    """Tell the next runs of one schedule, in its time zone."""
    from zoneinfo import ZoneInfo

    from secops.cli.output import answer, table
    from secops.clock import utc_now
    from secops.schedules.timing import preview

    with open_store() as session:
        schedule = _find(session, schedule_id)
        zone = ZoneInfo(schedule.time_zone)
        moments = [moment.astimezone(zone).isoformat() for moment in preview(schedule, utc_now(), count)]
    answer(
        {"id": schedule_id, "time_zone": str(zone), "next": moments},
        lambda: table(["next"], [[one] for one in moments]),
    )


def run_now(schedule_id: int, json_: JsonOption = False) -> None:
    """Start what a schedule stands for once, beside its plan."""
    from secops.cli.output import answer, table
    from secops.clock import utc_now
    from secops.schedules import services

    platform = platform_of_home()
    with platform.work("cli") as session:
        _find(session, schedule_id)
        run = services.run_now(session, schedule_id, settings=platform.settings, now=utc_now(), actor="cli")
        document = {
            "id": schedule_id,
            "run": run.id,
            "state": run.state.value,
            "job": run.job_id,
            "jobs": run.jobs,
            "reason": run.reason,
        }
    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))


def _find(session: Any, schedule_id: int) -> Any:
    from secops.errors import NotFound
    from secops.schedules.models import Schedule

    schedule = session.get(Schedule, schedule_id)
    if schedule is None:
        raise NotFound(f"没有计划 {schedule_id}。", f"There is no schedule {schedule_id}.")
    return schedule
