"""Everything this package raises.

::

    ControlsError
    ├── InvalidId (ValueError)          a text is not an id of the standards
    │   ├── InvalidUnitId
    │   ├── InvalidItemId
    │   ├── InvalidClause
    │   ├── InvalidFrameworkId
    │   └── InvalidProfile
    ├── DataError                       a data file is wrong: file, line, key, problem
    ├── DuplicateFramework              two folders claim one framework id
    ├── UnknownId (LookupError)
    │   ├── UnknownFramework
    │   ├── UnknownItem
    │   ├── UnknownUnit
    │   ├── UnknownFamily
    │   ├── UnknownCase
    │   └── UnknownRuleSet
    ├── LevelNotCatalogued              level 5, or a level the framework does not have
    ├── NothingApplies                  a selection or an input without one applicable item
    ├── MissingReason                   an exclusion without a reason
    ├── ForeignEvidence                 evidence that speaks to another unit
    └── InvalidInput (ValueError)       a value handed in: path in the document, what was expected

Each is a normal class that hands its fields on positionally, so it survives pickling.
"""

from __future__ import annotations

__all__ = [
    "ControlsError",
    "DataError",
    "DuplicateFramework",
    "ForeignEvidence",
    "InvalidClause",
    "InvalidFrameworkId",
    "InvalidId",
    "InvalidInput",
    "InvalidItemId",
    "InvalidProfile",
    "InvalidUnitId",
    "LevelNotCatalogued",
    "MissingReason",
    "NothingApplies",
    "UnknownCase",
    "UnknownFamily",
    "UnknownFramework",
    "UnknownId",
    "UnknownItem",
    "UnknownRuleSet",
    "UnknownUnit",
]


class ControlsError(Exception):
    """Base of all errors of this package; ``str()`` is the English sentence, ``zh`` the Chinese one."""

    @property
    def zh(self) -> str:
        """The same in Chinese; the English text where it is for whoever writes data files."""
        return str(self)


class InvalidId(ControlsError, ValueError):
    """A text has not the form of the id it should be."""

    expected = "an id"
    expected_zh = "标识"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is not {self.expected}"

    @property
    def zh(self) -> str:
        return f"{self.text!r} 不是{self.expected_zh}"


class InvalidUnitId(InvalidId):
    """The text is not the number of an assessment unit."""

    expected = "a unit number such as L3-CES1-01, L3-6.1.1 or own-framework/unit"
    expected_zh = "测评单元编号（如 L3-CES1-01、L3-6.1.1）"


class InvalidItemId(InvalidId):
    """The text is not the id of a requirement item."""

    expected = "an item id such as 8.1.4.1.a, 8.1.1.2 or own-item"
    expected_zh = "要求项编号（如 8.1.4.1.a、8.1.1.2）"


class InvalidClause(InvalidId):
    """The text is not a clause number."""

    expected = "a clause number such as 8.1.4.1"
    expected_zh = "条款编号（如 8.1.4.1）"


class InvalidFrameworkId(InvalidId):
    """The text is not a framework id."""

    expected = "a framework id in small letters, digits and hyphens, such as gbt-22239-2019"
    expected_zh = "框架标识（小写字母、数字与连字符，如 gbt-22239-2019）"


class InvalidProfile(InvalidId):
    """The text or the triple is not a level profile."""

    expected = "a level profile SxAyGz with levels 1 to 5 and z the higher of x and y, such as S3A3G3"
    expected_zh = "等级组合 SxAyGz（1 至 5 级，z 取 x、y 中较高者，如 S3A3G3）"


class DataError(ControlsError):
    """A data file cannot be used.

    ``line`` is 0 when the problem is the file as a whole.
    """

    def __init__(self, file: str, line: int, key: str, problem: str) -> None:
        super().__init__(file, line, key, problem)
        self.file = file
        self.line = line
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} {self.key}: {self.problem}" if self.key else f"{place}: {self.problem}"


