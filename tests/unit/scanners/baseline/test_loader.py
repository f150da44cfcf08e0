"""Rule files: read strictly, refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanners.baseline.loader import KINDS, load_rules, load_rules_from, parse_rule
from scanners.baseline.model import Strength
from scanners.errors import DuplicateRule, InvalidRule
from tests.unit.scanners.baseline.builders import RULE

PATH = "linux/sample-rule.yaml"


def test_a_rule_is_read_whole() -> None:
    """Nothing of the file is lost."""
    rule = parse_rule(RULE, PATH, "linux")

    assert (rule.id, rule.check, rule.min_level) == ("sample-rule", "LNX-IA-001", 1)
    assert rule.title.zh == "标题"
    assert (rule.answers[0].strength, rule.answers[0].on_fail) == (Strength.PART, Strength.DECIDES)
    assert [rule.params["longest"].value(profile) for profile in ("level-3", "strict")] == [90, 30]
    assert [sample.name for sample in rule.samples] == ["good", "bad", "not-there"]


@pytest.mark.parametrize(
    ("old", "new", "where", "line"),
    [
        ("id: sample-rule", "id: Sample_Rule", "id", 1),
        ("id: sample-rule", "id: other-rule", "id", 1),
        ("check: LNX-IA-001", "check: LNX-1", "check", 2),
        ("title: {zh: 标题, en: Title}", "title: {zh: 标题}", "title.en", 3),
        ("severity: high", "severity: awful", "severity", 5),
        ("platforms: [linux]", "platforms: [windows]", "platforms", 6),
        ("min_level: 1", "min_level: 5", "min_level", 7),
        ("L3-CES1-01, step: 3", "L2-CES1-01, step: 3", "answers.0.unit", 9),
        ("strength: part", "strength: maybe", "answers.0.strength", 9),
        ("default: 90", "default: ninety", "params.longest.profiles.strict", 15),
        ("{param: longest}", "{param: shortest}", "expect.max", 16),
        ("{param: longest}", "90", "params.longest", 11),
        ("kind: number", "kind: shell", "expect", 16),
        ("kind: number, fact", "kind: number, run: id, fact", "expect.run", 16),
        ("login_defs.pass_max_days", "login_defs.no_such", "expect", 16),
        ("login_defs.pass_max_days", "accounts.uid0", "expect", 16),
        ("outcome: pass", "outcome: maybe", "samples.0.outcome", 20),
        ("name: bad", "name: good", "samples", 19),
        ("references: [GB/T 22239-2019]", "references: GB/T", "references", 18),
        ("remediation:", "remedy:", "remediation", 1),
    ],
)
def test_a_wrong_rule_is_named_by_its_place(old: str, new: str, where: str, line: int) -> None:
    """The message leads to the spot."""
    assert old in RULE

    with pytest.raises(InvalidRule) as raised:
        parse_rule(RULE.replace(old, new, 1), PATH, "linux")

    assert (raised.value.where, raised.value.line) == (where, line)
    assert str(raised.value).startswith(f"{PATH}:{line} {where}: ")


@pytest.mark.parametrize("name", ["good", "bad", "not-there"])
def test_each_kind_of_sample_is_asked_for(name: str) -> None:
    """A rule without a passing, a failing or an undecidable sample is refused."""
    lines = [line for line in RULE.splitlines() if f"name: {name}," not in line]

    with pytest.raises(InvalidRule, match="samples: needs one"):
        parse_rule("\n".join(lines), PATH, "linux")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: b: c",
        "- just a list",
        RULE + "id: again\n",
        RULE.replace("title:", "title: &x", 1) + "extra: *x\n",
        RULE.replace("severity: high", "severity: !!python/object:os.system high"),
        "x: " + "y" * 300_000,
        "\t",
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    """Broken, repeated, referring, tagged and huge files all end in the same error."""
    with pytest.raises(InvalidRule):
        parse_rule(text, PATH, "linux")


def test_words_like_no_and_off_stay_words() -> None:
    """Settings are full of them; only true and false are flags."""
    text = RULE.replace("number, fact: login_defs.pass_max_days, min: 1, max: {param: longest}", "X")
    text = text.replace("kind: X", "kind: equals, fact: sshd.permit_root_login, value: no")
    text = text.replace("params:\n", "xparams:\n").replace("xparams:", "params: {}\nx:")
    lines = [line for line in text.splitlines() if not line.startswith(("x:", "  longest", "    "))]

    rule = parse_rule("\n".join(lines), PATH, "linux")

    assert rule.expect.value == "no"  # type: ignore[attr-defined]


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    """The id equals the file name, so a copy in another spelling is caught by one of the two."""
    (tmp_path / "linux").mkdir()
    (tmp_path / "linux" / "sample-rule.yaml").write_text(RULE, encoding="utf-8")

    assert [rule.id for rule in load_rules_from(tmp_path, "linux")] == ["sample-rule"]
    assert load_rules_from(tmp_path, "nothing-here") == ()
    assert issubclass(DuplicateRule, Exception)


def test_shipped_rules_are_loaded_once() -> None:
    """A second call gives the same objects."""
    assert load_rules("linux") is load_rules("linux")


def test_the_list_of_kinds_is_closed_and_short() -> None:
    """A new kind is a decision: it is named here on purpose."""
    assert sorted(KINDS) == [
        "all_of",
        "any_of",
        "contains_all",
        "contains_any",
        "each",
        "empty",
        "equals",
        "inventory",
        "modes",
        "none_containing",
        "none_of",
        "not",
        "number",
        "one_of",
        "subset_of",
        "table",
        "umask",
        "until",
    ]
