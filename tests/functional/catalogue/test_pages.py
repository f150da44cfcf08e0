"""The catalogue browser: files only, both languages, every filter, and a page for every unit."""

from __future__ import annotations

import csv
import io
import re

import pytest

from controls.catalog import CRYPTO, MLPS_EVALUATION
from controls.loader import load_catalog
from secops.accounts.models import Role
from secops.catalogue.queries import catalogue_page, unit_rows
from secops.platform import Platform
from tests.support.page_checks import last_event, plain
from tests.support.platforms import Client, ClientAs


def _total(page: str) -> int:
    found = re.search(r"共 ([\d,]+) 条", plain(page))
    assert found is not None
    return int(found.group(1).replace(",", ""))


def _list(client: Client, query: str = "") -> str:
    answer = client.get(f"/catalogue/?{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("role", list(Role))
def test_every_account_may_browse(client_as: ClientAs, role: Role) -> None:
    """List and unit page open for every role; nobody gets in without an account."""
    client = client_as(role)
    assert client.get("/catalogue/").status_code == 200
    assert client.get("/catalogue/L3-CES1-01").status_code == 200
    assert client_as(None).get("/catalogue/").status_code == 302


def test_all_units_stand_in_the_list(client_as: ClientAs) -> None:
    """The list holds the units of both standards, and the figures on top are those of the filtered lists."""
    client = client_as(Role.OFFICER)
    catalog = load_catalog()
    assert _total(_list(client)) == len(catalog.units(MLPS_EVALUATION)) + len(catalog.units(CRYPTO))
    page = _list(client)
    for level, number in ((1, 55), (2, 135), (3, 211), (4, 228)):
        assert f">{number}<" in page
        assert _total(_list(client, f"framework={MLPS_EVALUATION}&level={level}&scope=general")) == number


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("q=l3-ces1-01", "L3-CES1-01"),
        ("q=8.1.4.1.a", "L3-CES1-01"),
        ("q=身份鉴别 第三&level=3", None),
        ("q=identity+authentication&level=3", "L3-CES1-01"),
        ("q=身份鉴别&level=3&class=CES", "L3-CES1-01"),
        ("scope=cloud&level=3", "L3-ABS2-01"),
        ("mark=A&level=2&layer=data", "L2-CES1-"),
    ],
)
def test_search_and_filters(client_as: ClientAs, query: str, wanted: str | None) -> None:
    """Words of either language, ids and clauses are found; filters narrow; what is unknown finds nothing."""
    page = _list(client_as(Role.OWNER), query)
    assert (wanted in page) if wanted else "没有符合条件的记录" in page


def test_filters_take_what_they_say(client_as: ClientAs) -> None:
    """Each row of a filtered list has the mark, the layer and the level that were asked for."""
    asked = {
        row.unit.id for row in unit_rows() if row.unit.mark.value == "S" and row.unit.level == 3 and row.rules
    }
    answer = client_as(Role.OFFICER).get("/catalogue/export?format=csv&mark=S&level=3&means=rules")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert {row["测评单元"] for row in rows} == asked
    assert {row["标识"] for row in rows} == {"S"}
    assert all(int(row["检查规则"]) > 0 for row in rows)


def test_sorting_by_rules_falls(client_as: ClientAs) -> None:
    """Sorted by number of rules, the largest comes first; a column that can't be sorted is ignored."""
    most = max(unit_rows(), key=lambda row: row.rules)
    page = _list(client_as(Role.OFFICER), "sort=-rules&size=25")
    first = re.search(r'data-href="/catalogue/([^"]+)"', page)
    assert first is not None
    found = next(row for row in unit_rows() if str(row.unit.id) == first.group(1))
    assert found.rules == most.rules
    assert client_as(Role.OFFICER).get("/catalogue/?sort=summary").status_code == 200


def test_a_unit_tells_how_it_is_examined(client_as: ClientAs) -> None:
    """Steps, verdict rule, family over the levels, hints, rules and high-risk cases stand on the page."""
    page = plain(client_as(Role.ASSESSOR).get("/catalogue/L3-CES1-01").get_data(as_text=True))
    found = catalogue_page("L3-CES1-01")
    for step in found.unit.steps:
        assert step.text.zh in page
    assert "全部 4 个步骤成立才为符合" in page
    for level in ("L1-CES1-01", "L2-CES1-01", "L4-CES1-01"):
        assert level in page
    for text in (found.family.evidence, found.family.holder, found.family.gaps):
        assert text.zh in page
    assert found.answers
    assert all(answer.rule.id in page for answer in found.answers)
    assert all(case.id in page for case in found.cases)


def test_what_is_new_at_a_level_is_told() -> None:
    """A family says where the requirement first stands and where it grows."""
    found = catalogue_page("L4-CES1-01")
    assert found.levels[0].change == "first"
    for before, now in zip(found.levels, found.levels[1:], strict=False):
        same = [unit.summary for unit in before.units] == [unit.summary for unit in now.units]
        assert (now.change == "more") == (not same)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_of_unit_has_a_page(client_as: ClientAs, language: str) -> None:
    """Extension units, crypto units, and the one unit without a requirement item are shown in both languages."""
    client = client_as(Role.OFFICER)
    client.get(f"/language/{language}")
    lone = next(row.unit for row in unit_rows() if row.unit.item is None)
    crypto = next(row.unit for row in unit_rows() if row.unit.framework == CRYPTO)
    for unit_id in ("L3-ABS2-01", str(lone.id), str(crypto.id)):
        answer = client.get(f"/catalogue/{unit_id}")
        assert answer.status_code == 200
        assert unit_id in answer.get_data(as_text=True)


def test_unknown_unit_is_not_found(client_as: ClientAs) -> None:
    """An id that no framework has gives 404."""
    for unit_id in ("L9-XXX1-01", "x", "L3-CES1-01'"):
        assert client_as(Role.OFFICER).get(f"/catalogue/{unit_id}").status_code == 404


def test_the_list_asks_nothing_of_the_store_but_the_account(client_as: ClientAs, query_recorder) -> None:  # type: ignore[no-untyped-def]
    """The catalogue reads files: the only statements are those that know who asks."""
    client = client_as(Role.OFFICER)
    engine = client.app.extensions["secops"].engine
    with query_recorder(engine) as index:
        client.get("/catalogue/?q=审计")
    with query_recorder(engine) as unit:
        client.get("/catalogue/L3-CES1-01")
    with query_recorder(engine) as other:
        client.get("/components/panel")
    assert index.count == unit.count <= other.count + 1, index.told()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_export_leaves_a_trace(client_as: ClientAs, platform: Platform, form: str) -> None:
    """The filtered set comes as a file and the export stands in the audit log."""
    answer = client_as(Role.INSPECTOR).get(f"/catalogue/export?format={form}&level=2")
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf" if form == "csv" else b"PK")
    noted = last_event(platform, "table.export")
    assert noted.object_id == "catalogue"
    assert noted.detail["filter"]["level"] == "2"
    assert client_as(Role.INSPECTOR).get("/catalogue/export?format=exe").status_code == 400
