"""Kills and power losses at random points: nothing lost, nothing half there. And proof that the harness can fail."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from secops.evidence.recovery import ActionKind
from smcrypto.keys import FileKeyProvider
from tests.unit.secops.evidence.crashes import World, lose_power, upload_row_first

KILLS = int(os.environ.get("SECOPS_TEST_KILLS", "40"))
LONGEST_LIFE = 1500
"""Lines of code a child executes at most: five to fifteen uploads."""


@pytest.fixture
def world(tmp_path: Path, keys: FileKeyProvider) -> World:
    """A vault without history."""
    return World(tmp_path, keys)


def _lives(count: int) -> list[tuple[int, int]]:
    numbers = random.Random(20260101)
    return [(seed, numbers.randint(1, LONGEST_LIFE)) for seed in range(count)]


def test_kills_lose_nothing(world: World) -> None:
    """After each kill and recovery: every row has its whole blob, every blob its row, nothing acknowledged is lost."""
    for seed, life in _lives(KILLS):
        world.run_and_kill(after_lines=life, seed=seed)
        world.recover()

        assert world.damage() == [], f"killed after {life} lines with seed {seed}"

    kinds = Counter(action.kind for action in world.actions)
    assert len(world.acknowledged) > KILLS
    # the kills met the writing of bytes as well as the time between the commits
    assert kinds[ActionKind.STAGED_REMOVED] >= 3
    assert kinds[ActionKind.PROMOTED] >= 3


def test_power_losses_lose_nothing(world: World) -> None:
    """The same when everything that was not synced is taken back after each kill."""
    for seed, life in _lives(KILLS):
        lose_power(world.run_and_kill(after_lines=life, seed=seed))
        world.recover()

        assert world.damage() == [], f"power lost after {life} lines with seed {seed}"

    assert len(world.acknowledged) > KILLS


def test_without_fsync_power_losses_do_damage(world: World) -> None:
    """With fsync taken out the harness finds damage: it can fail."""
    for seed, life in _lives(10):
        lose_power(world.run_and_kill(after_lines=life, seed=seed, fsync_works=False))
        world.recover()

    assert any("blob damaged" in text or "blob missing" in text for text in world.damage())


def test_row_before_file_does_damage(world: World) -> None:
    """With the row written first the harness finds rows without whole files: it can fail."""
    for seed, life in _lives(20):
        world.run_and_kill(after_lines=life, seed=seed, upload=upload_row_first)
        world.recover()

    assert any(text.startswith("row ") for text in world.damage())
