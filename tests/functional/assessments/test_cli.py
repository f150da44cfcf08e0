"""``secops assessment`` from the console: create, decide, check, close, export; and what ``secops score`` says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secops.cli.main import run
from secops.objects.models import Asset, System
from secops.platform import Platform
from tests.support.builders import Rows


@pytest.fixture
def console(platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """``console("assessment", "list")`` gives exit code and JSON."""
    monkeypatch.setenv("SECOPS_HOME", str(platform.settings.home))
    monkeypatch.setenv("SECOPS_LANGUAGE", "zh")

    def call(*words: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run([*words, "--json"])
        streams = capsys.readouterr()
        return code, json.loads(streams.out) if streams.out.strip() else None, streams.err

    return call


@pytest.fixture
def system(rows: Rows) -> int:
    made = rows.one(System, level=3, profile="S3A3G3", code="CLI-1", name="命令行系统")
    rows.one(Asset, system_id=made, kind="database", name="db-1", importance="key")
    return made


def test_from_start_to_the_stored_conclusion(console: Any, system: int, tmp_path: Path) -> None:
    """The exported scoring input gives the stored conclusion, edition by edition."""
    for edition in ("2019", "2021", "2025"):
        code, made, _ = console("assessment", "create", "--system", "CLI-1", "--edition", edition)
        assert (code, made["units"], made["profile"]) == (0, 211, "S3A3G3")
        number = str(made["id"])
        units = [{"unit": "L3-PES1-01", "target": None, "verdict": "compliant", "text": "现场查看"},
                 {"unit": "L3-PES1-02", "target": None, "verdict": "non_compliant", "text": "位于顶层"},
                 {"unit": "L3-CES1-01", "target": "db-1", "verdict": "compliant", "text": "核查配置", "methods": ["E", "T"]}]  # fmt: skip
        file = tmp_path / f"{edition}.json"
        file.write_text(
            json.dumps(
                {"records": units, "risks": [{"unit": "L3-PES1-02", "likelihood": "low", "impact": "medium"}]}
            ),
            encoding="utf-8",
        )
        assert console("assessment", "decide", number, str(file))[:2] == (
            0,
            {"records": 3, "risks": 1, "compensations": 0},
        )
        checks = {one["id"]: one["count"] for one in console("assessment", "check", number)[1]["checks"]}
        assert (checks["not-examined"], checks["na-not-approved"]) == (made["cells"] - 3, 0)
        code, closed, _ = console("assessment", "close", number)
        assert (code, closed["state"]) == (0, "closed")
        document = console("assessment", "export", number)[1]
        scoring = tmp_path / f"scoring-{edition}.json"
        scoring.write_text(json.dumps(document["scoring"]), encoding="utf-8")
        code, scored, _ = console("score", "--edition", edition, str(scoring))
        assert code == 0
        assert (scored["conclusion"], scored["rate"], scored["score"]) == (
            closed["conclusion"],
            closed["rate"],
            closed["score"],
        )
    assert [one["state"] for one in console("assessment", "list")[1]["assessments"]] == ["closed"] * 3


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "$"),
        ({"record": []}, "$.record"),
        ({"records": {}}, "$.records"),
        ({"records": [{"unit": "L3-XXX1-01"}]}, "$.records[0].unit"),
        (
            {"records": [{"unit": "L3-CES1-01", "target": "db-9", "verdict": "compliant"}]},
            "$.records[0].target",
        ),
        ({"records": [{"unit": "L3-PES1-01", "verdict": "good"}]}, "$.records[0]"),
        (
            {"records": [{"unit": "L3-PES1-01", "verdict": "compliant"}, {"unit": "L3-PES1-02", "text": 5}]},
            "$.records[1]",
        ),
        ({"risks": [{"unit": "L3-PES1-01", "likelihood": "often", "impact": "low"}]}, "$.risks[0]"),
        (
            {
                "compensations": [
                    {
                        "unit": "L3-PES1-01",
                        "by_unit": "L3-PES1-02",
                        "verdict": "compliant",
                        "reason": "另有措施",
                    }
                ]
            },
            "$.compensations[0]",
        ),
    ],
)
def test_a_wrong_entry_writes_nothing(
    console: Any, system: int, tmp_path: Path, document: Any, place: str
) -> None:
    """Exit code 2, one line that names the place, no record."""
    number = str(console("assessment", "create", "--system", "CLI-1", "--edition", "2025")[1]["id"])
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    code, _, err = console("assessment", "decide", number, str(file))
    assert code == 2
    assert place in err
    assert console("assessment", "export", number)[1]["records"] == []


def test_refusals_say_what_to_do(console: Any, system: int, tmp_path: Path) -> None:
    """Unknown system, edition, file, id; closing with nothing decided."""
    assert console("assessment", "create", "--system", "NOPE")[0] != 0
    assert console("assessment", "create", "--system", "CLI-1", "--edition", "2018")[0] == 2
    number = str(console("assessment", "create", "--system", "CLI-1")[1]["id"])
    assert console("assessment", "decide", number, str(tmp_path / "none.json"))[0] == 2
    assert console("assessment", "close", number)[0] == 2
    assert console("assessment", "close", "999")[0] != 0


def test_the_report_of_an_assessment(console: Any, system: int, tmp_path: Path) -> None:
    """Kinds are listed, the report is written in the chosen form with the stored figures, wrong requests are refused."""
    kinds = {one["id"]: one["formats"] for one in console("report", "kinds")[1]["kinds"]}
    assert {"docx", "pdf", "xlsx"} <= set(kinds["assessment-2025"])
    number = str(console("assessment", "create", "--system", "CLI-1", "--edition", "2025")[1]["id"])
    file = tmp_path / "d.json"
    file.write_text(
        json.dumps(
            {
                "records": [
                    {"unit": "L3-PES1-01", "verdict": "non_compliant", "text": "机房渗水"},
                    {"unit": "L3-PES1-02", "verdict": "compliant", "text": "合适"},
                ]
            }
        ),
        encoding="utf-8",
    )
    console("assessment", "decide", number, str(file))
    console("assessment", "close", number)
    code, done, _ = console(
        "report",
        "build",
        "assessment-2025",
        "--assessment",
        number,
        "--format",
        "xlsx",
        "--out",
        str(tmp_path),
    )
    assert code == 0
    import openpyxl

    book = openpyxl.load_workbook(done["files"][0])
    text = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    exported = console("assessment", "export", number)[1]
    assert exported["results"]["rate"] in text
    assert exported["results"]["conclusion"] in text
    assert "机房渗水" in text
    assert console("report", "build", "assessment-2025", "--system", "CLI-1")[0] == 2
    assert console("report", "build", "assessment-2025", "--assessment", number, "--format", "odt")[0] == 2
    assert console("report", "build", "nothing", "--system", "CLI-1")[0] == 2
    assert console("report", "build", "assessment-2025", "--assessment", "999")[0] != 0
