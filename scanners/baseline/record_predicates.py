"""The kinds of predicates that ask about lists of records: accounts, files, kernel settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scanners.baseline.judging import Judgement, Operand, View, fold, is_number, judge_fact, show_all
from scanners.baseline.model import FactValue


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one field of a record; all parts given must hold. ``or_none`` lets an absent value through."""

    equals: Operand = None
    one_of: Operand = None
    minimum: Operand = None
    maximum: Operand = None
    mode_at_most: Operand = None
    or_none: bool = False

    def holds(self, seen: object, view: View) -> bool:
        if seen is None:
            return self.or_none
        equals, one_of = view.value(self.equals), view.value(self.one_of)
        low, high, mode = view.value(self.minimum), view.value(self.maximum), view.value(self.mode_at_most)
        if equals is not None and fold(seen) != fold(equals):
            return False
        if one_of is not None and fold(seen) not in {fold(item) for item in one_of}:
            return False
        if low is not None and not (is_number(seen) and seen >= low):
            return False
        if high is not None and not (is_number(seen) and seen <= high):
            return False
        return mode is None or not int(str(seen), 8) & ~int(str(mode), 8)


@dataclass(frozen=True, slots=True)
class Each:
    """Every record that ``where`` picks fulfils ``require``.

    ``none_is`` says what it means that no record is picked: met (default) or not met.
    """

    fact: str
    require: Mapping[str, Condition]
    where: Mapping[str, Condition]
    none_met: bool = True

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        def test(seen: FactValue) -> tuple[bool, str, str]:
            picked = [record for record in seen if all_hold(self.where, record, view)]
            if not picked:
                return self.none_met, "没有相关项", "nothing of the kind"
            wrong = [record for record in picked if not all_hold(self.require, record, view)]
            if wrong:
                return False, f"不满足 {show_all(wrong)}", f"not fulfilled by {show_all(wrong)}"
            return True, f"{len(picked)} 项均满足", f"fulfilled by all {len(picked)}"

        return judge_fact(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Modes:
    """No file is more open than its limit, and each belongs to an allowed owner.

    ``limits`` maps a path (or, when ``by`` says so, another field of the record) to an octal mode.
    Files without a limit are not looked at.
    """

    fact: str
    limits: Operand
    owners: Operand
    by: str = "path"

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        limits, owners = view.value(self.limits), view.value(self.owners)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            looked = [record for record in seen if record[self.by] in limits]
            if not looked:
                return True, "没有相关文件", "no such file"
            wrong = []
            for record in looked:
                limit = str(limits[record[self.by]])
                too_open = int(str(record["mode"]), 8) & ~int(limit, 8)
                if too_open or (owners and record["owner"] not in owners):
                    wrong.append(f"{record['path']} {record['mode']} {record['owner']} (<= {limit})")
            if wrong:
                return False, f"超出 {show_all(wrong)}", f"too open: {show_all(wrong)}"
            return True, f"{len(looked)} 个文件均在限制内", f"all {len(looked)} within their limits"

        return judge_fact(view, self.fact, test)


@dataclass(frozen=True, slots=True)
class Table:
    """Records of ``key`` and ``value`` have one of the allowed values for every key in the table.

    A key that the host does not have is passed over, but one at least must be there.
    """

    fact: str
    expected: Operand

    def fact_ids(self) -> tuple[str, ...]:
        return (self.fact,)

    def judge(self, view: View) -> Judgement:
        expected = view.value(self.expected)

        def test(seen: FactValue) -> tuple[bool, str, str]:
            held = {record["key"]: record["value"] for record in seen if record["key"] in expected}
            wrong = [
                f"{key}={value}"
                for key, value in held.items()
                if fold(value) not in {fold(item) for item in expected[key]}
            ]
            if not held:
                return False, "没有相关参数", "no such setting"
            if wrong:
                return False, f"不符 {show_all(wrong)}", f"not as expected: {show_all(wrong)}"
            return True, f"{len(held)} 项均符合", f"all {len(held)} as expected"

        return judge_fact(view, self.fact, test)


def all_hold(conditions: Mapping[str, Condition], record: Mapping[str, Any], view: View) -> bool:
    return all(condition.holds(record.get(name), view) for name, condition in conditions.items())
