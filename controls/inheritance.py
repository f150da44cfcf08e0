"""Results a provider (cloud platform, machine room, group policy) hands down to a tenant.

Per item a tenant says whether the answer is inherited, shared or its own. An inherited answer lives as
long as the provider's report; after that it is no answer any more. No clock: today is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from controls.catalog import Text
from controls.errors import InvalidInput
from controls.ids import ItemId
from controls.terms import Term, Verdict

__all__ = ["Claim", "Effective", "ProviderResult", "Responsibility", "expiring", "resolve"]


class Responsibility(Term):
    """Who answers an item."""

    INHERITED = "inherited", "继承", "Inherited"
    SHARED = "shared", "共担", "Shared"
    OWN = "own", "自有", "Own"


@dataclass(frozen=True, slots=True)
class ProviderResult:
    """One decided result of a provider; it holds through ``expires_on``, the last day of its report."""

    provider: str
    item: ItemId
    verdict: Verdict
    decided_on: date
    expires_on: date


@dataclass(frozen=True, slots=True)
class Claim:
    """How a tenant answers one item; ``provider`` is needed unless the answer is its own."""

    item: ItemId
    responsibility: Responsibility
    provider: str = ""

    def __post_init__(self) -> None:
        if self.responsibility is not Responsibility.OWN and not self.provider:
            raise InvalidInput(f"claim {self.item}", "a provider", "提供方")


@dataclass(frozen=True, slots=True)
class Effective:
    """The answer that counts. ``verdict`` ``None`` means not examined; ``reason`` then says why."""

    item: ItemId
    responsibility: Responsibility
    verdict: Verdict | None
    expired: bool
    reason: Text


_RANK = {Verdict.NON_COMPLIANT: 0, Verdict.PARTIAL: 1, Verdict.COMPLIANT: 2, Verdict.NA: 3}


def resolve(
    items: Iterable[ItemId],
    claims: Iterable[Claim],
    results: Iterable[ProviderResult],
    own: Mapping[ItemId, Verdict | None],
    today: date,
) -> tuple[Effective, ...]:
    """Work out the answer of each item.

    Args:
        items: The tenant's applicable items; items without a claim are its own.
        results: Of all providers; of several for one item the one decided last counts.
        own: The tenant's own verdicts.

    A shared item takes the worse of both halves; a half that is missing leaves it not examined, unless the
    other half already is a gap.
    """
    by_item = {claim.item: claim for claim in claims}
    latest: dict[tuple[str, ItemId], ProviderResult] = {}
    for result in sorted(results, key=lambda one: one.decided_on):
        latest[result.provider, result.item] = result
    return tuple(_answer(item, by_item.get(item), latest, own.get(item), today) for item in items)


def _answer(
    item: ItemId,
    claim: Claim | None,
    latest: Mapping[tuple[str, ItemId], ProviderResult],
    own: Verdict | None,
    today: date,
) -> Effective:
    if claim is None or claim.responsibility is Responsibility.OWN:
        return Effective(
            item, Responsibility.OWN, own, False, Text("由本系统自行负责", "answered by the system itself")
        )
    result = latest.get((claim.provider, item))
    expired = result is not None and result.expires_on < today
    handed = result.verdict if result is not None and not expired else None
    reason = _reason(claim, result, expired)
    if claim.responsibility is Responsibility.INHERITED:
        return Effective(item, claim.responsibility, handed, expired, reason)
    return Effective(item, claim.responsibility, _worse(own, handed), expired, reason)


def _worse(one: Verdict | None, other: Verdict | None) -> Verdict | None:
    known = [verdict for verdict in (one, other) if verdict is not None]
    worst = min(known, key=_RANK.__getitem__, default=None)
    if len(known) == 2 or worst in (Verdict.NON_COMPLIANT, Verdict.PARTIAL):
        return worst
    return None


def _reason(claim: Claim, result: ProviderResult | None, expired: bool) -> Text:
    if result is None:
        return Text(f"{claim.provider} 尚未给出结果", f"{claim.provider} has given no result")
    day = result.expires_on.isoformat()
    if expired:
        return Text(
            f"{claim.provider} 的结果已于 {day} 到期", f"the result of {claim.provider} expired on {day}"
        )
    return Text(f"{claim.provider} 的结果，有效至 {day}", f"result of {claim.provider}, valid through {day}")


def expiring(results: Iterable[ProviderResult], today: date, within_days: int) -> tuple[ProviderResult, ...]:
    """Give the results that end within some days from today, the soonest first; ended ones are not among them."""
    last = today + timedelta(days=within_days)
    found = [one for one in results if today <= one.expires_on <= last]
    return tuple(sorted(found, key=lambda one: one.expires_on))
