"""JSON and CSV carry the whole model, and CSV starts no formula."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from reports.read_model import STATES, PostureReport
from reports.registry import renderer
from reports.text import neutral
from tests.unit.reports.builders import HOSTILE, empty_report, hostile_report, largest_report, typical_report

FILES = [
    *("report.csv", "summary.csv", "targets.csv", "items.csv", "results.csv"),
    *("findings.csv", "evidence.csv", "scans.csv", "trend.csv"),
]


def tables(model: PostureReport, language: str = "zh") -> dict[str, list[dict[str, str]]]:
    """Read all files of the archive."""
    content = renderer("csv_posture").render(model, language).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))
            for name in archive.namelist()
        }


def test_json_is_the_model() -> None:
    """What was written reads back as the same report."""
    model = largest_report()

    made = renderer("json_posture").render(model, "en")

    assert PostureReport.from_json(made.content) == model
    assert made.name.endswith(".json")


def test_json_of_hostile_strings_is_sound() -> None:
    """Even lone surrogates do not break the file."""
    content = renderer("json_posture").render(hostile_report(), "zh").content

    names = [target["name"] for target in json.loads(content)["targets"]]
    assert names == list(HOSTILE.values())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_csv_has_every_row(language: str) -> None:
    """Each part of the model has a file with as many rows as it has entries."""
    model = typical_report()
    found = tables(model, language)

    assert list(found) == FILES
    assert len(found["items.csv"]) == len(model.items)
    assert len(found["results.csv"]) == sum(len(item.cells) for item in model.items)
    assert len(found["findings.csv"]) == len(model.findings)
    assert [row["sm3"] for row in found["evidence.csv"]] == [row.sm3_hex for row in model.evidence]
    assert len(found["scans.csv"]) == len(model.scans)
    assert len(found["trend.csv"]) == len(model.trend)


def test_csv_keeps_spellings_and_reasons() -> None:
    """States are the spellings of the model; not examined always says why, and no other row does."""
    found = tables(typical_report())["results.csv"]

    assert {row["state"] for row in found} == set(STATES)
    assert all(bool(row["not_examined_because"]) is (row["state"] == "not_examined") for row in found)


def test_csv_figures_are_those_of_the_summary() -> None:
    """Counts and rates are printed, not counted again."""
    model = typical_report()
    whole = tables(model)["summary.csv"][0]

    assert [int(whole[state]) for state in STATES] == [
        model.summary.total.counts.of(state) for state in STATES
    ]
    assert whole["conformity_examined"] == str(model.summary.total.conformity_examined)
    assert whole["examined_percent"] == str(model.summary.examined_percent)


def test_csv_times_are_utc() -> None:
    """A program needs no zone to read them."""
    assert tables(typical_report())["evidence.csv"][0]["uploaded_at"] == "2026-11-25T01:30:00Z"


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_csv_neutralises_hostile_strings(name: str) -> None:
    """They come back as text, with an apostrophe before any formula lead."""
    names = [row["name"] for row in tables(hostile_report())["targets.csv"]]

    assert neutral(HOSTILE[name]) in names


def test_no_csv_cell_starts_like_a_formula() -> None:
    """Not one value of the hostile model begins with a lead."""
    for rows in tables(hostile_report()).values():
        for row in rows:
            assert not [value for value in row.values() if value.lstrip()[:1] in tuple("=+-@＝＋－＠")]


@pytest.mark.parametrize("renderer_id", ["json_posture", "csv_posture"])
def test_same_input_same_bytes(renderer_id: str) -> None:
    """Two runs give one file, for an empty model too."""
    for make in (empty_report, typical_report):
        first = renderer(renderer_id).render(make(), "zh").content
        assert renderer(renderer_id).render(make(), "zh").content == first
