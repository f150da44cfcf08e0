"""``secops selfcheck``: the platform examined against the 63 lines of its own list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from secops.cli.output import NEGATIVE, JsonFlag, answer, say, t

if TYPE_CHECKING:
    from secops.selfcheck.runner import Assessment

_MARKS = {"compliant": "✓", "partial": "◐", "non_compliant": "✗", "na": "-", "not_examined": "?"}
_WORDS_ZH = {
    "compliant": "符合",
    "partial": "部分符合",
    "non_compliant": "不符合",
    "na": "不适用",
    "not_examined": "未检查",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        name="selfcheck",
        help=t(
            "平台自评估：逐项检查 63 项并归档为证据",
            "Examine the platform itself, line by line, and file the result as evidence",
        ),
    )(selfcheck)


def selfcheck(
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="把结果归档为证据 / File the result as evidence")
    ] = True,
    json: JsonFlag = False,
) -> None:
    """Run every line; exit 1 while a line is non-compliant."""
    from secops.cli.common import platform_of_home
    from secops.selfcheck.runner import assess
    from secops.selfcheck.services import run_and_keep
    from secops.selfcheck.texts import run_key

    platform = platform_of_home()
    try:
        assessment = run_and_keep(platform, by="console", key=run_key())[0] if keep else assess(platform)
    finally:
        platform.engine.dispose()
    answer(assessment.as_json(), lambda: _print(assessment))
    if assessment.counts["non_compliant"]:
        raise typer.Exit(NEGATIVE)


def _print(assessment: Assessment) -> None:
    for line, found in assessment.results:
        verdict = found.verdict.value
        print(f"{_MARKS[verdict]} {line.id:>2} {t(line.zh, line.en)}")
        print(f"     {t(_WORDS_ZH[verdict], verdict)}: {t(found.zh, found.en)}")
    zh = "，".join(f"{_WORDS_ZH[name]} {count}" for name, count in assessment.counts.items())
    en = ", ".join(f"{count} {name}" for name, count in assessment.counts.items())
    say(f"共 {len(assessment.results)} 项：{zh}", f"{len(assessment.results)} lines: {en}")
