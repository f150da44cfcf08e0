"""One description of a field serves its form, its list, its sheet and its checks.

A field reads text (typed in a form, or the cell of a sheet) into a value and writes a value back as the words that
it reads; reading what was written gives the same value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from secops.errors import BadInput
from secops.web.lang import t

Options = Sequence[tuple[str, str, str]]
_YES = {"是", "有", "yes", "y", "true", "1"}
_NO = {"否", "无", "no", "n", "false", "0", ""}
_SPLIT = re.compile(r"[\n;；、]|,\s*|，")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE
)
_HIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")


class Kind(StrEnum):
    TEXT = "text"
    AREA = "area"
    CHOICE = "choice"
    CHOICES = "choices"
    DAY = "day"
    NUMBER = "number"
    YESNO = "yesno"
    NETWORKS = "networks"
    DOMAINS = "domains"
    ADDRESS = "address"
    DEPARTMENT = "department"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a register.

    Args:
        key: attribute of the model; ``department`` and ``system`` set ``department_id`` and ``system_id``.
        options: (value, zh, en) of a closed list.
        listed: a column of the list by default; else one that the reader may ask for.
        limit: most characters of a text; *least* and *most* bound a number.
        hint: (zh, en) under the field and in the explanations of the template.
        section: (zh, en) of the heading above this field in the form; the fields after it belong to it too.
    """

    key: str
    zh: str
    en: str
    kind: Kind = Kind.TEXT
    required: bool = False
    options: Options = ()
    limit: int = 160
    least: int = 0
    most: int = 2_000_000_000
    listed: bool = True
    hint: tuple[str, str] = ("", "")
    section: tuple[str, str] = ("", "")

    @property
    def title(self) -> str:
        return t(self.zh, self.en)

    @property
    def help(self) -> str:
        return t(*self.hint)

    def choices(self) -> list[tuple[str, str]]:
        return [(value, t(zh, en)) for value, zh, en in self.options]

    def read(self, cell: Any) -> Any:
        """Make the value of what stands in a form field or a cell; "" and None are an empty field.

        Raises:
            BadInput: it does not fit; ``field`` is the key.
        """
        text = _text(cell)
        if not text and self.kind is not Kind.YESNO:
            if self.required:
                raise self.wrong("必须填写。", "must be filled in.")
            return _EMPTY[self.kind]
        reader = _READERS[self.kind]
        return reader(self, cell if isinstance(cell, date) else text)

    def words(self, value: Any) -> str:
        """What a sheet and a page show of a value; :meth:`read` takes it back."""
        if value is None or value == "" or value == []:
            return ""
        if self.kind is Kind.YESNO:
            return t("是", "Yes") if value else t("否", "No")
        if self.kind is Kind.CHOICE:
            return self._word(str(value))
        if self.kind is Kind.CHOICES:
            return t("、", ", ").join(self._word(str(one)) for one in value)
        if self.kind in (Kind.NETWORKS, Kind.DOMAINS):
            return "\n".join(value)
        return value.isoformat() if isinstance(value, date) else str(value)

    def wrong(self, zh: str, en: str) -> BadInput:
        """A complaint that names the field."""
        return BadInput(f"“{self.zh}”{zh}", f"{self.en} {en}", self.key)

    def _word(self, value: str) -> str:
        return next((t(zh, en) for key, zh, en in self.options if key == value), value)

    def option(self, text: str) -> str:
        """The value that a word, in either language, or the value itself stands for."""
        folded = text.strip().casefold()
        for value, zh, en in self.options:
            if folded in (value.casefold(), zh.casefold(), en.casefold()):
                return value
        known_zh, known_en = (
            "、".join(o[1] for o in self.options[:12]),
            ", ".join(o[2] for o in self.options[:12]),
        )
        raise self.wrong(
            f"没有“{text[:40]}”这个选项，可填：{known_zh}。",
            f"has no option “{text[:40]}”; known: {known_en}.",
        )


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _read_text(field: Field, text: str) -> str:
    if _HIDDEN.search(text):
        raise field.wrong("含有不可见的控制字符。", "holds invisible control characters.")
    if field.kind is Kind.TEXT and "\n" in text:
        raise field.wrong("只能是一行。", "is one line.")
    if len(text) > field.limit:
        raise field.wrong(f"最多 {field.limit} 个字符。", f"has at most {field.limit} characters.")
    return text


