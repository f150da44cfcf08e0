"""Forms: read and check what was typed, keep it, and say what is wrong beside the field.

A view makes ``form = Form(request.form)``, reads each field by a method that checks it, and goes on when
``form.ok``; else it renders the same page with the form, and the macros show value and error of each field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from secops.errors import BadInput
from secops.web.lang import language, t


class Form:
    """Values as typed and the first error of each field. Without *data* it is an empty form with start values."""

    def __init__(self, data: Mapping[str, str] | None = None, **start: Any) -> None:
        self._data = data
        self._start = start
        self.errors: dict[str, str] = {}
        # What a page with this form answers when something is wrong.
        self.status = 400

    @property
    def ok(self) -> bool:
        return not self.errors

    def value(self, key: str) -> str:
        """What the field shows: what was typed, else its start value."""
        if self._data is not None:
            return self._data.get(key) or ""
        found = self._start.get(key)
        return "" if found is None else str(found)

    def values(self, key: str) -> list[str]:
        """All values of a field that can be chosen more than once."""
        if self._data is None:
            return [str(value) for value in self._start.get(key) or ()]
        getlist = getattr(self._data, "getlist", None)
        return list(getlist(key)) if getlist else [self._data[key]] if key in self._data else []

    def error(self, key: str) -> str:
        return self.errors.get(key, "")

    def fail(self, key: str, zh: str, en: str) -> None:
        """Note an error; the first of a field stays."""
        self.errors.setdefault(key, t(zh, en))

    def take(self, error: BadInput) -> None:
        """Put a service's complaint beside its field; "" shows it above the form."""
        self.errors.setdefault(error.field, error.text(language()))

    def text(self, key: str, *, required: bool = False, limit: int = 200, least: int = 0) -> str:
        """One text without the spaces around it."""
        found = self.value(key).strip()
        if required and not found:
            self.fail(key, "请填写这一项。", "Fill this in.")
        elif len(found) > limit:
            self.fail(key, f"最多 {limit} 个字符。", f"At most {limit} characters.")
        elif found and len(found) < least:
            self.fail(key, f"至少 {least} 个字符。", f"At least {least} characters.")
        return found

    def choice(self, key: str, allowed: Collection[str], *, required: bool = True) -> str:
        """One of *allowed*; "" when it may stay open."""
        found = self.value(key).strip()
        if not found and required:
            self.fail(key, "请选择一项。", "Choose one.")
        elif found and found not in allowed:
            self.fail(key, "没有这个选项。", "There is no such option.")
            return ""
        return found

    def number(self, key: str, *, least: int, most: int, required: bool = True) -> int | None:
        """A whole number between *least* and *most*."""
        found = self.value(key).strip()
        if not found:
            if required:
                self.fail(key, "请填写这一项。", "Fill this in.")
            return None
        try:
            number = int(found)
        except ValueError:
            self.fail(key, "请填写整数。", "Give a whole number.")
            return None
        if not least <= number <= most:
            self.fail(key, f"应在 {least} 到 {most} 之间。", f"Between {least} and {most}.")
            return None
        return number

    def day(self, key: str, *, required: bool = False, after: date | None = None) -> date | None:
        """A date in ISO form; later than *after* when that is given."""
        found = self.value(key).strip()
        if not found:
            if required:
                self.fail(key, "请选择日期。", "Choose a date.")
            return None
        try:
            picked = date.fromisoformat(found)
        except ValueError:
            self.fail(key, "日期写作 2026-11-25 的形式。", "Write the date like 2026-11-25.")
            return None
        if after is not None and picked <= after:
            self.fail(key, f"须晚于 {after}。", f"Must be later than {after}.")
            return None
        return picked
