"""Policies select rules, extend each other and set values."""

from __future__ import annotations

import pytest

from scanners.baseline.loader import load_rules
from scanners.baseline.policy import load_policies, parse_policies
from scanners.errors import InvalidPolicy

BASE = "id: base\ntitle: {zh: 基础, en: Base}\nplatform: linux\nprofile: level-3\nup_to_level: 1\n"


def test_levels_select_by_the_lowest_level_of_a_rule() -> None:
    """What exists only at level 3 is not asked of level 2."""
    policies = load_policies()
    two, three = ({rule.id for rule in policies[f"linux-level-{n}"].rules} for n in (2, 3))

    assert two < three
    assert "lnx-second-factor" in three - two
    assert len(three) == len(load_rules("linux"))


def test_a_policy_extends_another() -> None:
    """Rules and values of the base are kept, changed and taken away by name."""
    child = (
        "id: child\ntitle: {zh: 子, en: Child}\nplatform: linux\nprofile: strict\nextends: base\n"
        "include: [lnx-second-factor]\nexclude: [lnx-umask]\nparams: {pw_min_len: 15}\n"
    )

    found = parse_policies({"child.yaml": child, "base.yaml": BASE})
    base, own = ({rule.id for rule in found[name].rules} for name in ("base", "child"))

    assert own == base - {"lnx-umask"} | {"lnx-second-factor"}
    assert found["child"].params == {"pw_min_len": 15}


@pytest.mark.parametrize(
    "text",
    [
        BASE.replace("id: base", "id: other"),
        BASE.replace("level-3", "level-9"),
        BASE + "extends: base\n",
        BASE + "extends: nothing\n",
        BASE + "include: [no-such-rule]\n",
        BASE + "exclude: [no-such-rule]\n",
        BASE + "params: {no_such_parameter: 1}\n",
        BASE + "params: []\n",
        BASE + "surprise: 1\n",
        BASE.replace("up_to_level: 1", "up_to_level: one"),
    ],
)
def test_a_wrong_policy_is_refused(text: str) -> None:
    """A name that leads nowhere is an error, not an empty selection."""
    with pytest.raises(InvalidPolicy):
        parse_policies({"base.yaml": text})


def test_a_circle_is_refused() -> None:
    """Two policies cannot extend each other."""
    other = BASE.replace("id: base", "id: other") + "extends: base\n"

    with pytest.raises(InvalidPolicy):
        parse_policies({"base.yaml": BASE + "extends: other\n", "other.yaml": other})
