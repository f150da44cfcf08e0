"""What the checks say, and how several of them become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from controls.catalog import Text
from controls.documents.terms import Aspect
from controls.terms import RuleOutcome

__all__ = ["AspectOutcome", "KindOutcome", "worst"]

_RANK = (RuleOutcome.FAIL, RuleOutcome.ERROR, RuleOutcome.MANUAL, RuleOutcome.NA, RuleOutcome.PASS)


@dataclass(frozen=True, slots=True)
class AspectOutcome:
    """What is known of one aspect, and why.

    ``good_until`` is the last day on which a passed freshness still passes; ``None`` where nothing ages.
    """

    aspect: Aspect
    outcome: RuleOutcome
    reason: Text
    good_until: date | None = None


@dataclass(frozen=True, slots=True)
class KindOutcome:
    """What is known of one kind of document in one system.

    ``outcome`` is the worst of its aspects: a seen fault before what nobody looked at, before what a person
    has to say. ``records`` are the ids of the documents that it rests on, ``lacking`` the keys of topics for
    which a further document has to be given.
    """

    kind: str
    outcome: RuleOutcome
    aspects: tuple[AspectOutcome, ...]
    records: tuple[str, ...]
    lacking: tuple[str, ...] = ()

    def aspect(self, aspect: Aspect) -> AspectOutcome | None:
        """Give one aspect; ``None`` when it was not asked or could not be asked."""
        return next((one for one in self.aspects if one.aspect is aspect), None)

    @property
    def good_until(self) -> date | None:
        """The last day on which the document is still fresh."""
        found = self.aspect(Aspect.FRESH)
        return found.good_until if found else None

    @property
    def reasons(self) -> tuple[Text, ...]:
        """Why it did not pass, one text per aspect."""
        return tuple(one.reason for one in self.aspects if one.outcome is not RuleOutcome.PASS)


def worst(outcomes: Iterable[RuleOutcome]) -> RuleOutcome:
    """Give the outcome that counts when several are known; at least one must be given."""
    return min(outcomes, key=_RANK.index)
