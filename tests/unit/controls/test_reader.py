"""Data files are read strictly, and what is wrong is named by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from controls.errors import DataError
from controls.reader import Cursor, read_csv, read_yaml


def cursor(folder: Path, text: str) -> Cursor:
    path = folder / "sample.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path, "sample.yaml").cursor()


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 1, "a key stands twice"),
        ("a: 1\nb: {c: [1, 2\n", 3, "expected"),
        ("a: !!python/object:os.system x\n", 1, "could not determine a constructor"),
    ],
)
def test_no_yaml(tmp_path: Path, text: str, line: int, problem: str) -> None:
    """Double keys, broken YAML and tags that would run code are refused with their line."""
    with pytest.raises(DataError) as caught:
        cursor(tmp_path, text)

    assert caught.value.line == line
    assert problem in caught.value.problem


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a data error without a line."""
    with pytest.raises(DataError, match=r"^gone.yaml: No such file"):
        read_yaml(tmp_path / "gone.yaml", "gone.yaml")


def test_line_of_a_wrong_value(tmp_path: Path) -> None:
    """The line of the wrong value is found although the file was parsed without positions."""
    root = cursor(tmp_path, "list:\n- name: {zh: 甲, en: A}\n- name:\n    zh: 乙\n    en: 乙\n")

    with pytest.raises(DataError) as caught:
        list(root.at("list").each())[1].at("name").text()

    assert str(caught.value) == "sample.yaml:5 list.1.name.en: must not contain Chinese"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("t: 1", "must have exactly zh and en"),
        ("t: {zh: 甲}", "must have exactly zh and en"),
        ("t: {zh: 甲, en: A, fr: B}", "must have exactly zh and en"),
        ("t: {zh: 甲, en: ' '}", "zh and en must be texts"),
        ("t: {zh: abc, en: A}", "must be Chinese"),
    ],
)
def test_texts(tmp_path: Path, text: str, problem: str) -> None:
    """A text has both languages, each in its own letters."""
    with pytest.raises(DataError, match=problem):
        cursor(tmp_path, text).at("t").text()


@pytest.mark.parametrize(
    ("text", "read", "problem"),
    [
        ("[]", lambda c: c.at("x"), "must be a mapping"),
        ("{y: 1}", lambda c: c.at("x"), "is missing"),
        ("{y: 1}", lambda c: c.only("x"), "is not a known key"),
        ("[]", lambda c: c.only("x"), "must be a mapping"),
        ("[]", lambda c: list(c.each()), "at least one entry"),
        ("[1]", lambda c: list(c.entries()), "must be a mapping"),
        ("{x: ' '}", lambda c: c.at("x").string(), "must be a text"),
        ("{x: true}", lambda c: c.at("x").integer(), "must be a whole number"),
        ("{x: 1}", lambda c: c.at("x").boolean(), "must be true or false"),
    ],
)
def test_shapes(tmp_path: Path, text: str, read: object, problem: str) -> None:
    """Each reader refuses what has another shape."""
    with pytest.raises(DataError, match=problem):
        read(cursor(tmp_path, text))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,c\n1,2\n", "sample.csv:1: the columns must be a,b"),
        ("a,b\n1,2\n3\n", "sample.csv:3: has 1 fields instead of 2"),
    ],
)
def test_tables(tmp_path: Path, text: str, message: str) -> None:
    """A table has exactly its columns and rows of one width."""
    path = tmp_path / "sample.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(DataError) as caught:
        read_csv(path, "sample.csv", ["a", "b"])

    assert str(caught.value) == message


def test_missing_table(tmp_path: Path) -> None:
    """A table that is not there is a data error."""
    with pytest.raises(DataError, match="No such file"):
        read_csv(tmp_path / "gone.csv", "gone.csv", ["a"])