def _read_day(field: Field, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).split(" ")[0].split("T")[0]
    for form in _DATE_FORMS:
        try:
            found = datetime.strptime(text, form).date()
        except ValueError:
            continue
        if 1990 <= found.year <= 2100:
            return found
        break
    raise field.wrong(
        f"“{text[:20]}”不是日期，写作 2026-11-25。", f"“{text[:20]}” is no date such as 2026-11-25."
    )


def _read_number(field: Field, text: str) -> int:
    try:
        number = int(str(text).replace(",", ""))
    except ValueError:
        raise field.wrong(
            f"“{str(text)[:20]}”不是整数。", f"“{str(text)[:20]}” is no whole number."
        ) from None
    if not field.least <= number <= field.most:
        raise field.wrong(
            f"应在 {field.least} 到 {field.most} 之间。", f"lies between {field.least} and {field.most}."
        )
    return number


def _read_yesno(field: Field, text: str) -> bool:
    folded = str(text).casefold()
    if folded in _YES:
        return True
    if folded in _NO:
        return False
    raise field.wrong(f"“{str(text)[:20]}”应填是或否。", f"“{str(text)[:20]}” should be yes or no.")


def _read_choices(field: Field, text: str) -> list[str]:
    found = {field.option(part) for part in _SPLIT.split(text) if part.strip()}
    return [value for value, _, _ in field.options if value in found]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[\s;；,，、]+", text) if part.strip()]


def _read_networks(field: Field, text: str) -> list[str]:
    found = []
    for part in _parts(text)[:256]:
        try:
            found.append(str(ipaddress.ip_network(part)))
        except ValueError:
            raise field.wrong(
                f"“{part[:40]}”不是网段，写作 10.20.0.0/24。",
                f"“{part[:40]}” is no network such as 10.20.0.0/24.",
            ) from None
    return found


def _read_domains(field: Field, text: str) -> list[str]:
    found = []
    for part in _parts(text)[:256]:
        if not _DOMAIN.fullmatch(part):
            raise field.wrong(f"“{part[:40]}”不是域名。", f"“{part[:40]}” is no domain name.")
        found.append(part.lower())
    return found


def _read_address(field: Field, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _DOMAIN.fullmatch(text) and len(text) <= field.limit and not re.fullmatch(r"[0-9.]+", text):
            return text.lower()
    raise field.wrong(f"“{text[:40]}”不是 IP 地址或域名。", f"“{text[:40]}” is no IP address or domain name.")


_READERS: dict[Kind, Callable[[Field, Any], Any]] = {
    Kind.TEXT: _read_text,
    Kind.AREA: _read_text,
    Kind.CHOICE: lambda field, text: field.option(text),
    Kind.CHOICES: _read_choices,
    Kind.DAY: _read_day,
    Kind.NUMBER: _read_number,
    Kind.YESNO: _read_yesno,
    Kind.NETWORKS: _read_networks,
    Kind.DOMAINS: _read_domains,
    Kind.ADDRESS: _read_address,
    Kind.DEPARTMENT: _read_text,
    Kind.SYSTEM: _read_text,
}
_EMPTY: dict[Kind, Any] = {
    **dict.fromkeys(Kind, ""),
    Kind.CHOICES: [],
    Kind.NETWORKS: [],
    Kind.DOMAINS: [],
    Kind.DAY: None,
    Kind.NUMBER: None,
}
