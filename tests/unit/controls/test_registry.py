"""Frameworks are found in the package and in plug-ins; two of one id are refused."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from controls.errors import DataError, DuplicateFramework
from controls.registry import GROUP, find_frameworks
from controls.sources import Sources

HEAD = "id: {id}\n"


def framework(root: Path, name: str, head: str = HEAD) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "framework.yaml").write_text(head.format(id=name), encoding="utf-8")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that can be imported, beside its framework folders."""
    package = tmp_path / "site" / "acme_frameworks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "acme_frameworks", raising=False)
    return package


def point(value: str = "acme_frameworks") -> EntryPoint:
    return EntryPoint("acme", value, GROUP)


def test_real_frameworks() -> None:
    """The package ships its frameworks and finds them by their folders."""
    found, _ = find_frameworks(plugins=())

    assert {"gbt-22239-2019", "gbt-28448-2019", "gbt-39786-2021"} <= {one.id for one in found}
    assert all(one.plugin == "" for one in found)


def test_plugin(tmp_path: Path, plugin: Path) -> None:
    """A plug-in's folders count like built-in ones and carry its name."""
    framework(tmp_path / "frameworks", "one-built-in")
    framework(plugin, "acme-rules")

    found, broken = find_frameworks(Sources(tmp_path), [point()])

    assert [(one.id, one.plugin) for one in found] == [("one-built-in", ""), ("acme-rules", "acme")]
    assert broken == ()


@pytest.mark.parametrize("value", ["acme_frameworks", "acme_frameworks.gone", "no_such_module_at_all"])
def test_broken_plugin_is_kept(tmp_path: Path, plugin: Path, value: str) -> None:
    """A plug-in that gives nothing or cannot be imported is shown and stops nobody."""
    framework(tmp_path / "frameworks", "one-built-in")

    found, broken = find_frameworks(Sources(tmp_path), [point(value)])

    assert [one.id for one in found] == ["one-built-in"]
    assert broken[0].name == "acme"
    assert broken[0].error


def test_broken_head_of_a_plugin_is_kept(tmp_path: Path, plugin: Path) -> None:
    """A wrong head in a plug-in is a broken plug-in; its error names the file."""
    framework(plugin, "acme-rules", "id: other-name\n")

    _, broken = find_frameworks(Sources(tmp_path), [point()])

    assert "acme-rules/framework.yaml:1 id: must equal the folder's name" in broken[0].error


def test_broken_built_in_stops(tmp_path: Path) -> None:
    """A wrong head in the package stops the load."""
    framework(tmp_path / "frameworks", "one-built-in", "id: other-name\n")

    with pytest.raises(DataError, match="must equal the folder's name"):
        find_frameworks(Sources(tmp_path), [])


def test_two_of_one_id(tmp_path: Path, plugin: Path) -> None:
    """A plug-in cannot take the id of a built-in framework."""
    framework(tmp_path / "frameworks", "acme-rules")
    framework(plugin, "acme-rules")

    with pytest.raises(DuplicateFramework, match="built in and acme"):
        find_frameworks(Sources(tmp_path), [point()])
