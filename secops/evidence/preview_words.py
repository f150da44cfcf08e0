"""What an inspection said, as a badge and a sentence."""

from __future__ import annotations

from typing import Any

from secops.evidence.inspect_words import words_of
from secops.web.labels import Label
from secops.web.lang import t

_VERDICTS = {
    "clean": Label("未发现异常", "Nothing found", "good"),
    "flagged": Label("需留意", "Take care", "warn", "exclamation-triangle-fill"),
    "not-examined": Label("未能检查", "Not examined", "warn", "question-circle"),
}
_ANTIVIRUS = {
    "clean": ("防病毒引擎：未发现", "virus scanner: nothing found"),
    "absent": ("未配置防病毒引擎，未做病毒检查", "no virus scanner is set up, so none looked"),
    "not-examined": ("防病毒引擎未能检查", "the virus scanner could not look"),
}


def inspection_words(found: dict[str, Any]) -> tuple[Label, str] | None:
    """None for what the platform made itself, which nobody inspects."""
    if not found:
        return None
    zh, en = words_of([code for code in found.get("found", []) if code != "not-examined"])
    virus = _ANTIVIRUS.get(found.get("antivirus", ""), ("", ""))
    text = t("。".join(filter(None, (zh, virus[0]))), ". ".join(filter(None, (en, virus[1]))))
    return _VERDICTS.get(found.get("verdict", ""), _VERDICTS["not-examined"]), text
