"""The language of this request, and the one function that picks words by it.

Texts stand as pairs, Chinese and English, where they are used; a text in one language only can't be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import has_request_context
from flask_babel import get_locale


def language() -> str:
    """``zh`` or ``en``; Chinese unless the person chose English."""
    if not has_request_context():
        return "zh"
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


def t(zh: str, en: str) -> str:
    """Pick by the language of this request."""
    return en if language() == "en" else zh


def listed(words: Iterable[str]) -> str:
    """Several words in one line, with the comma of this request's language."""
    return t("、", ", ").join(words)


def pick(pair: Mapping[str, str] | object | None) -> str:
    """The words of a ``{"zh", "en"}`` mapping or of an object with these two fields; "" for None."""
    if pair is None:
        return ""
    if isinstance(pair, Mapping):
        return str(pair.get(language()) or pair.get("zh") or "")
    return str(getattr(pair, language()))
