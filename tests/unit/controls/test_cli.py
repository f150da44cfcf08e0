"""The commands over the catalogue: one JSON document of a stable shape, or one line and exit code 2."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controls.catalog import Text
from controls.crosswalk import Crosswalk, Pair
from controls.ids import FrameworkId
from controls.sources import PACKAGE_ROOT
from controls.terms import Origin, Relation
from secops.cli.main import run
from tests.unit.controls.crypto_example import example

Out = pytest.CaptureFixture[str]


def schema(name: str) -> Any:
    return json.loads((PACKAGE_ROOT / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))


def ask(capfd: Out, name: str, *argv: str) -> Any:
    """Run a command with --json: exit 0, nothing but one document that fits its schema."""
    code = run([*argv, "--json"])
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    document = json.loads(out)
    jsonschema.validate(document, schema(name))
    return document


def refused(capfd: Out, *argv: str) -> str:
    """Run a command that must end with exit code 2 and one line on standard error."""
    code = run(list(argv))
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("path", sorted((PACKAGE_ROOT / "schema").glob("*.json")), ids=lambda path: path.name)
def test_schemas_are_schemas(path: Path) -> None:
    """Every published schema is itself sound and named like its file."""
    document = json.loads(path.read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$id"] == path.name


def test_frameworks(capfd: Out) -> None:
    """All frameworks with title, edition, levels and counts."""
    found = {
        one["id"]: one for one in ask(capfd, "catalog-frameworks", "catalog", "frameworks")["frameworks"]
    }

    assert found["gbt-22239-2019"]["counts"]["3"]["general"]["items"] == 211
    assert found["gbt-28448-2019"]["counts"]["3"]["iot"]["units"] == 21
    assert found["gbt-39786-2021"]["counts"]["2"]["general"] == {"items": 27, "units": 27}
    assert found["gbt-22239-2019"]["levels"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("argv", "count"),
    [
        (["--level", "3"], 211),
        (["--level", "2"], 135),
        (["--level", "3", "--profile", "S2A3G3"], 202),
        (["--profile", "S2A3G3"], 202),
        (["--level", "3", "--ext", "cloud"], 257),
        (["--level", "3", "--ext", "cloud", "--ext", "iot"], 277),
        (["--level", "3", "--scope", "cloud"], 46),
        (["--level", "3", "--ext", "iot", "--scope", "general"], 211),
    ],
)
def test_items(capfd: Out, argv: list[str], count: int) -> None:
    """Items by level, profile, extension and scope."""
    found = ask(capfd, "catalog-items", "catalog", "items", "--framework", "gbt-22239-2019", *argv)

    assert found["count"] == len(found["items"]) == count
    for one in found["items"]:
        assert one["id"] == one["clause"] + (f".{one['letter']}" if one["letter"] else "")


def test_profile_keeps_lower_clauses(capfd: Out) -> None:
    """Under S2A3G3 the S items carry their level-2 clauses and ids."""
    found = ask(capfd, "catalog-items", "catalog", "items", "--level", "3", "--profile", "S2A3G3")

    assert {one["id"][:2] for one in found["items"] if one["mark"] == "S"} == {"7."}
    assert {one["id"][:2] for one in found["items"] if one["mark"] != "S"} == {"8."}


def test_units(capfd: Out) -> None:
    """Units with the clauses of both standards, steps counted, rule spelled as in the data."""
    found = ask(capfd, "catalog-units", "catalog", "units", "--level", "3", "--ext", "iot")
    by_id = {one["id"]: one for one in found["units"]}

    assert found["count"] == 232
    assert by_id["L3-CES1-01"]["clause_28448"] == "8.1.4.1.1"
    assert (by_id["L3-CES1-01"]["clause_22239"], by_id["L3-CES1-01"]["letter"]) == ("8.1.4.1", "a")
    assert by_id["L3-CES1-01"]["steps"] == len(by_id["L3-CES1-01"]["step_texts"])
    assert by_id["L3-CES1-23"]["rule"] == [["1", "3"], ["2", "3"]]
    assert by_id["L3-CES4-04"]["item"] is None


def test_crypto_units(capfd: Out) -> None:
    """Units of the crypto standard carry the numbers the scoring input uses, with strength and weights."""
    found = ask(capfd, "catalog-units", "catalog", "units", "--framework", "gbt-39786-2021", "--level", "3")
    by_id = {one["id"]: one for one in found["units"]}

    assert found["count"] == 41
    assert [unit["id"] for unit in example()["units"]] == list(by_id)
    assert by_id["6.2.1"]["strength"] == "shall"
    assert by_id["6.2.4"]["weights"] == {"2021": 0.7, "2023": 0.4}
    assert by_id["6.2.4"]["key"] == "L3-6.2.4"


def test_diff(capfd: Out) -> None:
    """What is new from one level to the next, as items or as units."""
    items = ask(capfd, "catalog-diff", "catalog", "diff", "--from", "2", "--to", "3")
    units = ask(
        capfd, "catalog-diff", "catalog", "diff", "--framework", "gbt-28448-2019", "--from", "2", "--to", "3"
    )
    cloud = ask(capfd, "catalog-diff", "catalog", "diff", "--from", "2", "--to", "3", "--ext", "cloud")

    assert all(one.startswith("8.1.") for one in items["added"])
    assert all(one.startswith("L3-") for one in units["added"])
    assert len(cloud["added"]) > len(items["added"])
    assert all(one["from"].startswith("7.") and one["to"].startswith("8.") for one in items["changed"])


def test_map(capfd: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mappings in either direction, with what stays uncovered."""
    left, right = FrameworkId("gbt-39786-2021"), FrameworkId("gbt-22239-2019")
    pair = Pair("8.2.b", "8.1.2.2.a", Relation.SUBSET, Text("理由", "because"))
    known = (Crosswalk(left, right, "1", Origin.ORGANISATION, (pair,)),)
    monkeypatch.setattr("controls.crosswalk._loaded", lambda: known)

    there = ask(capfd, "catalog-map", "catalog", "map", "--from", left, "--to", right, "--level", "3")
    back = ask(capfd, "catalog-map", "catalog", "map", "--from", right, "--to", left, "--id", "8.1.2.2.a")

    assert [(one["from"], one["to"], one["relation"]) for one in there["pairs"]] == [
        ("8.2.b", "8.1.2.2.a", "subset")
    ]
    assert len(there["uncovered_from"]) == 40
    assert "8.1.2.2.a" not in there["uncovered_to"]
    assert [(one["from"], one["relation"]) for one in back["pairs"]] == [("8.1.2.2.a", "superset")]
    assert back["uncovered_from"] == []


