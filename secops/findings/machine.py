"""The state machine of remediation: every step, from where, to where, for whom, what it asks for.

Pure data. The services take the steps, the pages offer them, ``docs/remediation.md`` prints them, and a test walks
all (state × step × role).
"""

from __future__ import annotations

from dataclasses import dataclass

from secops.findings.models import FindingState

S = FindingState
OPEN_STATES = (S.OPEN, S.PLANNED, S.IN_PROGRESS, S.SUBMITTED, S.RETURNED, S.VERIFIED)
# Not yet handed in: what an owner still has to do.
WORKING_STATES = (S.OPEN, S.RETURNED, S.PLANNED, S.IN_PROGRESS)

WORKERS = frozenset({"officer", "contact", "owner", "assessor"})
JUDGES = frozenset({"officer", "assessor"})
DECIDERS = frozenset({"officer"})


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the machine.

    ``target`` None leaves the state alone. ``other`` names whose person may not take it: ``submitter`` who handed
    the fix in, ``asker`` who asked for what is decided; that makes four eyes. ``request``: opens (``ask``) or ends
    a request of this kind.
    """

    sources: frozenset[FindingState]
    target: FindingState | None
    roles: frozenset[str]
    needs_note: bool = False
    other: str = ""
    request: str = ""


_WORKING = frozenset(WORKING_STATES)
_OPEN = frozenset(OPEN_STATES)
STEPS: dict[str, Step] = {
    "plan": Step(frozenset({S.OPEN, S.RETURNED}), S.PLANNED, WORKERS),
    "start": Step(frozenset({S.PLANNED}), S.IN_PROGRESS, WORKERS),
    "submit": Step(frozenset({S.PLANNED, S.IN_PROGRESS}), S.SUBMITTED, WORKERS, needs_note=True),
    "return": Step(frozenset({S.SUBMITTED, S.VERIFIED}), S.RETURNED, JUDGES, needs_note=True),
    "verify": Step(frozenset({S.SUBMITTED}), S.VERIFIED, JUDGES, needs_note=True, other="submitter"),
    "close": Step(frozenset({S.VERIFIED}), S.CLOSED, JUDGES),
    "false-positive": Step(
        frozenset({S.OPEN, S.PLANNED, S.IN_PROGRESS, S.RETURNED}), S.FALSE_POSITIVE, JUDGES, needs_note=True
    ),
    "reopen": Step(frozenset({S.CLOSED, S.FALSE_POSITIVE}), S.OPEN, JUDGES, needs_note=True),
    "ask-acceptance": Step(_WORKING, None, WORKERS, needs_note=True, request="acceptance"),
    "grant-acceptance": Step(_WORKING, S.RISK_ACCEPTED, DECIDERS, other="asker", request="acceptance"),
    "refuse-acceptance": Step(_WORKING, None, DECIDERS, needs_note=True, other="asker", request="acceptance"),
    "end-acceptance": Step(
        frozenset({S.RISK_ACCEPTED}), S.OPEN, DECIDERS, needs_note=True, request="acceptance"
    ),
    "ask-extension": Step(_WORKING, None, WORKERS, needs_note=True, request="extension"),
    "grant-extension": Step(_OPEN, None, DECIDERS, other="asker", request="extension"),
    "refuse-extension": Step(_OPEN, None, DECIDERS, needs_note=True, other="asker", request="extension"),
    "comment": Step(frozenset(S), None, WORKERS, needs_note=True),
}
ASKING = frozenset({"ask-acceptance", "ask-extension"})
DECIDING = frozenset({"grant-acceptance", "refuse-acceptance", "grant-extension", "refuse-extension"})
