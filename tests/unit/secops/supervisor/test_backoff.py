"""How long the supervisor waits before it starts a dead child again."""

from __future__ import annotations

from secops.supervisor.child import Backoff


def test_waits_grow_to_thirty_seconds() -> None:
    """Short lives are answered by waits of 1, 2, 4, 8, 16 and from then on 30 s."""
    backoff = Backoff()

    waits = [backoff.died(now=float(n), started=float(n)) for n in range(7)]

    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_long_life_forgives() -> None:
    """A child that lived for a minute is waited for as if it had never died."""
    backoff = Backoff()
    backoff.died(now=0.0, started=0.0)
    backoff.died(now=2.0, started=1.0)

    assert backoff.died(now=70.0, started=10.0) == 1


def test_unstable_after_five_deaths_in_a_minute() -> None:
    """Five deaths within a minute are unstable, four are not, and neither are five over a longer time."""
    quick, slow = Backoff(), Backoff()
    for moment in (0.0, 1.0, 3.0, 7.0):
        quick.died(now=moment, started=moment)
        slow.died(now=moment * 20, started=moment * 20)

    assert not quick.is_unstable(7.0)
    quick.died(now=15.0, started=15.0)
    slow.died(now=200.0, started=200.0)

    assert quick.is_unstable(15.0)
    assert not slow.is_unstable(200.0)
    assert not quick.is_unstable(61.0)
