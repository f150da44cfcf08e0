"""Which targets are proposed, and the reason that stands beside each."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from secops.assessments.planning import shared_assets
from secops.assessments.sampling import sample
from secops.objects.models import Asset, System
from secops.platform import Platform
from tests.support.builders import Rows


@dataclass
class Thing:
    id: int
    kind: str = "server"
    importance: str = "important"
    sampled: bool = False
    group_name: str = ""


def _rules(assets: list[Thing], level: int = 3, **more: object) -> list[str]:
    return [one.rule for one in sample(assets, level, **more)]  # type: ignore[arg-type]


def test_each_rule_chooses_its_own() -> None:
    """Marked, key, at the border, shared; then one of each group, then the number of the level."""
    assets = [
        Thing(1, sampled=True), Thing(2, importance="key"), Thing(3, kind="security-device"), Thing(4, kind="database"),
        Thing(5, kind="database", group_name="g"), Thing(6, kind="database", group_name="g"), Thing(7, kind="terminal"),
    ]  # fmt: skip
    assert _rules(assets, internet_facing=True, shared={4}) == [
        "marked", "importance", "exposure", "sharing", "coverage", "number", "coverage",
    ]  # fmt: skip


@pytest.mark.parametrize(("level", "count"), [(1, 1), (2, 2), (3, 3), (4, 4)])
def test_the_number_grows_with_the_level(level: int, count: int) -> None:
    """Ten alike: as many as the level asks."""
    rules = _rules([Thing(n) for n in range(10)], level)
    assert len([rule for rule in rules if rule]) == count


def test_an_address_of_two_systems_is_shared(platform: Platform, rows: Rows) -> None:
    """The same address registered elsewhere; an empty address is no address."""
    one, two = rows.one(System), rows.one(System)
    both = rows.one(Asset, system_id=one, address="10.1.1.1")
    rows.one(Asset, system_id=two, address="10.1.1.1")
    rows.one(Asset, system_id=one, address="")
    rows.one(Asset, system_id=two, address="")
    with platform.work("test:look") as session:
        assert shared_assets(session, session.get_one(System, one)) == {both}
