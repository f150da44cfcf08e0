"""``secops assessment``: create, decide, close and export assessments from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secops.cli.common import JsonOption, open_store

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from secops.assessments.frame import Frame
    from secops.assessments.models import Assessment

Number = Annotated[int, typer.Argument(metavar="ID", help="Id of the assessment.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Assessments: plan, decide, close, export.", no_args_is_help=True)
    group.command("list")(list_assessments)
    group.command("create")(create)
    group.command("decide")(decide)
    group.command("check")(check)
    group.command("close")(close)
    group.command("export")(export)
    app.add_typer(group, name="assessment")


def list_assessments(json_: JsonOption = False) -> None:
    """List all assessments, newest first."""
    from sqlalchemy import select

    from secops.assessments.models import Assessment
    from secops.cli.output import answer, table
    from secops.objects.models import System

    with open_store() as session:
        query = select(Assessment, System.code).join(System, System.id == Assessment.system_id)
        rows = [_row(found, code) for found, code in session.execute(query.order_by(Assessment.id.desc()))]
    names = ["id", "number", "system", "edition", "state", "cells", "conclusion"]
    answer({"assessments": rows}, lambda: table(names, [[row[name] for name in names] for row in rows]))


def _row(found: Assessment, code: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "number": found.number,
        "title": found.title,
        "system": code,
        "framework": found.framework,
        "edition": found.edition,
        "profile": found.profile,
        "state": found.state.value,
        "cells": found.cells,
        "conclusion": found.conclusion or None,
    }


def create(
    system: Annotated[str, typer.Option("--system", help="Code of the system.")],
    edition: Annotated[
        str, typer.Option(help="2019, 2021, 2025, crypto-2021 or crypto-2023; by today's date when left out.")
    ] = "",
    title: Annotated[str, typer.Option(help="Title; made from the system's name when left out.")] = "",
    all_targets: Annotated[
        bool, typer.Option("--all-targets", help="Take every asset instead of a sample.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Begin an assessment: scope, editions and rule sets are frozen now."""
    from sqlalchemy import select

    from secops.assessments.planning import Plan, targets_of
    from secops.assessments.planning import create as begin
    from secops.cli.output import answer, table
    from secops.clock import utc_now
    from secops.objects.models import Asset
    from secops.objects.services import system_by_code

    with open_store() as session:
        row = system_by_code(session, system)
        assets = (
            session.scalars(select(Asset.id).where(Asset.system_id == row.id)).all() if all_targets else None
        )
        made = begin(session, row, Plan(edition=edition, title=title, assets=assets), now=utc_now())
        document = _row(made, row.code) | {
            "units": len(made.scope["units"]),
            "targets": [
                {"id": one.id, "kind": one.kind, "name": one.name} for one in targets_of(session, made.id)
            ],
        }
    answer(
        document,
        lambda: table(
            ["id", "number", "edition", "units", "targets", "cells"],
            [[made.id, made.number, made.edition, document["units"], len(document["targets"]), made.cells]],
        ),
    )


def decide(
    assessment_id: Number,
    file: Annotated[
        Path,
        typer.Argument(help="JSON: {records: [{unit, target, verdict, text, …}], risks, compensations}."),
    ],
    json_: JsonOption = False,
) -> None:
    """Decide cells from a file; with one wrong entry nothing is written (exit code 2)."""
    from secops.assessments.document import apply_document
    from secops.cli.output import answer, table
    from secops.clock import utc_now

    document = _read(file)
    with open_store() as session:
        found, frame = _open(session, assessment_id)
        done = apply_document(session, found, frame, document, now=utc_now())
    answer(done, lambda: table(["records", "risks", "compensations"], [list(done.values())]))


def _read(file: Path) -> Any:
    from secops.errors import BadInput

    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(
            f"无法读取 {file}：{error.strerror}", f"Cannot read {file}: {error.strerror}", "file"
        ) from None
    except ValueError as error:
        raise BadInput(f"{file} 不是 JSON：{error}", f"{file} is no JSON: {error}", "file") from None


def _open(session: Session, assessment_id: int) -> tuple[Assessment, Frame]:
    from secops.assessments.deciding import get_assessment, load_frame

    found = get_assessment(session, assessment_id)
    return found, load_frame(session, found)


def check(assessment_id: Number, json_: JsonOption = False) -> None:
    """What should be looked at before it is closed."""
    from secops.assessments.quality import checks
    from secops.cli.output import answer, table
    from secops.clock import utc_now
    from secops.db import local_day

    with open_store() as session:
        found, frame = _open(session, assessment_id)
        rows = checks(session, found, frame, today=local_day(session, utc_now()))
        names = {target.id: target.name for target in frame.targets}
        document = {
            "checks": [
                {
                    "id": one.key, "title": {"zh": one.zh, "en": one.en}, "blocking": one.blocking,
                    "count": len(one.cells),
                    "cells": [{"unit": unit, "target": names[target]} for unit, target in one.cells[:200]],
                }
                for one in rows
            ]
        }  # fmt: skip
    answer(
        document,
        lambda: table(
            ["check", "blocking", "cells"],
            [[one["id"], "yes" if one["blocking"] else "", one["count"]] for one in document["checks"]],
        ),
    )


def close(
    assessment_id: Number,
    over_faults: Annotated[
        str, typer.Option("--over-faults", help="Close although checks stand in the way; say why.")
    ] = "",
    json_: JsonOption = False,
) -> None:
    """Freeze the result; blocking checks end it with exit code 2."""
    from secops.assessments.closing import close as end
    from secops.cli.output import answer, table
    from secops.clock import utc_now

    with open_store() as session:
        found, frame = _open(session, assessment_id)
        end(session, found, frame, now=utc_now(), over_faults=over_faults)
        output = found.result["output"] or {}
        document = {
            "id": found.id, "number": found.number, "state": found.state.value,
            "conclusion": found.conclusion or None, "score": output.get("score"), "rate": output.get("rate"),
            "not_examined": len(found.result["not_examined"]), "faults": found.result["faults"],
        }  # fmt: skip
    answer(
        document,
        lambda: table(
            ["number", "conclusion", "rate", "score", "items not examined"],
            [[document["number"], document["conclusion"] or "–", document["rate"], document["score"], document["not_examined"]]],
        ),
    )  # fmt: skip


def export(assessment_id: Number, json_: JsonOption = False) -> None:
    """Print one assessment whole; its ``scoring`` is the input of ``secops score``."""
    from secops.assessments.export import export_of
    from secops.cli.output import answer

    with open_store() as session:
        found, frame = _open(session, assessment_id)
        document = export_of(session, found, frame)
    answer(document, lambda: typer.echo(json.dumps(document, ensure_ascii=False, indent=1)))