class DuplicateFramework(ControlsError):
    """Two folders carry one framework id."""

    def __init__(self, framework_id: str, first: str, second: str) -> None:
        super().__init__(framework_id, first, second)
        self.framework_id = framework_id
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return f"framework {self.framework_id} is defined twice: {self.first} and {self.second}"


class UnknownId(ControlsError, LookupError):
    """A well-formed id that nothing carries."""

    kind = "thing"
    kind_zh = "对象"

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text, hint)
        self.text = text
        self.hint = hint

    def __str__(self) -> str:
        return f"unknown {self.kind} {self.text!r}" + (f"; {self.hint}" if self.hint else "")

    @property
    def zh(self) -> str:
        known = self.hint.removeprefix("known: ") if self.hint.startswith("known: ") else ""
        return f"没有这个{self.kind_zh}：{self.text!r}" + (f"；已有：{known}" if known else "")


class UnknownFramework(UnknownId):
    """No framework has this id."""

    kind = "framework"
    kind_zh = "框架"


class UnknownItem(UnknownId):
    """No requirement item has this id."""

    kind = "requirement item"
    kind_zh = "要求项"


class UnknownUnit(UnknownId):
    """No assessment unit has this number."""

    kind = "assessment unit"
    kind_zh = "测评单元"


class UnknownFamily(UnknownId):
    """No family has this key."""

    kind = "family"
    kind_zh = "要求族"


class UnknownCase(UnknownId):
    """No high-risk case has this number."""

    kind = "high-risk case"
    kind_zh = "高风险案例"


class UnknownRuleSet(UnknownId):
    """No rule set has this id."""

    kind = "rule set"
    kind_zh = "规则集"


class LevelNotCatalogued(ControlsError):
    """The framework holds no items of this level; the advice says what applies instead."""

    def __init__(self, framework_id: str, level: int, advice: str, advice_zh: str) -> None:
        super().__init__(framework_id, level, advice, advice_zh)
        self.framework_id = framework_id
        self.level = level
        self.advice = advice
        self.advice_zh = advice_zh

    def __str__(self) -> str:
        return f"{self.framework_id} has no items of level {self.level}: {self.advice}"

    @property
    def zh(self) -> str:
        return f"{self.framework_id} 没有第 {self.level} 级的要求项：{self.advice_zh}"


class NothingApplies(ControlsError):
    """Not one item applies, so there is nothing to select, score or show."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"no applicable item: {self.what}"

    @property
    def zh(self) -> str:
        return "没有适用的要求项"


class MissingReason(ControlsError):
    """An item was taken out without saying why."""

    def __init__(self, item_id: str) -> None:
        super().__init__(item_id)
        self.item_id = item_id

    def __str__(self) -> str:
        return f"{self.item_id} is excluded without a reason"

    @property
    def zh(self) -> str:
        return f"{self.item_id} 判为不适用但没有写明理由"


class ForeignEvidence(ControlsError):
    """Evidence that speaks to another unit, or to a step the unit does not have."""

    def __init__(self, unit_id: str, evidence_unit_id: str, step: int) -> None:
        super().__init__(unit_id, evidence_unit_id, step)
        self.unit_id = unit_id
        self.evidence_unit_id = evidence_unit_id
        self.step = step

    def __str__(self) -> str:
        return f"evidence for {self.evidence_unit_id} step {self.step} does not belong to {self.unit_id}"


class InvalidInput(ControlsError, ValueError):
    """A value handed in is wrong.

    ``path`` is the place in the document in JSONPath style (``$.items[3].objects[0]``), ``expected`` and
    ``expected_zh`` say what should stand there.
    """

    def __init__(self, path: str, expected: str, expected_zh: str) -> None:
        super().__init__(path, expected, expected_zh)
        self.path = path
        self.expected = expected
        self.expected_zh = expected_zh

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}"

    @property
    def zh(self) -> str:
        return f"{self.path}：应为{self.expected_zh}"
