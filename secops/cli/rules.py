"""``secops rules``: list the shipped rules, test them by their samples, judge a saved pack with them. No store."""

from __future__ import annotations

import typing
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from secops.cli.output import BAD_INPUT, NEGATIVE, JsonFlag, answer, fail, say, t, table, tell

if TYPE_CHECKING:
    from scanners.baseline.model import Facts, Outcome
    from scanners.baseline.rule import Rule

LINUX = "linux"
LARGEST_BYTES = 64 * 1024 * 1024
_LEVELS = {"level-2": 2, "level-3": 3, "level-4": 4, "strict": 4}

Platform_ = Annotated[
    str, typer.Option("--platform", help="对象种类，如 linux / Kind of target, such as linux")
]
AnyPlatform = Annotated[
    str | None, typer.Option("--platform", help="只看此种对象 / Only this kind of target")
]


def register(app: typer.Typer) -> None:
    """Add the group ``rules``."""
    group = typer.Typer(
        help=t(
            "基线规则：列出、自测、评估采集结果。", "Baseline rules: list, test, judge what was collected."
        ),
        no_args_is_help=True,
    )
    group.command("eval", help=t("用规则评估采集包或探测结果。", "Judge a pack or a saved probe result."))(
        judge
    )
    group.command("test", help=t("运行每条规则的全部样例。", "Run every sample of every rule."))(run_tests)
    group.command("list", help=t("列出规则。", "List the rules."))(show)
    app.add_typer(group, name="rules")


# --- eval -------------------------------------------------------------------------------------------------


def judge(
    pack: Annotated[
        Path,
        typer.Argument(
            metavar="PACK", help="采集包，或 secops probe --json 的输出 / A pack, or what secops probe gave"
        ),
    ],
    platform: Platform_ = LINUX,
    profile: Annotated[
        str, typer.Option("--profile", help="level-2 | level-3 | level-4 | strict")
    ] = "level-3",
    json_: JsonFlag = False,
) -> None:
    from scanners.baseline.evaluate import evaluate
    from scanners.baseline.loader import load_rules

    _require_platform(platform)
    if profile not in _LEVELS:
        known = ", ".join(_LEVELS)
        fail(f"--profile 须为 {known} 之一。", f"--profile takes one of {known}.", BAD_INPUT)
    facts = _facts(platform, _read(pack), pack)
    rules = [rule for rule in load_rules(platform) if rule.min_level <= _LEVELS[profile]]
    outcomes = evaluate(rules, facts, profile)
    for problem in facts.problems:
        tell(f"{pack}：采集内容有缺陷：{_shown(problem)}", f"{pack}: not as it should be: {_shown(problem)}")
    rows = [_outcome(one) for one in outcomes]
    document = {
        "platform": platform,
        "profile": profile,
        "problems": list(facts.problems),
        "outcomes": rows,
    }
    answer(document, lambda: _print_outcomes(rows))


def _outcome(one: Outcome) -> dict[str, Any]:
    from scanners.jsonable import to_json

    return {
        "rule": one.rule,
        "check": one.check,
        "outcome": one.outcome.value,
        "reason": t(one.reason.zh, one.reason.en),
        "reason_en": one.reason.en,
        "facts": to_json(dict(one.facts)),
        "units": list(one.units),
        "steps": list(one.steps),
    }


def _print_outcomes(outcomes: Sequence[dict[str, Any]]) -> None:
    headers = [t("检查", "check"), t("规则", "rule"), t("结果", "outcome"), t("原因", "reason")]
    rows = [[one["check"], one["rule"], one["outcome"], _shown(one["reason"])] for one in outcomes]
    table(headers, rows)
    counts = Counter(one["outcome"] for one in outcomes)
    words = ", ".join(f"{outcome} {counts[outcome]}" for outcome in ("pass", "fail", "na", "manual", "error"))
    print()
    say(f"共 {len(outcomes)} 条：{words}", f"{len(outcomes)} rules: {words}")


def _shown(text: str) -> str:
    """Make what a host sent safe for a terminal, in one line."""
    from scanners.tls.text import printable

    return printable(text, 400)


def _read(file: Path) -> bytes:
    try:
        if not file.is_file():
            fail(f"{file}：没有这个文件。", f"{file}: no such file.", BAD_INPUT)
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fail(f"{file}：无法读取：{reason}", f"{file}: can't be read: {reason}", BAD_INPUT)
    if len(content) > LARGEST_BYTES:
        fail(f"{file}：文件超过 64 MiB。", f"{file}: more than 64 MiB.", BAD_INPUT)
    return content


def _facts(platform: str, content: bytes, file: Path) -> Facts:
    """Read a collector pack, or the document that ``secops probe`` printed, whatever the kind of target."""
    if content.lstrip()[:1] == b"{":
        return _facts_of_document(platform, content, file)
    if platform != LINUX:
        fail(
            f"{file}：{platform} 的评估需要 secops probe --json 的输出。",
            f"{file}: for {platform} give what secops probe --json printed.",
            BAD_INPUT,
        )
    from scanners.ssh_baseline.facts import parse_pack

    return parse_pack(content)


