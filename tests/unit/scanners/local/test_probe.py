"""The local probe: the real script on this machine, in the limits of a tool."""

from __future__ import annotations

import json

import pytest

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.baseline.model import Facts, FactState
from scanners.jsonable import from_json, to_json
from scanners.local.probe import LocalProbe
from scanners.ssh_baseline.facts import FACTS, parse_pack

HERE = Target("127.0.0.1")


def test_this_machine_is_looked_at() -> None:
    """The pack is complete, its facts are those of the parser, and every rule has an outcome."""
    steps: list[str] = []

    attempt = LocalProbe().run(HERE, ProbeContext(120, progress=lambda share, step: steps.append(step)))

    assert isinstance(attempt, Completed)
    assert attempt.raw.startswith(b"@@pack 1 ")
    assert attempt.result == parse_pack(attempt.raw)
    assert attempt.result.facts.keys() == FACTS.keys()
    assert attempt.result.facts["accounts.uid0"].state is FactState.SEEN
    assert steps == ["collect", "parse", "done"]
    assert len(evaluate(load_rules("linux"), attempt.result)) == len(load_rules("linux"))
    assert from_json(Facts, json.loads(json.dumps(to_json(attempt.result)))) == attempt.result


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "", "127.1"])
def test_only_this_machine(host: str) -> None:
    """The result is never filed under another address."""
    attempt = LocalProbe().run(Target(host), ProbeContext(5))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_it_can_be_stopped() -> None:
    """Cancel and the end of the budget are told apart."""
    cancelled = LocalProbe().run(HERE, ProbeContext(60, cancelled=lambda: True))
    late = LocalProbe().run(HERE, ProbeContext(0.05))

    assert isinstance(cancelled, Failed)
    assert isinstance(late, Failed)
    assert (cancelled.reason, late.reason) == (FailureReason.CANCELLED, FailureReason.TIMED_OUT)
