"""``secops report``: write a report into files, without a running platform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from secops.cli.common import JsonOption, platform_of_home
from secops.reporting.kinds import ASSESSMENT, DISTRICT, KINDS, SYSTEM

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from reports.base import RenderedFile
    from secops.objects.models import System


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Reports.", no_args_is_help=True)
    group.command("write")(write)
    group.command("list")(list_reports)
    group.command("kinds")(kinds)
    group.command("build")(build)
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


def kinds(json_: JsonOption = False) -> None:
    """List what can be built, for what, and in which formats."""
    from secops.cli.output import answer, table
    from secops.reporting.kinds import KINDS

    rows = [
        {"id": name, "title": {"zh": kind.zh, "en": kind.en}, "of": list(kind.of), "formats": list(kind.by_format)}
        for name, kind in KINDS.items()
    ]  # fmt: skip
    answer(
        {"kinds": rows},
        lambda: table(
            ["kind", "of", "formats"],
            [[row["id"], ", ".join(row["of"]), ", ".join(row["formats"])] for row in rows],
        ),
    )


def build(
    kind: Annotated[str, typer.Argument(help="One of: secops report kinds.")],
    system: Annotated[str, typer.Option("--system", help="Code of the system.")] = "",
    assessment: Annotated[int, typer.Option("--assessment", help="Id of the assessment.")] = 0,
    district: Annotated[bool, typer.Option("--district", help="All systems.")] = False,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="docx, xlsx, pdf, …; all when left out.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("."),
    language: Annotated[str, typer.Option(help="zh or en")] = "zh",
    json_: JsonOption = False,
) -> None:
    """Build one report into a folder, without a running platform."""
    from reports.registry import renderer
    from secops.clock import utc_now
    from secops.errors import Refused
    from secops.reporting.handlers import build_model, district_files

    wanted = _wanted(kind, system, assessment, district, formats or [], language)
    platform = platform_of_home()
    now = utc_now().replace(microsecond=0)
    zone = platform.settings.time_zone
    with platform.work("cli") as session:
        if district:
            number, files = district_files(session, kind, wanted, language=language, now=now, zone=zone)
        else:
            found = _system(session, system, assessment)
            if KINDS[kind].needs_level and not found.profile:
                raise Refused(
                    "系统尚未定级，不能生成报告。", "The system has no level yet; classify it first."
                )
            number = f"{found.code}-{now:%Y%m%d%H%M%S}"
            asked = {"kind": kind, "number": number, "language": language, "assessment_id": assessment}
            model = build_model(session, found, asked, now=now, zone=zone)
            files = [renderer(name).render(model, language=language) for name in wanted]
    _write(kind, number, files, out)


def _wanted(
    kind: str, system: str, assessment: int, district: bool, formats: list[str], language: str
) -> list[str]:
    """The renderers that were asked for.

    Raises:
        BadInput: an unknown kind, format or language, or another subject than the kind takes.
    """
    from secops.errors import BadInput

    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise BadInput(
            f"没有报告 {kind}，可用：{known}。", f"There is no report {kind}; known: {known}.", "kind"
        )
    by_format = KINDS[kind].by_format
    if set(formats) - set(by_format):
        known = ", ".join(by_format)
        raise BadInput(f"该报告的格式有：{known}。", f"This report has the formats {known}.", "format")
    if language not in ("zh", "en"):
        raise BadInput("语言须为 zh 或 en。", "The language is zh or en.", "language")
    given = {SYSTEM: bool(system), ASSESSMENT: bool(assessment), DISTRICT: district}
    chosen = [name for name, is_given in given.items() if is_given]
    if len(chosen) != 1 or chosen[0] not in KINDS[kind].of:
        options = " / ".join(f"--{name}" for name in KINDS[kind].of)
        raise BadInput(f"该报告须指明其一：{options}。", f"This report takes one of: {options}.", "system")
    return [by_format[name] for name in formats or by_format]


def _system(session: Session, code: str, assessment: int) -> System:
    from secops.assessments.deciding import get_assessment
    from secops.objects.models import System
    from secops.objects.services import system_by_code

    if assessment:
        return session.get_one(System, get_assessment(session, assessment).system_id)
    return system_by_code(session, code)


def _write(kind: str, number: str, files: list[RenderedFile], out: Path) -> None:
    from secops.cli.output import answer, say

    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for rendered in files:
        path = out / rendered.name.replace("/", "_")
        path.write_bytes(rendered.content)
        paths.append(str(path))

    def tell_paths() -> None:
        for path in paths:
            say(path, path)

    answer({"kind": kind, "number": number, "files": paths}, tell_paths)


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
