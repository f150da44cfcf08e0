"""The crypto report against the store: the chosen rule's stored figures, the other rule over the same records."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from controls.loader import load_catalog
from controls.scoring import Edition
from controls.scoring.crypto import score_crypto
from controls.scoring.crypto_document import crypto_input
from secops.accounts.models import Role
from secops.assessments import closing
from secops.assessments.deciding import Decision, decide
from secops.assessments.models import AssessmentRecord
from secops.clock import utc_now
from secops.errors import BadInput
from secops.jobs.models import Job
from secops.objects.models import System
from secops.reporting.handlers import build_model
from tests.functional.assessments.conftest import Bench
from tests.support.platforms import ClientAs

KINDS = ("server", "application", "document", "room", "link")


def _model(bench: Bench, language: str = "zh") -> Any:
    with bench.work() as (session, found, _):
        asked = {"kind": "crypto", "number": "N-1", "language": language, "assessment_id": found.id}
        return build_model(session, session.get_one(System, found.system_id), asked, now=utc_now(), zone="Asia/Shanghai")  # fmt: skip


def _decide_all(bench: Bench) -> None:
    with bench.work() as (session, found, frame):
        for unit_id, target_id in list(frame.cells()):
            management = unit_id.startswith("L3-7")
            crypto = (
                None if management else {"d": True, "a": unit_id != "L3-6.1.1", "k": unit_id != "L3-6.2.1"}
            )
            what = Decision(unit_id, target_id, 0, verdict="compliant" if management else None, text="核查密码应用方案", crypto=crypto)  # fmt: skip
            decide(session, found, frame, what, now=utc_now())


def test_both_rules_over_the_same_records(make_bench: Callable[..., Bench]) -> None:
    """Score, layers, units and costs are those of the scoring; every record of the store stands in the report."""
    bench = make_bench(kinds=KINDS, edition="crypto-2023")
    _decide_all(bench)
    with bench.work() as (session, found, frame):
        closing.close(session, found, frame, now=utc_now())
        stored = found.result
        rows = session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.assessment_id == found.id)
        ).all()
    model = _model(bench)
    chosen, other = model.rules
    assert (chosen.is_chosen, other.is_chosen) == (True, False)
    assert chosen.score == Decimal(str(stored["output"]["score"]))
    assert chosen.conclusion.zh == stored["output"]["conclusion"]
    again = score_crypto(Edition.CRYPTO_2021, load_catalog(), crypto_input(stored["scoring"]))
    assert other.score == again.score != chosen.score
    assert other.layers == tuple(again.layers.values())
    costs = {one.id: one.cost for one in again.explanation}
    by_number = {one.number: one for one in model.units}
    assert {number: one.costs[1] for number, one in by_number.items() if one.costs[1]} == costs
    assert sum(len(one.judged) for one in model.units) == len(rows)
    assert {one.text for unit in model.units for one in unit.judged} == {"核查密码应用方案"}
    assert (by_number["6.1.1"].verdict, by_number["6.1.1"].judged[0].a) == ("partial", False)
    assert model.counts.examined == model.counts.total == 41


def test_while_it_runs_there_is_no_score(make_bench: Callable[..., Bench]) -> None:
    """What is missing is told in the report's language; another kind of assessment is refused."""
    model = _model(make_bench(kinds=KINDS, edition="crypto-2021"), "en")
    assert [one.score for one in model.rules] == [None, None]
    assert "41 units are not examined" in model.rules[1].why_none.en
    assert model.closed_at is None


def test_another_edition_is_refused(make_bench: Callable[..., Bench]) -> None:
    """An MLPS assessment has no crypto report."""
    with pytest.raises(BadInput, match="crypto kind"):
        _model(make_bench())


def test_the_page_asks_for_the_crypto_report(make_bench: Callable[..., Bench], client_as: ClientAs) -> None:
    """The conclusion page of a crypto assessment offers its own report."""
    bench = make_bench(kinds=KINDS, edition="crypto-2023")
    client = client_as(Role.ASSESSOR)
    base = f"/assessments/{bench.assessment_id}"
    page = next(one for one in (f"{base}/result/", f"{base}/result") if client.get(one).status_code == 200)
    assert 'value="pdf_crypto"' in client.get(page).text
    client.post(f"{base}/report", data={"forms": ["pdf_crypto"], "language": "zh"})
    with bench.platform.work("test:look") as session:
        (job,) = session.scalars(select(Job).where(Job.kind == "report")).all()
    assert (job.payload["kind"], job.payload["renderers"]) == ("crypto", ["pdf_crypto"])
