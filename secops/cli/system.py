"""``secops system``: list and show systems from the command line, as the platform sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from secops.cli.common import JsonOption, open_store


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Systems and where they stand.", no_args_is_help=True)
    group.command("list")(list_systems)
    group.command("show")(show)
    group.command("import")(import_file)
    app.add_typer(group, name="system")


def list_systems(json_: JsonOption = False) -> None:
    """List all systems."""
    from sqlalchemy import select

    from secops.cli.output import answer, table
    from secops.objects.models import Department, System
    from secops.posture.services import current_summaries

    with open_store() as session:
        summaries = current_summaries(session)
        query = select(System, Department).join(Department, Department.id == System.department_id)
        rows = [
            _row(system, department, summaries.get(system.id))
            for system, department in session.execute(query.order_by(System.code))
        ]
    answer(
        {"systems": rows},
        lambda: table(
            ["code", "name", "department", "level", "profile", "examined %"],
            [
                [
                    row["code"],
                    row["name"],
                    row["department"],
                    row["level"] or "–",
                    row["profile"],
                    row["examined"],
                ]
                for row in rows
            ],
        ),
    )


def _row(system: Any, department: Any, summary: Any) -> dict[str, Any]:
    return {
        "code": system.code,
        "name": system.name,
        "department": department.name,
        "level": system.level,
        "profile": system.profile,
        "hosting": system.hosting.value,
        "example": system.is_example,
        "examined": f"{summary.examined_share:.1f}" if summary else None,
        "open_findings": summary.open_findings if summary else None,
    }


def show(code: Annotated[str, typer.Argument(help="Code of the system.")], json_: JsonOption = False) -> None:
    """Show one system with its posture per class."""
    from secops.cli.output import answer, table
    from secops.objects.models import Department
    from secops.objects.services import system_by_code
    from secops.posture.services import current_summaries

    with open_store() as session:
        system = system_by_code(session, code)
        summary = current_summaries(session, [system.id]).get(system.id)
        document = _row(system, session.get_one(Department, system.department_id), summary)
        document["by_class"] = summary.by_class if summary else {}
        document["by_layer"] = summary.by_layer if summary else {}
    names = ("compliant", "partial", "non_compliant", "na", "not_examined")
    answer(
        document,
        lambda: table(
            ["class", *names],
            [[code_, *(counts[name] for name in names)] for code_, counts in document["by_class"].items()],
        ),
    )


def import_file(
    file: Annotated[Path, typer.Argument(help="XLSX or CSV in the shape of the template.")],
    register: Annotated[str, typer.Option(help="Register, such as systems, assets or policies.")] = "systems",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change.")] = False,
    json_: JsonOption = False,
) -> None:
    """Import rows of a register; with one wrong row nothing is imported (exit code 2)."""
    from secops.cli.output import answer, table
    from secops.clock import utc_now
    from secops.errors import BadInput
    from secops.inventory import imports
    from secops.inventory.registers import REGISTERS
    from secops.inventory.sheets import read_sheet
    from smcrypto.sm3 import hexdigest

    if register not in REGISTERS:
        raise BadInput(
            f"没有登记册 {register}，可用：{', '.join(REGISTERS)}。",
            f"There is no register {register}; known: {', '.join(REGISTERS)}.",
            "register",
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadInput(
            f"无法读取 {file}：{error.strerror}", f"Cannot read {file}: {error.strerror}", "file"
        ) from None
    with open_store() as session:
        plan = imports.plan_import(session, REGISTERS[register], read_sheet(content))
        done = not plan.faults and not dry_run
        if done:
            imports.apply(session, plan, file_name=file.name, sm3=hexdigest(content), now=utc_now())
        document = {
            "register": register,
            "applied": done,
            "rows": plan.total,
            **{action: plan.count(action) for action in ("create", "update", "same")},
            "faulty_rows": plan.faulty_rows,
            "faults": [
                {"row": one.row, "column": one.column, "text": {"zh": one.zh, "en": one.en}}
                for one in plan.faults
            ],
            "more_faults": plan.more_faults,
        }
    answer(
        document,
        lambda: (
            table(
                ["row", "column", "what is wrong"], [[one.row, one.column, one.text] for one in plan.faults]
            )
            if plan.faults
            else table(
                ["new", "updated", "unchanged"], [[document["create"], document["update"], document["same"]]]
            )
        ),
    )
    if plan.faults:
        raise typer.Exit(2)
