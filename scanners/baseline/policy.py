"""Policies: named selections of rules with a profile and values of their own; plain YAML in ``policies``."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from scanners.baseline.loader import load_rules
from scanners.baseline.model import PROFILES, Bilingual, FactValue
from scanners.baseline.rule import Rule
from scanners.baseline.yamlfile import YamlFile
from scanners.errors import InvalidPolicy

_REQUIRED = frozenset({"id", "title", "platform", "profile"})
_OPTIONAL = frozenset({"extends", "up_to_level", "include", "exclude", "params"})


@dataclass(frozen=True, slots=True)
class Policy:
    """A selection of rules for one platform.

    ``params`` are values that win over those of the profile, by name of the parameter.
    """

    id: str
    title: Bilingual
    platform: str
    profile: str
    rules: tuple[Rule, ...]
    params: Mapping[str, FactValue]


@dataclass(frozen=True, slots=True)
class _Text:
    file: YamlFile
    data: Mapping[str, object]


@lru_cache(maxsize=1)
def load_policies() -> Mapping[str, Policy]:
    """Load all shipped policies by id.

    Raises:
        InvalidPolicy: a file that is not a policy, extends what does not exist, or names an unknown rule.
    """
    root = importlib.resources.files("policies")
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in sorted(root.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".yaml")
    }
    return parse_policies(texts)


def parse_policies(texts: Mapping[str, str]) -> Mapping[str, Policy]:
    """Read policies from texts by file name; they may extend each other."""
    raw: dict[str, _Text] = {}
    for name, text in texts.items():
        file = YamlFile(name, text, InvalidPolicy)
        data = file.mapping(file.data, "", _REQUIRED, _OPTIONAL)
        policy_id = file.text(data["id"], "id")
        if f"{policy_id}.yaml" != name:
            file.fail("id", "must equal the file name")
        raw[policy_id] = _Text(file, data)
    done: dict[str, Policy] = {}
    for policy_id in raw:
        _resolve(policy_id, raw, done, ())
    return done


def _resolve(
    policy_id: str, raw: Mapping[str, _Text], done: dict[str, Policy], path: tuple[str, ...]
) -> Policy:
    if policy_id in done:
        return done[policy_id]
    file, data = raw[policy_id].file, raw[policy_id].data
    base: Policy | None = None
    if "extends" in data:
        parent = file.text(data["extends"], "extends")
        if parent not in raw or parent in (*path, policy_id):
            file.fail("extends", f"cannot extend {parent!r}")
        base = _resolve(parent, raw, done, (*path, policy_id))
    platform = file.text(data["platform"], "platform")
    available = {rule.id: rule for rule in load_rules(platform)}
    chosen = {rule.id for rule in base.rules} if base is not None else set()
    if "up_to_level" in data:
        level = file.integer(data["up_to_level"], "up_to_level", 1, 4)
        chosen |= {rule.id for rule in available.values() if rule.min_level <= level}
    chosen |= _known(file, data, "include", available)
    chosen -= _known(file, data, "exclude", available)
    params = dict(base.params) if base is not None else {}
    params |= _own_params(file, data, available.values())
    done[policy_id] = Policy(
        policy_id,
        file.bilingual(data["title"], "title"),
        platform,
        file.choice(data["profile"], "profile", PROFILES),
        tuple(rule for rule in available.values() if rule.id in chosen),
        params,
    )
    return done[policy_id]


def _known(file: YamlFile, data: Mapping[str, object], key: str, available: Mapping[str, Rule]) -> set[str]:
    names = set(file.texts(data.get(key, []), key))
    for name in sorted(names - available.keys()):
        file.fail(key, f"no rule {name!r}")
    return names


def _own_params(file: YamlFile, data: Mapping[str, object], rules: Iterable[Rule]) -> dict[str, FactValue]:
    values = data.get("params", {})
    if not isinstance(values, dict):
        file.fail("params", "must be a mapping")
    declared = {name for rule in rules for name in rule.params}
    for name in values:
        if name not in declared:
            file.fail(f"params.{name}", "no rule has this parameter")
    return values
