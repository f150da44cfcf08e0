"""``secops job``: background work from the console: what waits, what runs, what gave up."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from secops.cli.common import JsonOption, open_store


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Background work.", no_args_is_help=True)
    group.command("list")(list_jobs)
    group.command("show")(show)
    group.command("cancel")(cancel)
    group.command("rerun")(rerun)
    app.add_typer(group, name="job")


def list_jobs(
    state: Annotated[str, typer.Option(help="queued, running, done, failed, cancelled or dead.")] = "",
    kind: Annotated[str, typer.Option(help="Kind of work, such as scan.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    json_: JsonOption = False,
) -> None:
    """List the newest jobs; `--state dead` shows those that gave up."""
    from sqlalchemy import select

    from secops.cli.output import answer, table
    from secops.errors import BadInput
    from secops.jobs.models import Job, JobState

    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if state:
        known = [one.value for one in JobState]
        if state not in known:
            raise BadInput(
                f"没有状态 {state}，可用：{'、'.join(known)}。",
                f"There is no state {state}; known: {', '.join(known)}.",
                "state",
            )
        query = query.where(Job.state == JobState(state))
    if kind:
        query = query.where(Job.kind == kind)
    with open_store() as session:
        rows = [row_of(job) for job in session.scalars(query)]
    answer(
        {"jobs": rows},
        lambda: table(
            ["id", "kind", "state", "attempt", "progress %", "created", "error"],
            [[r["id"], r["kind"], r["state"], r["attempt"], r["progress"], r["created_at"], r["error"][:60]] for r in rows],
        ),
    )  # fmt: skip


def row_of(job: Any) -> dict[str, Any]:
    """One job as JSON; progress in percent."""
    return {
        "id": job.id,
        "kind": job.kind,
        "queue": job.queue,
        "state": job.state.value,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "progress": round(100 * job.progress, 1),
        "step": job.step,
        "cause": job.cause,
        "actor": job.actor,
        "system_id": job.system_id,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "cancel_requested": job.cancel_requested,
        "error": job.error,
        "result": job.result,
    }


def _find(session: Any, job_id: int) -> Any:
    from secops.errors import NotFound
    from secops.jobs.models import Job

    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"没有任务 {job_id}。", f"There is no job {job_id}.")
    return job


def _tell(document: dict[str, Any]) -> None:
    from secops.cli.output import answer, table

    answer(document, lambda: table(["what", "value"], [[key, value] for key, value in document.items()]))


def show(job_id: int, json_: JsonOption = False) -> None:
    """Show one job with its result or its error."""
    with open_store() as session:
        document = row_of(_find(session, job_id))
    _tell(document)


def cancel(job_id: int, json_: JsonOption = False) -> None:
    """Ask a job to stop; one that has not begun stops at once."""
    from secops.clock import utc_now
    from secops.jobs import services

    with open_store() as session:
        _find(session, job_id)
        document = row_of(services.cancel(session, job_id, now=utc_now()))
    _tell(document)


def rerun(job_id: int, json_: JsonOption = False) -> None:
    """Give a job that failed, gave up or was cancelled a fresh set of attempts."""
    from secops.clock import utc_now
    from secops.jobs import services

    with open_store() as session:
        _find(session, job_id)
        document = row_of(services.rerun(session, job_id, now=utc_now()))
    _tell(document)
