"""``secops doctor``: examines the installation and names the command that mends each fault."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from secops.cli.output import NEGATIVE, JsonFlag, answer, say, t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secops.doctor import Check

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗", "absent": "-"}
_WORDS_ZH = {"ok": "正常", "warn": "注意", "fail": "故障", "absent": "没有"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        name="doctor",
        help=t(
            "检查安装，并给出每个问题的修复命令", "Examine the installation; each fault comes with its fix"
        ),
    )(doctor)


def doctor(
    production: Annotated[
        bool, typer.Option("--production", help="加查生产要求 / Also what production mode demands")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Examine settings, home, store, keys, broker, workers, tools, fonts, packages and plug-ins."""
    from secops.doctor import State, examine, is_well

    checks = examine(os.environ, for_production=production)
    well = is_well(checks)
    counts = {state.value: sum(check.state is state for check in checks) for state in State}
    answer(
        {"well": well, "counts": counts, "checks": [check.as_json() for check in checks]},
        lambda: _print(checks, counts),
    )
    if not well:
        raise typer.Exit(NEGATIVE)


def _print(checks: Sequence[Check], counts: dict[str, int]) -> None:
    from secops.cli.output import width

    column = max(width(check.name) for check in checks)
    for check in checks:
        word = t(_WORDS_ZH[check.state.value], check.state.value)
        pad = " " * (column - width(check.name) + 2)
        print(
            f"{_MARKS[check.state.value]} {word}{' ' * (7 - width(word))}{check.name}{pad}{t(check.zh, check.en)}"
        )
        if check.fix and check.state.value != "ok":
            print(f"{' ' * (9 + column + 2)}→ {check.fix}")
    zh = "，".join(f"{_WORDS_ZH[name]} {count}" for name, count in counts.items())
    en = ", ".join(f"{count} {name}" for name, count in counts.items())
    say(f"共 {len(checks)} 项：{zh}", f"{len(checks)} checks: {en}")
