"""Steps that several rules decide together, per platform; plain YAML in ``policies/steps``."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import lru_cache

from scanners.baseline.yamlfile import YamlFile
from scanners.errors import InvalidPolicy


@dataclass(frozen=True, slots=True)
class Combination:
    """The rules that together settle one step."""

    unit: str
    step: int
    rules: tuple[str, ...]


@lru_cache(maxsize=16)
def load_combinations(platform: str = "linux") -> tuple[Combination, ...]:
    """Load the combinations of one platform; none when it has no file.

    Raises:
        InvalidPolicy: the file is not what it should be.
    """
    file = importlib.resources.files("policies") / "steps" / f"{platform}.yaml"
    if not file.is_file():
        return ()
    return parse_combinations(file.read_text(encoding="utf-8"), f"steps/{platform}.yaml", platform)


def parse_combinations(text: str, path: str, platform: str) -> tuple[Combination, ...]:
    """Read a file of combinations."""
    file = YamlFile(path, text, InvalidPolicy)
    data = file.mapping(file.data, "", frozenset({"platform", "steps"}), frozenset())
    if data["platform"] != platform:
        file.fail("platform", f"must be {platform!r}")
    if not isinstance(data["steps"], list):
        file.fail("steps", "must be a list")
    found: list[Combination] = []
    for n, entry in enumerate(data["steps"]):
        where = f"steps.{n}"
        one = file.mapping(entry, where, frozenset({"unit", "step", "rules"}), frozenset())
        rules = file.texts(one["rules"], f"{where}.rules")
        if len(rules) < 2:
            file.fail(f"{where}.rules", "needs two rules or more")
        found.append(
            Combination(
                file.text(one["unit"], f"{where}.unit"),
                file.integer(one["step"], f"{where}.step", 1, 9),
                rules,
            )
        )
    if len({(one.unit, one.step) for one in found}) != len(found):
        file.fail("steps", "names one step twice")
    return tuple(found)
