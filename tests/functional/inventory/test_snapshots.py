"""A register becomes evidence: sealed as it stands, linked to its unit, waiting for acceptance."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from secops.accounts.models import Role
from secops.evidence.models import Evidence, EvidenceLink
from secops.evidence.services import read_all
from secops.inventory.models import KeyPost
from secops.objects.models import Department, System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.platforms import ClientAs

UNIT = "L3-HRS1-02"


def test_the_rows_are_sealed_and_linked(platform: Platform, rows: Rows, client_as: ClientAs) -> None:
    """The file holds the register's rows of the department; a formula stays text; the receipt names the giver."""
    department = rows.one(Department)
    system = rows.one(System, department_id=department, level=3, profile="S3A3G3", code="REG-1")
    rows.one(
        KeyPost, department_id=department, person="=cmd|'x'", post="数据库管理员", checked_on=date(2026, 3, 1)
    )
    client = client_as(Role.OFFICER)
    page = client.get(f"/systems/{system}/items/{UNIT}").get_data(as_text=True)
    assert "作为证据封存" in page
    assert client.post(f"/systems/{system}/items/{UNIT}/register").status_code == 302
    with platform.work("test:look") as session:
        found = session.scalars(select(Evidence)).one()
        assert (found.source.value, found.state.value, found.effective_until is not None) == (
            "register",
            "submitted",
            True,
        )
        assert session.scalars(select(EvidenceLink.unit_id)).all() == [UNIT]
        text = read_all(platform, found).decode("utf-8-sig")
    assert "数据库管理员" in text
    assert "'=cmd" in text


def test_an_empty_register_is_no_evidence(platform: Platform, rows: Rows, client_as: ClientAs) -> None:
    """Nothing registered, a unit no register speaks to, a reader: nothing is sealed."""
    system = rows.one(System, level=3, profile="S3A3G3", code="REG-2")
    client = client_as(Role.OFFICER)
    for unit in (UNIT, "L3-PES1-01"):
        assert client.post(f"/systems/{system}/items/{unit}/register").status_code == 302
    assert client.post(f"/systems/{system}/items/L3-XXX1-01/register").status_code == 404
    assert client_as(Role.INSPECTOR).post(f"/systems/{system}/items/{UNIT}/register").status_code == 403
    with platform.work("test:look") as session:
        assert session.scalars(select(Evidence)).all() == []