def _facts_of_document(platform: str, content: bytes, file: Path) -> Facts:
    import importlib.util
    import json

    from scanners.baseline.model import Facts
    from scanners.errors import InvalidResult
    from scanners.jsonable import from_json

    try:
        document = json.loads(content)
        probe, result = document["probe"], document["result"]
        ended = datetime.fromisoformat(document["started"]) + timedelta(milliseconds=document["duration_ms"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        fail(f"{file}：不是 secops probe 的输出。", f"{file}: not a document of secops probe.", BAD_INPUT)
    if result is None:
        fail(f"{file}：探测没有完成，没有结果可评估。", f"{file}: the probe did not complete.", BAD_INPUT)
    name = f"scanners.{probe}.facts" if isinstance(probe, str) and probe.isidentifier() else ""
    facts: Facts | None = None
    try:
        if platform == LINUX and probe in ("local", "ssh_baseline"):
            facts = from_json(Facts, result)
        elif name and importlib.util.find_spec(name) is not None:
            make = getattr(importlib.import_module(name), "facts_from_result", None)
            if make is not None:
                facts = make(from_json(typing.get_type_hints(make)["result"], result), ended)
    except (InvalidResult, ModuleNotFoundError) as error:
        fail(
            f"{file}：结果不符合其格式：{error}", f"{file}: the result has another shape: {error}", BAD_INPUT
        )
    if facts is None or facts.platform != platform:
        fail(
            f"{file}：{_shown(str(probe))} 的结果不能用 {platform} 的规则评估。",
            f"{file}: rules for {platform} do not judge what {_shown(str(probe))} gives.",
            BAD_INPUT,
        )
    return facts


# --- test -------------------------------------------------------------------------------------------------


def run_tests(platform: AnyPlatform = None, json_: JsonFlag = False) -> None:
    from scanners.baseline.loader import load_rules
    from scanners.baseline.platforms import platforms

    if platform is not None:
        _require_platform(platform)
    names = [platform] if platform is not None else sorted(platforms())
    document = run_samples({name: load_rules(name) for name in names})
    answer(document, lambda: _print_test(document))
    if document["failed"]:
        raise typer.Exit(NEGATIVE)


def run_samples(rules: Mapping[str, Iterable[Rule]]) -> dict[str, Any]:
    """Run every sample of every rule, by kind of target, and say which gave another outcome than they must."""
    from scanners.baseline.evaluate import evaluate
    from scanners.baseline.platforms import platforms

    counts: dict[str, dict[str, int]] = {}
    failed: list[dict[str, str]] = []
    for platform, own in rules.items():
        count = counts[platform] = {"rules": 0, "samples": 0, "failed": 0}
        for rule in own:
            count["rules"] += 1
            for sample in rule.samples:
                count["samples"] += 1
                facts = platforms()[platform].facts_from_sample(sample.sections)
                given = evaluate([rule], facts, sample.profile or "level-3", sample.params)[0]
                if given.outcome is not sample.outcome:
                    count["failed"] += 1
                    failed.append(
                        {
                            "platform": platform,
                            "rule": rule.id,
                            "sample": sample.name,
                            "expected": sample.outcome.value,
                            "given": given.outcome.value,
                            "reason": t(given.reason.zh, given.reason.en),
                            "reason_en": given.reason.en,
                        }
                    )
    total = Counter[str]()
    for count in counts.values():
        total.update(count)
    return {
        "rules": total["rules"],
        "samples": total["samples"],
        "passed": total["samples"] - total["failed"],
        "failed": failed,
        "platforms": counts,
    }


def _print_test(document: dict[str, Any]) -> None:
    headers = [
        t("对象种类", "kind of target"),
        t("规则", "rules"),
        t("样例", "samples"),
        t("未通过", "failed"),
    ]
    table(headers, [[name, *count.values()] for name, count in document["platforms"].items()])
    if document["failed"]:
        print()
        headers = [t("规则", "rule"), t("样例", "sample"), t("应为", "expected"), t("实为", "given")]
        rows = [
            [one["rule"], one["sample"], one["expected"], one["given"], one["reason"]]
            for one in document["failed"]
        ]
        table([*headers, t("原因", "reason")], rows)
    print()
    say(
        f"{document['rules']} 条规则，{document['samples']} 个样例，{len(document['failed'])} 个未通过。",
        f"{document['rules']} rules, {document['samples']} samples, {len(document['failed'])} failed.",
    )


# --- list -------------------------------------------------------------------------------------------------


def show(platform: AnyPlatform = None, json_: JsonFlag = False) -> None:
    from scanners.baseline.loader import load_rules
    from scanners.baseline.platforms import platforms

    if platform is not None:
        _require_platform(platform)
    names = [platform] if platform is not None else sorted(platforms())
    rows = [_rule(name, rule) for name in names for rule in load_rules(name)]
    headers = [t("检查", "check"), t("规则", "rule"), t("严重程度", "severity"), t("标题", "title")]
    answer(
        {"rules": rows},
        lambda: table(
            headers,
            [
                [row["check"], row["rule"], row["severity"], t(row["title"]["zh"], row["title"]["en"])]
                for row in rows
            ],
        ),
    )


def _rule(platform: str, rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "check": rule.check,
        "platform": platform,
        "title": {"zh": rule.title.zh, "en": rule.title.en},
        "severity": rule.severity.value,
        "min_level": rule.min_level,
        "answers": [
            {
                "unit": one.unit,
                "step": one.step,
                "strength": one.strength.value,
                "on_fail": one.on_fail.value,
            }
            for one in rule.answers
        ],
        "high_risk_cases": list(rule.high_risk_cases),
        "params": [
            {
                "name": one.name,
                "default": one.default,
                "profiles": dict(one.values),
                "unit": one.unit,
                "label": {"zh": one.label.zh, "en": one.label.en},
            }
            for one in rule.params.values()
        ],
        "samples": len(rule.samples),
    }


def _require_platform(platform: str) -> None:
    from scanners.baseline.platforms import platforms

    if platform not in platforms():
        known = ", ".join(sorted(platforms()))
        fail(f"--platform 须为 {known} 之一。", f"--platform takes one of {known}.", BAD_INPUT)
