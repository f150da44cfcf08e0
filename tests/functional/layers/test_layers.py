"""The layer matrices: every cell from the same evidence, for the district, a department and a system, in scope only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence.models import Evidence, EvidenceLink
from secops.findings.models import Finding
from secops.layers.matrix import LAYERS, layer_matrix, units_by_family
from secops.layers.queries import Where, cell_state, facts
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.posture.models import PostureCell
from tests.support.builders import Rows
from tests.support.page_checks import counts_small_and_large, plain, two_departments
from tests.support.platforms import ClientAs

UNIT = "L3-CES1-28"  # confidentiality of stored data


def test_the_matrices_have_the_shape_of_the_plan() -> None:
    """Six by four, seven by four, three by five; every item stands in a cell and most rest on a requirement."""
    shapes = {
        key: (len(layer_matrix(key).matrix.rows), len(layer_matrix(key).matrix.columns)) for key in LAYERS
    }
    assert shapes == {"data": (6, 4), "application": (7, 4), "management": (3, 5)}
    for key in LAYERS:
        layer = layer_matrix(key)
        placed = sum(
            len(layer.cell(row.code, column.code))
            for row in layer.matrix.rows
            for column in layer.matrix.columns
        )
        assert placed == len(layer.items)
        assert all(family in units_by_family() for family in layer.families)
        assert sum(1 for one in layer.items if not one.families) <= 5


@pytest.fixture
def made(rows: Rows) -> dict[str, int]:
    """Two departments with a system each: one with a gap, a high finding and evidence that ends soon, one compliant."""
    one, two = two_departments(rows)
    ids = {"one": one, "two": two}
    for name, department in (("bad", one), ("good", two)):
        ids[name] = rows.one(
            System, department_id=department, code=name.upper(), name=name, level=3, profile="S3A3G3"
        )
    asset = rows.one(Asset, system_id=ids["bad"], kind="database")
    rows.one(PostureCell, system_id=ids["bad"], unit_id=UNIT, asset_id=asset, verdict="non_compliant")
    rows.one(PostureCell, system_id=ids["good"], unit_id=UNIT, asset_id=None, verdict="compliant")
    rows.one(
        Finding,
        system_id=ids["bad"],
        asset_id=asset,
        units=[UNIT],
        state="open",
        severity="high",
        layer="data",
    )
    rows.one(
        Finding,
        system_id=ids["bad"],
        asset_id=asset,
        units=[UNIT],
        state="closed",
        severity="high",
        rule_id="closed-rule",
    )
    evidence = rows.one(
        Evidence, system_id=ids["bad"], state="accepted", effective_until=utc_now().date() + timedelta(days=5)
    )
    rows.one(EvidenceLink, system_id=ids["bad"], evidence_id=evidence, unit_id=UNIT)
    return ids


def test_a_cell_counts_what_stands_behind_it(platform: Platform, made: dict[str, int]) -> None:
    """Verdicts, open findings, evidence and what ends soon, narrowed to system and department."""
    layer, today = layer_matrix("data"), utc_now().date()
    stored = layer.cell("STO", "TEC")
    with platform.work("test:layers") as session:
        whole = cell_state(stored, facts(session, layer, Where(), today))
        bad = cell_state(
            stored, facts(session, layer, Where(system=session.get_one(System, made["bad"])), today)
        )
        good = cell_state(
            stored, facts(session, layer, Where(system=session.get_one(System, made["good"])), today)
        )
    assert (whole.counts.non_compliant, whole.counts.compliant, whole.findings, whole.high) == (1, 1, 1, 1)
    assert (whole.evidence, whole.expiring) == (1, 1)
    assert (bad.tone, good.tone) == ("bad", "good")
    assert (good.findings, good.evidence) == (0, 0)


def test_matrix_and_cell_in_both_languages(client_as: ClientAs, made: dict[str, int]) -> None:
    """The matrix leads to the cell, the cell to the units of the system, with the registers' word beside them."""
    officer = client_as(Role.OFFICER)
    for key in LAYERS:
        assert officer.get(f"/layers/{key}/").status_code == 200
    page = officer.get(f"/layers/data/?system={made['bad']}").text
    assert f"/layers/data/STO/TEC?system={made['bad']}" in page
    words = plain(officer.get(f"/layers/data/STO/TEC?system={made['bad']}").text)
    for part in ("D-STO-TEC-1", UNIT, "不符合", "登记册", "平台自行解读，非官方"):
        assert part in words
    assert officer.get("/layers/nothing/").status_code == 404
    assert officer.get("/layers/data/STO/XXX").status_code == 404


def test_nobody_sees_more_than_the_own_scope(client_as: ClientAs, made: dict[str, int]) -> None:
    """A contact's matrix counts the own department only, whatever the address asks for."""
    contact = client_as(Role.CONTACT, department_id=made["two"])
    for address in (
        "/layers/data/",
        f"/layers/data/?department={made['one']}",
        f"/layers/data/?system={made['bad']}",
    ):
        words = plain(contact.get(address).text)
        assert "未关闭问题 0" in words, address


def test_a_matrix_costs_the_same_at_any_size(client_as: ClientAs, platform: Platform) -> None:
    """A fixed number of statements for twelve systems and for a thousand."""
    urls = ("/layers/data/", "/layers/management/", "/layers/data/STO/TEC")
    for url, (small, large) in counts_small_and_large(
        client_as(Role.OFFICER), platform.engine, *urls
    ).items():
        assert small == large <= 10, url
