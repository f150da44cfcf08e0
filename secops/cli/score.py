"""``secops score``: score a document under an edition, without any store."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from secops.cli.output import BAD_INPUT, JsonFlag, answer, fail, t, table

LARGEST_BYTES = 64 * 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "score", help=t("按指定版本计算得分与结论。", "Work out score and conclusion under an edition.")
    )(score)


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="测评数据 / Assessment data")],
    edition: Annotated[str, typer.Option("--edition", help="2019 | 2021 | 2025 | crypto-2021 | crypto-2023")],
    json_: JsonFlag = False,
) -> None:
    from controls.errors import InvalidInput, NothingApplies
    from controls.scoring.model import Edition

    try:
        wanted = Edition(edition)
    except ValueError:
        known = ", ".join(Edition)
        fail(
            f"版本须为 {known} 之一，而不是 {edition!r}。",
            f"An edition is one of {known}, not {edition!r}.",
            BAD_INPUT,
        )
    document = _read(file)
    try:
        result = _crypto(wanted, document) if wanted.is_crypto else _mlps(wanted, document)
    except InvalidInput as error:
        fail(
            f"{file} {error.path}：应为{error.expected_zh}",
            f"{file} {error.path}: expected {error.expected}",
            BAD_INPUT,
        )
    except NothingApplies as error:
        fail(
            f"{file} $.items：没有适用的要求项",
            f"{file} $: expected an applicable entry, {error.what}",
            BAD_INPUT,
        )
    answer(result, lambda: _print(result))


def _read(file: Path) -> Any:
    import json

    try:
        if file.stat().st_size > LARGEST_BYTES:
            fail(f"{file} $：文件超过 64 MiB", f"{file} $: expected at most 64 MiB", BAD_INPUT)
        content = file.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        fail(f"{file}：{reason}", f"{file}: expected a file that can be read: {reason}", BAD_INPUT)
    except UnicodeDecodeError:
        fail(f"{file} $：应为 UTF-8 文本", f"{file} $: expected UTF-8 text", BAD_INPUT)
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno} column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        fail(
            f"{file} $：应为一份 JSON 文档（{where}）",
            f"{file} $: expected a JSON document ({where})",
            BAD_INPUT,
        )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _mlps(edition: Any, document: Any) -> dict[str, Any]:
    from controls.scoring.document import mlps_input, mlps_output
    from controls.scoring.mlps import score_mlps

    return mlps_output(score_mlps(edition, mlps_input(document)))


def _crypto(edition: Any, document: Any) -> dict[str, Any]:
    from controls.loader import load_catalog
    from controls.scoring.crypto import score_crypto
    from controls.scoring.crypto_document import crypto_input, crypto_output

    return crypto_output(score_crypto(edition, load_catalog(), crypto_input(document)))


def _print(result: dict[str, Any]) -> None:
    names = {
        "conclusion": t("结论", "conclusion"),
        "score": t("得分", "score"),
        "rate": t("符合率 %", "rate %"),
        "technical": t("技术", "technical"),
        "management": t("管理", "management"),
    }
    rows: list[tuple[str, object]] = [
        (label, result[key]) for key, label in names.items() if result.get(key) is not None
    ]
    if result.get("reason"):
        rows.append((t("说明", "reason"), t(result["reason"]["zh"], result["reason"]["en"])))
    table([t("项目", "figure"), t("值", "value")], rows)
    if result["explanation"]:
        print()
        lines = [(one["id"], one["cost"], t(one["why"], one["why_en"])) for one in result["explanation"]]
        table([t("条款", "item"), t("影响", "cost"), t("原因", "why")], lines)
    for one in (*result.get("outlook", ()), *result.get("notes", ())):
        print(t(one["zh"], one["en"]))
    unofficial = [used for used in result["rule_sets"].values() if used["origin"] != "official"]
    for used in unofficial:
        print(t(f"非官方：{used['note']['zh']}", f"Not official: {used['note']['en']}"))
