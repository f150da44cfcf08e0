"""``secops report``: write a report into files, without a running platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Reports.", no_args_is_help=True)
    group.command("write")(write)
    group.command("list")(list_reports)
    app.add_typer(group, name="report")


def write(
    code: Annotated[str, typer.Argument(help="Code of the system.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("."),
    language: Annotated[str, typer.Option(help="zh or en")] = "zh",
    json_: JsonOption = False,
) -> None:
    """Write the posture report of a system as PDF and XLSX into a folder."""
    from reports.registry import renderer
    from secops.cli.output import answer, say
    from secops.clock import utc_now
    from secops.errors import BadInput, Refused
    from secops.objects.services import system_by_code
    from secops.reporting.posture_model import build
    from secops.reporting.services import USUAL

    if language not in ("zh", "en"):
        raise BadInput("语言须为 zh 或 en。", "The language is zh or en.", "language")
    platform = platform_of_home()
    now = utc_now()
    with platform.work("cli") as session:
        system = system_by_code(session, code)
        if not system.profile:
            raise Refused("系统尚未定级，不能生成报告。", "The system has no level yet; classify it first.")
        number = f"{system.code}-{now:%Y%m%d%H%M%S}"
        model = build(
            session, system, number=number, language=language, now=now, zone=platform.settings.time_zone
        )
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in USUAL:
        rendered = renderer(name).render(model, language=language)
        path = out / rendered.name.replace("/", "_")
        path.write_bytes(rendered.content)
        paths.append(str(path))

    def tell_paths() -> None:
        for path in paths:
            say(path, path)

    answer({"number": number, "files": paths}, tell_paths)


def list_reports(json_: JsonOption = False) -> None:
    """List finished reports."""
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    from secops.cli.output import answer, table
    from secops.reporting.models import ReportFile

    with platform_of_home().work("cli") as session:
        query = select(ReportFile).options(joinedload(ReportFile.evidence)).order_by(ReportFile.id.desc())
        rows = [
            {
                "id": row.id,
                "number": row.number,
                "file": row.evidence.file_name,
                "size": row.evidence.size,
                "sm3": row.evidence.sm3,
                "built_at": row.built_at.isoformat(),
            }
            for row in session.scalars(query)
        ]
    answer(
        {"reports": rows},
        lambda: table(
            ["id", "number", "file", "size"],
            [[row["id"], row["number"], row["file"], row["size"]] for row in rows],
        ),
    )
