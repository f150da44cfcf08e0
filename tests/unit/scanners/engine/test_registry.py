"""Probes are found by walking a package; what is broken is loud or shown, never silent."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from scanners.errors import InvalidProbe, UnknownProbe
from scanners.registry import load_registry

GOOD = """
class Probe:
    probe_id = "{name}"
    def run(self, target, context):
        return None
"""


class OutsideProbe:
    probe_id = "outside"

    def run(self, target: object, context: object) -> None:
        return None


class TakenProbe(OutsideProbe):
    probe_id = "one"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    root = tmp_path / "fakescanners"
    for name in ("one", "two", "helpers"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    (root / "__init__.py").touch()
    (root / "one" / "probe.py").write_text(GOOD.format(name="one"))
    (root / "two" / "probe.py").write_text(GOOD.format(name="two"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("fakescanners")
    for name in [name for name in sys.modules if name.startswith("fakescanners")]:
        del sys.modules[name]


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "secops.probes")


def test_folders_with_a_probe_are_found(package: ModuleType) -> None:
    """A new folder is enough; a folder without a probe is a helper."""
    assert list(load_registry(package, []).probes) == ["one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        GOOD.format(name="other"),
        GOOD.format(name="two") + GOOD.format(name="two").replace("Probe", "Second"),
        "class Probe:\n    probe_id = 'two'\n",
        "x = 1\n",
        GOOD.format(name="Two-1"),
    ],
)
def test_a_broken_folder_stops_the_start(package: ModuleType, tmp_path: Path, text: str) -> None:
    """The release itself is wrong when a built-in probe is."""
    (tmp_path / "fakescanners" / "two" / "probe.py").write_text(text)

    with pytest.raises(InvalidProbe):
        load_registry(package, [])


def test_an_import_error_of_a_built_in_is_not_hidden(package: ModuleType, tmp_path: Path) -> None:
    """What Python says about a built-in probe is passed on."""
    (tmp_path / "fakescanners" / "two" / "probe.py").write_text("import no_such_module_anywhere\n")

    with pytest.raises(ModuleNotFoundError):
        load_registry(package, [])


def test_plugins_are_added(package: ModuleType) -> None:
    """Another distribution brings a probe through the entry point group."""
    found = load_registry(package, [entry("outside", f"{__name__}:OutsideProbe")])

    assert found.get("outside") is OutsideProbe


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ghost", "no_such_module_anywhere:Probe", "ModuleNotFoundError"),
        ("other_name", f"{__name__}:OutsideProbe", "InvalidProbe"),
        ("outside", f"{__name__}:GOOD", "InvalidProbe"),
        ("one", f"{__name__}:TakenProbe", "DuplicateProbe"),
    ],
)
def test_a_broken_plugin_is_kept_and_shown(package: ModuleType, name: str, value: str, words: str) -> None:
    """One bad plug-in neither stops the start nor replaces what is there."""
    found = load_registry(package, [entry(name, value)])

    assert list(found.probes) == ["one", "two"]
    assert [broken.name for broken in found.broken] == [name]
    assert words in found.broken[0].error


def test_an_unknown_probe_names_the_known_ones(package: ModuleType) -> None:
    """The message helps with a typing error."""
    with pytest.raises(UnknownProbe, match="one, two"):
        load_registry(package, []).get("three")
