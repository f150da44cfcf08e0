"""The read model goes to JSON and back without loss, and nothing damaged comes back as a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from reports import codec
from reports.errors import InvalidModel
from reports.read_model import Counts, PostureReport, Text
from tests.unit.reports.builders import empty_report, typical_report


@pytest.mark.parametrize("make", [empty_report, typical_report])
def test_a_report_survives_json(make: Callable[[], PostureReport]) -> None:
    """What was written reads back equal, and writes the same text again."""
    report = make()

    text = report.to_json()
    again = PostureReport.from_json(text)

    assert again == report
    assert again.to_json() == text


def test_numbers_and_times_travel_as_text() -> None:
    """Decimals, dates and times are strings in JSON, so no reader rounds or shifts them."""
    data = json.loads(typical_report().to_json())

    assert data["meta"]["generated_at"] == "2026-11-25T09:30:00+08:00"
    assert isinstance(data["summary"]["total"]["conformity_examined"], str)
    assert data["findings"][0]["opened_on"] == "2026-09-01"


def _set(path: tuple[str | int, ...], value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_set(("extra",), 1), "$"),
        (_set(("system", "level"), "3"), "$.system.level"),
        (_set(("system", "level"), True), "$.system.level"),
        (_set(("items", 0, "layer"), "cloud"), "$.items[0].layer"),
        (_set(("meta", "generated_at"), "yesterday"), "$.meta.generated_at"),
        (_set(("meta", "generated_at"), "2026-11-25T09:30:00"), "meta.generated_at"),
        (_set(("summary", "total", "conformity_examined"), "many"), "$.summary.total.conformity_examined"),
        (_set(("targets",), {}), "$.targets"),
        (_set(("system", "name"), None), "$.system.name"),
        (_set(("schema_version",), 2), "schema_version"),
    ],
)
def test_a_damaged_file_is_refused_where_it_is_damaged(change: Callable[[Any], None], where: str) -> None:
    """The error names the path of the first value that does not fit."""
    data = json.loads(typical_report().to_json())
    change(data)

    with pytest.raises(InvalidModel) as caught:
        PostureReport.from_json(json.dumps(data))

    assert caught.value.where == where


def test_a_missing_key_is_refused() -> None:
    """A key without default may not be absent."""
    with pytest.raises(InvalidModel, match="missing key: en"):
        codec.from_plain(Text, {"zh": "甲"})


def test_a_default_may_be_left_out() -> None:
    """Fields with a default are optional in a file."""
    assert codec.from_plain(Counts, {"partial": 2}) == Counts(partial=2)


def test_text_that_is_not_json_is_refused() -> None:
    """A cut file gives one clear error."""
    with pytest.raises(InvalidModel, match="not JSON"):
        PostureReport.from_json(typical_report().to_json()[:-5])


def test_a_foreign_type_is_refused() -> None:
    """A float never gets into a model unseen."""
    with pytest.raises(TypeError, match="float"):
        codec.to_plain(1.5)
