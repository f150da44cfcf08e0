"""Small tools for the modules that turn results of the wire probes into facts for rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scanners.baseline.model import Bilingual, Fact, FactInfo, FactKind, Facts, FactState, FactValue, Gap


def table(*rows: tuple[str, FactKind, str, str]) -> dict[str, FactInfo]:
    """Declare facts: id, shape, Chinese and English label."""
    return {fact_id: FactInfo(fact_id, kind, Bilingual(zh, en)) for fact_id, kind, zh, en in rows}


def seen(value: FactValue, source: str = "") -> Fact:
    """A fact that may be relied on."""
    return Fact(FactState.SEEN, value, source)


def seen_in_part(value: FactValue, gap: Gap, detail: str, source: str = "") -> Fact:
    """A fact that can prove a fault but not its absence."""
    return Fact(FactState.INCOMPLETE, value, source, gap, detail)


def listed(
    values: Iterable[str], *, whole: bool, gap: Gap = Gap.UNREADABLE, detail: str = "", source: str = ""
) -> Fact:
    """A list of texts, each once; *whole* says whether everything was looked at."""
    value = list(dict.fromkeys(values))
    return seen(value, source) if whole else seen_in_part(value, gap, detail, source)


def missing(gap: Gap, detail: str = "") -> Fact:
    """A fact that was not collected."""
    return Fact(FactState.NOT_COLLECTED, gap=gap, detail=detail)


def nothing_seen(platform: str, infos: Mapping[str, FactInfo]) -> Facts:
    """Give the facts of a target that nobody looked at."""
    return Facts(platform, {fact_id: missing(Gap.MISSING_SECTION) for fact_id in infos})


def merged(base: Any, changes: Any) -> Any:
    """Lay *changes* over plain JSON: mappings key by key, everything else as a whole."""
    if not (isinstance(base, Mapping) and isinstance(changes, Mapping)):
        return changes
    return {**base, **{key: merged(base.get(key), value) for key, value in changes.items()}}
