"""Rule files to rules. Errors name file, line and key; nothing is guessed, nothing is left over."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources.abc import Traversable
from typing import Any

from scanners.baseline import predicates as p
from scanners.baseline import record_predicates as r
from scanners.baseline.judging import Operand, ParamRef, Predicate
from scanners.baseline.model import (
    PROFILES,
    AnswerSpec,
    FactInfo,
    FactKind,
    OutcomeKind,
    Parameter,
    Sample,
    Severity,
    Strength,
)
from scanners.baseline.platforms import platforms
from scanners.baseline.rule import Rule
from scanners.baseline.yamlfile import YamlFile
from scanners.errors import DuplicateRule, InvalidRule

_ID_RE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CHECK_RE = re.compile(r"[A-Z][A-Z0-9]{2}-[A-Z]{2}-[0-9]{3}")
_UNIT_RE = re.compile(r"L3-[A-Z]{3}[1-5]-[0-9]{2}")
_CASE_RE = re.compile(r"6\.[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}")
_PARAM_RE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

_REQUIRED = frozenset(
    ("id", "check", "title", "rationale", "severity", "platforms", "min_level", "answers", "expect")
    + ("remediation", "references", "samples")
)
_OPTIONAL = frozenset(
    ("high_risk_cases", "params", "applies_when", "na_reason", "manual_if", "manual_reason", "otherwise")
)


def rules_root() -> Traversable:
    """Give the folder of the shipped rules, with one folder per platform."""
    return importlib.resources.files("policies") / "rules"


@lru_cache(maxsize=16)
def load_rules(platform: str = "linux") -> tuple[Rule, ...]:
    """Load the shipped rules of one platform, ordered by check and id.

    Raises:
        InvalidRule: a file that is not a rule.
        DuplicateRule: two files with one id.
    """
    return load_rules_from(rules_root(), platform)


def load_rules_from(root: Traversable, platform: str) -> tuple[Rule, ...]:
    """Load the rules of one platform from a folder laid out like the shipped one."""
    folder = root / platform
    found: dict[str, Rule] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else ():
        if file.name.endswith(".yaml"):
            rule = parse_rule(file.read_text(encoding="utf-8"), f"{platform}/{file.name}", platform)
            if rule.id in found:
                raise DuplicateRule(rule.id, found[rule.id].path, rule.path)
            found[rule.id] = rule
    return tuple(sorted(found.values(), key=lambda rule: (rule.check, rule.id)))


def parse_rule(text: str, path: str, platform: str) -> Rule:
    """Read one rule.

    Args:
        path: For messages; its last part without ``.yaml`` must be the id of the rule.
        platform: Must be among the platforms that the rule names.

    Raises:
        InvalidRule: names file, line and key.
    """
    return _RuleReader(YamlFile(path, text, InvalidRule), platform).rule()


class _RuleReader:
    def __init__(self, file: YamlFile, platform: str) -> None:
        self._file = file
        self._platform = platform
        known = platforms().get(platform)
        if known is None:
            file.fail("platforms", f"unknown platform {platform!r}")
        self._facts: Mapping[str, FactInfo] = known.facts
        self._params: dict[str, Parameter] = {}
        self._used: set[str] = set()

    def rule(self) -> Rule:
        file = self._file
        data = file.mapping(file.data, "", _REQUIRED, _OPTIONAL)
        names = file.texts(data["platforms"], "platforms")
        if self._platform not in names:
            file.fail("platforms", f"lacks {self._platform!r}, the folder it lies in")
        self._params = self._read_params(data.get("params", {}))
        expect = self._predicate(data["expect"], "expect")
        rule = Rule(
            id=self._id(data["id"]),
            check=self._matching(data["check"], "check", _CHECK_RE),
            title=file.bilingual(data["title"], "title"),
            rationale=file.bilingual(data["rationale"], "rationale"),
            severity=Severity(file.choice(data["severity"], "severity", tuple(Severity))),
            platforms=names,
            min_level=file.integer(data["min_level"], "min_level", 1, 4),
            answers=self._answers(data["answers"]),
            high_risk_cases=tuple(
                self._matching(case, f"high_risk_cases.{n}", _CASE_RE)
                for n, case in enumerate(file.texts(data.get("high_risk_cases", []), "high_risk_cases"))
            ),
            params=self._params,
            applies_when=self._predicate(data["applies_when"], "applies_when")
            if "applies_when" in data
            else None,
            na_reason=file.bilingual(data["na_reason"], "na_reason") if "na_reason" in data else None,
            expect=expect,
            manual_if=self._predicate(data["manual_if"], "manual_if") if "manual_if" in data else None,
            manual_reason=file.bilingual(data["manual_reason"], "manual_reason")
            if "manual_reason" in data
            else None,
            otherwise_manual=file.choice(data.get("otherwise", "fail"), "otherwise", ("fail", "manual"))
            == "manual",
            remediation=file.bilingual(data["remediation"], "remediation"),
            references=file.texts(data["references"], "references"),
            samples=self._samples(data["samples"]),
            path=file.path,
        )
        self._check_whole(rule)
        return rule

    def _check_whole(self, rule: Rule) -> None:
        fail = self._file.fail
        for name in rule.params.keys() - self._used:
            fail(f"params.{name}", "is not used")
        if rule.applies_when is not None and rule.na_reason is None:
            fail("na_reason", "is missing")
        if (
            rule.manual_if is not None or rule.otherwise_manual or isinstance(rule.expect, p.Inventory)
        ) and rule.manual_reason is None:
            fail("manual_reason", "is missing")
        given = {sample.outcome for sample in rule.samples}
        if OutcomeKind.ERROR not in given and OutcomeKind.MANUAL not in given:
            fail("samples", "needs one that cannot be decided (error or manual)")
        if isinstance(rule.expect, p.Inventory):
            return
        if OutcomeKind.PASS not in given:
            fail("samples", "needs one that passes")
        if OutcomeKind.FAIL not in given and not rule.otherwise_manual:
            fail("samples", "needs one that fails")

    def _id(self, value: Any) -> str:
        rule_id = self._matching(value, "id", _ID_RE)
        stem = self._file.path.rpartition("/")[2].removesuffix(".yaml")
        if rule_id != stem:
            self._file.fail("id", f"must equal the file name {stem!r}")
        return rule_id

    def _matching(self, value: Any, where: str, pattern: re.Pattern[str]) -> str:
        text = self._file.text(value, where)
        if not pattern.fullmatch(text):
            self._file.fail(where, f"{text!r} has not the form {pattern.pattern}")
        return text

    def _read_params(self, value: Any) -> dict[str, Parameter]:
        file = self._file
        if not isinstance(value, dict):
            file.fail("params", "must be a mapping")
        params: dict[str, Parameter] = {}
        for name, entry in value.items():
            where = f"params.{name}"
            if not _PARAM_RE.fullmatch(name):
                file.fail(where, "must be lower-case words joined by underscores")
            data = file.mapping(
                entry, where, frozenset({"default", "label"}), frozenset({"profiles", "unit"})
            )
            profiles = file.mapping(
                data.get("profiles", {}), f"{where}.profiles", frozenset(), frozenset(PROFILES)
            )
            for profile, own in profiles.items():
                if type(own) is not type(data["default"]):
                    file.fail(f"{where}.profiles.{profile}", "is of another type than the default")
            label = file.bilingual(data["label"], f"{where}.label")
            unit = data.get("unit", "")
            params[name] = Parameter(
                name, data["default"], profiles, unit and file.text(unit, f"{where}.unit"), label
            )
        return params

    def _answers(self, value: Any) -> tuple[AnswerSpec, ...]:
        file = self._file
        if not isinstance(value, list) or not value:
            file.fail("answers", "must be a list with one entry at least")
        answers = []
        for n, entry in enumerate(value):
            where = f"answers.{n}"
            data = file.mapping(entry, where, frozenset({"unit", "step", "strength"}), frozenset({"on_fail"}))
            strength = Strength(file.choice(data["strength"], f"{where}.strength", tuple(Strength)))
            on_fail = Strength(
                file.choice(data.get("on_fail", strength), f"{where}.on_fail", tuple(Strength))
            )
            unit = self._matching(data["unit"], f"{where}.unit", _UNIT_RE)
            answers.append(
                AnswerSpec(unit, file.integer(data["step"], f"{where}.step", 1, 9), strength, on_fail)
            )
        if len({(answer.unit, answer.step) for answer in answers}) != len(answers):
            file.fail("answers", "names one step twice")
        return tuple(answers)

    def _samples(self, value: Any) -> tuple[Sample, ...]:
        file = self._file
        if not isinstance(value, list):
            file.fail("samples", "must be a list")
        samples = []
        for n, entry in enumerate(value):
            where = f"samples.{n}"
            data = file.mapping(
                entry, where, frozenset({"name", "outcome", "sections"}), frozenset({"profile", "params"})
            )
            if not isinstance(data["sections"], dict):
                file.fail(f"{where}.sections", "must be a mapping")
            if "profile" in data:
                file.choice(data["profile"], f"{where}.profile", PROFILES)
            for name in data.get("params", {}):
                if name not in self._params:
                    file.fail(f"{where}.params.{name}", "is not a parameter of this rule")
            samples.append(
                Sample(
                    name=self._matching(data["name"], f"{where}.name", _ID_RE),
                    outcome=OutcomeKind(file.choice(data["outcome"], f"{where}.outcome", tuple(OutcomeKind))),
                    sections=data["sections"],
                    profile=data.get("profile"),
                    params=data.get("params", {}),
                )
            )
        if len({sample.name for sample in samples}) != len(samples):
            file.fail("samples", "two have one name")
        return tuple(samples)

    # predicates

    def _predicate(self, value: Any, where: str) -> Predicate:
        kind = value.get("kind") if isinstance(value, dict) else None
        build = _KINDS.get(kind) if isinstance(kind, str) else None
        if build is None:
            self._file.fail(where, f"needs a kind, one of {', '.join(_KINDS)}")
        predicate = build(self, value, where)
        accepted = _ACCEPTED.get(type(predicate))
        for fact_id in predicate.fact_ids():
            info = self._facts.get(fact_id)
            if info is None:
                self._file.fail(where, f"unknown fact {fact_id!r}")
            if accepted is not None and info.kind not in accepted:
                self._file.fail(where, f"{kind} does not take {fact_id!r}, which is {info.kind}")
        return predicate

    def keys(self, value: Any, where: str, required: str, optional: str = "") -> dict[str, Any]:
        return self._file.mapping(
            value, where, frozenset({"kind", *required.split()}), frozenset(optional.split())
        )

    def operand(self, value: Any, where: str) -> Operand:
        if isinstance(value, dict) and set(value) == {"param"}:
            name = value["param"]
            if name not in self._params:
                self._file.fail(where, f"unknown parameter {name!r}")
            self._used.add(name)
            return ParamRef(name)
        return value

    def operands(self, value: dict[str, Any], where: str) -> dict[str, Operand]:
        return {
            key: self.operand(item, f"{where}.{key}")
            for key, item in value.items()
            if key not in ("kind", "fact")
        }

    def conditions(self, value: Any, where: str) -> dict[str, r.Condition]:
        if not isinstance(value, dict):
            self._file.fail(where, "must be a mapping of fields to conditions")
        result = {}
        for name, entry in value.items():
            place = f"{where}.{name}"
            data = self._file.mapping(entry, place, frozenset(), frozenset(_CONDITION_KEYS))
            or_none = data.get("or_none", False) is True
            parts = {
                _CONDITION_KEYS[key]: self.operand(item, f"{place}.{key}")
                for key, item in data.items()
                if key != "or_none"
            }
            if not parts:
                self._file.fail(place, "asks nothing")
            result[name] = r.Condition(**parts, or_none=or_none)
        return result

    def parts(self, value: Any, where: str) -> tuple[Predicate, ...]:
        if not isinstance(value, list) or len(value) < 2:
            self._file.fail(where, "must be a list of two or more")
        return tuple(self._predicate(item, f"{where}.{n}") for n, item in enumerate(value))

    def text(self, value: Any, where: str) -> str:
        return self._file.text(value, where)

    def fact_list(self, value: Any, where: str) -> tuple[str, ...]:
        return self._file.texts(value, where)

    def predicate(self, value: Any, where: str) -> Predicate:
        return self._predicate(value, where)


_CONDITION_KEYS = {
    "equals": "equals",
    "one_of": "one_of",
    "min": "minimum",
    "max": "maximum",
    "mode_at_most": "mode_at_most",
    "or_none": "or_none",
}

_Builder = Callable[[_RuleReader, dict[str, Any], str], Predicate]


def _simple(
    kind: Any, required: str, optional: str = "", renamed: Mapping[str, str] | None = None
) -> _Builder:
    """Make a builder for a kind whose keys are ``fact`` and operands."""

    def build(reader: _RuleReader, value: dict[str, Any], where: str) -> Predicate:
        data = reader.keys(value, where, f"fact {required}", optional)
        operands = {(renamed or {}).get(key, key): item for key, item in reader.operands(data, where).items()}
        predicate: Predicate = kind(fact=reader.text(data["fact"], f"{where}.fact"), **operands)
        return predicate

    return build


def _build_contains(every: bool) -> _Builder:
    def build(reader: _RuleReader, value: dict[str, Any], where: str) -> Predicate:
        data = reader.keys(value, where, "fact", "values")
        values = reader.operand(data.get("values"), f"{where}.values")
        return p.Contains(reader.text(data["fact"], f"{where}.fact"), values, every)

    return build


def _build_each(reader: _RuleReader, value: dict[str, Any], where: str) -> Predicate:
    data = reader.keys(value, where, "fact require", "where none_met")
    return r.Each(
        fact=reader.text(data["fact"], f"{where}.fact"),
        require=reader.conditions(data["require"], f"{where}.require"),
        where=reader.conditions(data.get("where", {}), f"{where}.where"),
        none_met=data.get("none_met", True) is True,
    )


def _build_combination(kind: Any) -> _Builder:
    def build(reader: _RuleReader, value: dict[str, Any], where: str) -> Predicate:
        data = reader.keys(value, where, "parts")
        predicate: Predicate = kind(reader.parts(data["parts"], f"{where}.parts"))
        return predicate

    return build


def _build_not(reader: _RuleReader, value: dict[str, Any], where: str) -> Predicate:
    return p.Not(reader.predicate(reader.keys(value, where, "part")["part"], f"{where}.part"))


def _build_inventory(reader: _RuleReader, value: dict[str, Any], where: str) -> Predicate:
    return p.Inventory(reader.fact_list(reader.keys(value, where, "facts")["facts"], f"{where}.facts"))


_KINDS: Mapping[str, _Builder] = {
    "equals": _simple(p.Equals, "value"),
    "one_of": _simple(p.OneOf, "values"),
    "number": _simple(p.Number, "", "min max also", {"min": "minimum", "max": "maximum"}),
    "empty": _simple(p.Empty, "", "allow"),
    "none_of": _simple(p.NoneOf, "values", "allow"),
    "none_containing": _simple(p.NoneContaining, "values"),
    "contains_all": _build_contains(True),
    "contains_any": _build_contains(False),
    "subset_of": _simple(p.SubsetOf, "values", "some"),
    "each": _build_each,
    "modes": _simple(r.Modes, "limits owners", "by"),
    "umask": _simple(p.Umask, "at_least"),
    "table": _simple(r.Table, "expected"),
    "until": _simple(p.Until, "dates now"),
    "all_of": _build_combination(p.AllOf),
    "any_of": _build_combination(p.AnyOf),
    "not": _build_not,
    "inventory": _build_inventory,
}

_ACCEPTED: Mapping[type, tuple[FactKind, ...]] = {
    p.Equals: (FactKind.FLAG, FactKind.NUMBER, FactKind.TEXT),
    p.OneOf: (FactKind.FLAG, FactKind.NUMBER, FactKind.TEXT),
    p.Number: (FactKind.NUMBER,),
    p.Empty: (FactKind.TEXTS,),
    p.NoneOf: (FactKind.TEXTS,),
    p.NoneContaining: (FactKind.TEXTS,),
    p.Contains: (FactKind.TEXTS,),
    p.SubsetOf: (FactKind.TEXTS,),
    r.Each: (FactKind.RECORDS,),
    r.Modes: (FactKind.RECORDS,),
    p.Umask: (FactKind.TEXT,),
    r.Table: (FactKind.RECORDS,),
}
"""Which shapes of facts a kind of predicate takes; the loader refuses the others."""

KINDS = tuple(_KINDS)
"""The closed list of kinds of predicates, as spelled in rules."""
