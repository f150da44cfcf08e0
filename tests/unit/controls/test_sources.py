"""The compiled form is used only while it is fresh and sound."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from controls import compile as compile_module
from controls.errors import DataError
from controls.sources import Sources, digest, package_sources, read_compiled, write_compiled


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "package" / "rulesets"
    folder.mkdir(parents=True)
    (folder / "one.yaml").write_text("name: {zh: 甲, en: A}\n", encoding="utf-8")
    return tmp_path / "package"


def test_round_trip(root: Path, tmp_path: Path) -> None:
    """What was compiled is what the sources say."""
    file = tmp_path / "out" / "sources.marshal"

    size = write_compiled(file, root)

    assert file.stat().st_size == size
    compiled = read_compiled(file, root)
    assert compiled == {"rulesets/one.yaml": {"name": {"zh": "甲", "en": "A"}}}
    (root / "rulesets" / "one.yaml").unlink()
    assert Sources(root, compiled).document("rulesets/one.yaml").data["name"]["en"] == "A"


def test_stale(root: Path, tmp_path: Path) -> None:
    """A changed, touched or new source makes the compiled form stale."""
    file = tmp_path / "sources.marshal"
    source = root / "rulesets" / "one.yaml"
    write_compiled(file, root)
    before = digest(root)

    os.utime(source, ns=(1, 1))
    touched = digest(root)
    (root / "rulesets" / "two.yaml").write_text("a: 1\n", encoding="utf-8")

    assert len({before, touched, digest(root)}) == 3
    assert read_compiled(file, root) is None


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:-4] + b"\xff\xff\xff\xff"])
def test_damaged(root: Path, tmp_path: Path, damage: object) -> None:
    """A damaged file is passed over, never unmarshalled."""
    file = tmp_path / "sources.marshal"
    write_compiled(file, root)

    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]

    assert read_compiled(file, root) is None


def test_absent(root: Path, tmp_path: Path) -> None:
    """Without a compiled form the sources are read."""
    assert read_compiled(tmp_path / "gone", root) is None
    assert Sources(root).document("rulesets/one.yaml").data == {"name": {"zh": "甲", "en": "A"}}


def test_wrong_source_is_not_compiled(root: Path, tmp_path: Path) -> None:
    """A source that cannot be parsed stops the compilation and leaves nothing behind."""
    (root / "rulesets" / "bad.yaml").write_text("a: [", encoding="utf-8")

    with pytest.raises(DataError, match="rulesets/bad.yaml"):
        write_compiled(tmp_path / "sources.marshal", root)

    assert not (tmp_path / "sources.marshal").exists()


def test_command_on_a_folder_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only folder is said and is no failure."""
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setattr(compile_module, "COMPILED_FILE", blocked / "sources.marshal")

    assert compile_module.main() == 0
    assert "the sources will be read" in capsys.readouterr().err


def test_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command writes the compiled form of the real package, and the package then reads it."""
    target = tmp_path / "_compiled" / "sources.marshal"
    monkeypatch.setattr(compile_module, "COMPILED_FILE", target)

    assert compile_module.main() == 0

    assert str(target) in capsys.readouterr().out
    assert stat.S_ISREG(target.stat().st_mode)
    name = "rulesets/duties.yaml"
    assert package_sources(target).document(name).data == package_sources(None).document(name).data


def test_names_of_a_folder_that_is_not_there(root: Path) -> None:
    """A missing folder holds no files."""
    assert Sources(root).names("gone") == ()
    assert Sources(root).names("rulesets") == ("rulesets/one.yaml",)