def test_no_map(capfd: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frameworks without a way between them are refused."""
    monkeypatch.setattr("controls.crosswalk._loaded", lambda: ())

    assert "没有映射" in refused(
        capfd, "catalog", "map", "--from", "gbt-39786-2021", "--to", "gbt-22239-2019"
    )


@pytest.mark.parametrize(
    ("argv", "count"), [(["2"], 16), (["3"], 40), (["4"], 42), (["3", "--ext", "ics"], 49)]
)
def test_highrisk(capfd: Out, argv: list[str], count: int) -> None:
    """High-risk cases per level, conditional ones included."""
    found = ask(capfd, "highrisk", "highrisk", "--level", *argv)

    assert found["count"] == len(found["cases"]) == count
    assert all(one["units"] for one in found["cases"])


def test_classify(capfd: Out) -> None:
    """Classification names its rule set, version, what decided, and the next dates."""
    argv = ["classify", "--rule-set", "filing-form-2025", "--business", "national:general"]
    found = ask(
        capfd,
        "classify",
        *argv,
        "--business",
        "citizens:severe",
        "--service",
        "public:severe",
        "--carries",
        "5",
    )

    assert (found["s"], found["a"], found["level"], found["profile"]) == (4, 3, 4, "S4A3G4")
    assert found["deciding"]["business"]["object"] == "national"
    assert found["origin"] == "single-source"
    assert [one["key"] for one in found["minimums"] if not one["met"]] == ["carried"]
    assert {"filing", "evaluation"} <= {one["key"] for one in found["next_dates"]}


MLPS = {
    "y": 0.5,
    "multi_object_rule": "set",
    "rate_edge": "inclusive",
    "items": [
        {"id": "8.1.4.1.a", "class": "CES", "importance": "key", "objects": ["compliant", "non_compliant"]},
        {"id": "8.1.4.1.b", "class": "CES", "importance": "normal", "objects": ["compliant"]},
        {"id": "8.1.10.1.a", "class": "MMS", "importance": "important", "objects": ["na"]},
    ],
    "risks": {"high": 0, "medium": 0, "major": 0, "major_fixed": 0},
}


def file(folder: Path, document: Any) -> str:
    path = folder / "input.json"
    text = document if isinstance(document, str) else json.dumps(document, default=float)
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("edition", "score", "rate", "conclusion"),
    [("2019", 58.33, None, "差"), ("2021", 50.0, 50.0, "差"), ("2025", None, 50.0, "不符合")],
)
def test_score(
    capfd: Out, tmp_path: Path, edition: str, score: float | None, rate: float | None, conclusion: str
) -> None:
    """One input under each MLPS edition; figures an edition does not know are null."""
    jsonschema.validate(MLPS, schema("score-mlps-input"))

    found = ask(capfd, "score-mlps-output", "score", "--edition", edition, file(tmp_path, MLPS))

    assert (found["score"], found["rate"], found["conclusion"]) == (score, rate, conclusion)
    assert found["explanation"][0]["id"] == "8.1.4.1.a"


def test_score_keeps_numbers_exact(capfd: Out, tmp_path: Path) -> None:
    """A share like 0.1 is read as one tenth, not as the nearest binary number."""
    document = {**MLPS, "y": 0.1, "items": [{**MLPS["items"][2], "objects": ["compliant"]}]}  # type: ignore[index]

    found = ask(capfd, "score-mlps-output", "score", "--edition", "2021", file(tmp_path, document))

    assert (found["technical"], found["management"]) == (10.0, 90.0)


@pytest.mark.parametrize(("edition", "score"), [("crypto-2023", 63.83), ("crypto-2021", 62.48)])
def test_score_crypto(capfd: Out, tmp_path: Path, edition: str, score: float) -> None:
    """The crypto example under both rules."""
    document = json.loads(json.dumps(example(), default=float), parse_float=Decimal)
    jsonschema.validate(json.loads(json.dumps(document, default=float)), schema("score-crypto-input"))

    found = ask(capfd, "score-crypto-output", "score", "--edition", edition, file(tmp_path, example()))

    assert found["score"] == score


def test_score_crypto_without_total(capfd: Out, tmp_path: Path) -> None:
    """A whole group that is na gives null and the reason."""
    document = copy.deepcopy(example(without=("7.",)))

    found = ask(capfd, "score-crypto-output", "score", "--edition", "crypto-2023", file(tmp_path, document))

    assert (found["score"], found["conclusion"]) == (None, None)
    assert found["reason"]["zh"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["catalog", "items", "--level", "5"], "GA/T 2182-2024"),
        (["catalog", "units", "--level", "5"], "GA/T 2182-2024"),
        (["catalog", "units", "--level", "0"], "gbt-28448-2019"),
        (["catalog", "items"], "--level"),
        (["catalog", "items", "--level", "3", "--profile", "S2A2G2"], "S2A2G2"),
        (["catalog", "items", "--level", "3", "--profile", "S3A3G2"], "S3A3G2"),
        (["catalog", "items", "--level", "3", "--ext", "quantum"], "quantum"),
        (["catalog", "items", "--level", "3", "--scope", "quantum"], "quantum"),
        (["catalog", "items", "--level", "x"], "--level"),
        (["catalog", "items", "--framework", "gbt-1-1", "--level", "3"], "gbt-1-1"),
        (["catalog", "items", "--framework", "gbt-39786-2021", "--level", "3", "--ext", "cloud"], "--ext"),
        (["catalog", "units", "--framework", "gbt-39786-2021"], "--level"),
        (["catalog", "diff", "--from", "2", "--to", "9"], "9"),
        (
            ["catalog", "diff", "--framework", "gbt-39786-2021", "--from", "2", "--to", "3", "--ext", "iot"],
            "gbt-39786",
        ),
        (["catalog", "map", "--from", "gbt-1-1", "--to", "gbt-22239-2019"], "gbt-1-1"),
        (
            ["catalog", "map", "--from", "gbt-22239-2019", "--to", "gbt-39786-2021", "--id", "9.9.9.9"],
            "9.9.9.9",
        ),
        (["highrisk", "--level", "5"], "1"),
        (["highrisk", "--level", "1"], "适用"),
        (["classify", "--business", "public", "--service", "public:severe"], "public:severe"),
        (["classify", "--business", "public:awful", "--service", "public:severe"], "$.business[0]"),
        (["classify", "--service", "public:severe"], "--business"),
        (
            ["classify", "--rule-set", "old", "--business", "public:severe", "--service", "public:severe"],
            "old",
        ),
    ],
)
def test_bad_requests(capfd: Out, argv: list[str], words: str) -> None:
    """What cannot be answered gives one line and exit code 2."""
    assert words in refused(capfd, *argv)


@pytest.mark.parametrize(
    ("document", "edition", "words"),
    [
        ("{", "2021", "line 1 column 2"),
        ('{"y": NaN, "items": []}', "2021", "NaN"),
        ("[1]", "2021", "$"),
        ({**MLPS, "y": 2}, "2021", "$.y"),
        ({**MLPS, "items": [{**MLPS["items"][0], "objects": ["good"]}]}, "2025", "$.items[0].objects[0]"),  # type: ignore[index]
        ({**MLPS, "items": [MLPS["items"][2]]}, "2019", "$.items"),  # type: ignore[index]
        (MLPS, "2020", "2020"),
        (MLPS, "crypto-2023", "$."),
        ({**example(), "level": 4.5}, "crypto-2023", "$.level"),
        ("[" * 100000, "2021", "$"),
    ],
)
def test_bad_score_input(capfd: Out, tmp_path: Path, document: Any, edition: str, words: str) -> None:
    """A bad document gives one line with file, path and what was expected."""
    path = file(tmp_path, document)

    message = refused(capfd, "score", "--edition", edition, path)

    assert words in message
    assert path in message or edition == "2020"


def test_score_of_a_file_that_is_not_there(capfd: Out, tmp_path: Path) -> None:
    """A missing file and one that is no text are named."""
    missing = str(tmp_path / "gone.json")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe")

    assert missing in refused(capfd, "score", "--edition", "2021", missing)
    assert "UTF-8" in refused(capfd, "score", "--edition", "2021", str(binary))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["catalog", "frameworks"], "gbt-39786-2021"),
        (["catalog", "items", "--level", "3"], "身份鉴别"),
        (["catalog", "units", "--level", "2", "--lang", "en"], "Identity authentication"),
        (["catalog", "diff", "--from", "1", "--to", "2"], "新增"),
        (["highrisk", "--level", "3", "--lang", "en"], "No two-factor authentication"),
        (["classify", "--business", "public:severe", "--service", "public:severe"], "S3A3G3"),
    ],
)
def test_tables_for_people(capfd: Out, argv: list[str], words: str) -> None:
    """Without --json there is a table in the language asked for."""
    code = run(argv)

    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    assert words in out


def test_score_for_people(capfd: Out, tmp_path: Path) -> None:
    """Without --json the figures, the dearest items and what is not official are shown."""
    assert run(["score", "--edition", "2021", file(tmp_path, MLPS)]) == 0
    assert run(["score", "--edition", "crypto-2023", file(tmp_path, example(without=("7.",)))]) == 0

    out = capfd.readouterr().out
    assert "8.1.4.1.a" in out
    assert "非官方" in out
    assert "需人工判断" in out


def test_nothing_heavy_is_loaded() -> None:
    """The commands load neither the web framework nor the database layer."""
    program = (
        "import sys; from secops.cli.main import run; code = run(['catalog', 'items', '--level', '3', '--json']); "
        "heavy = {'flask', 'sqlalchemy', 'celery', 'flask_appbuilder', 'rich'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr); sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr.strip()) == (0, "[]")
