"""What every probe promises: its id is its folder, its result survives JSON, its page says what matters."""

from __future__ import annotations

import dataclasses
import importlib
import re
import typing
from pathlib import Path
from typing import Any

import pytest

import scanners
from scanners.base import (
    Attempt,
    Completed,
    Failed,
    FailureReason,
    ProbeContext,
    ProbeTraits,
    Target,
    TargetKind,
    traits_of,
)
from scanners.baseline.platforms import platforms
from scanners.registry import load_registry

ROOT = Path(scanners.__path__[0])
REGISTRY = load_registry()
PROBES = sorted(REGISTRY.probes)
ASKED_BY_ADDRESS = [
    name
    for name in PROBES
    if not traits_of(REGISTRY.probes[name]).needs_credentials
    and traits_of(REGISTRY.probes[name]).target_kind is not TargetKind.PATH
]
HEADINGS = ["What it asks", "What it gives back", "Limits", "Failure reasons", "Blind spots"]


def test_the_built_in_probes_are_found() -> None:
    """Every folder with a probe is in the registry, and nothing is broken."""
    assert {path.parent.name for path in ROOT.glob("*/probe.py")} == set(PROBES)
    assert REGISTRY.broken == ()
    assert {"local", "ssh_baseline"} <= set(PROBES)


@pytest.mark.parametrize("probe_id", PROBES)
def test_id_folder_and_traits(probe_id: str) -> None:
    """The id equals the folder; the engine knows how many connections to expect."""
    probe = REGISTRY.probes[probe_id]

    assert probe.__module__ == f"scanners.{probe_id}.probe"
    assert isinstance(traits_of(probe), ProbeTraits)
    assert 1 <= traits_of(probe).connections <= 16


@pytest.mark.parametrize("probe_id", PROBES)
def test_the_page_has_its_headings(probe_id: str) -> None:
    """A reader finds the same five answers for every probe."""
    text = (ROOT / probe_id / "README.md").read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert text.startswith(f"# {probe_id}\n")


@pytest.mark.parametrize("probe_id", PROBES)
def test_the_page_lists_every_reason_the_code_gives(probe_id: str) -> None:
    """A failure reason that a probe names in its code is explained on its page."""
    text = (ROOT / probe_id / "README.md").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / probe_id).glob("*.py"))
    named = {FailureReason[name] for name in re.findall(r"FailureReason\.([A-Z_]+)\b", code)}

    assert {reason.value for reason in named if f"`{reason.value}`" not in text} == set()


def result_type(probe_id: str) -> Any:
    hints = typing.get_type_hints(REGISTRY.probes[probe_id].run)
    answer = hints["return"]
    members = typing.get_args(answer) or (answer,)
    return next(typing.get_args(one)[0] for one in members if typing.get_origin(one) is Completed)


def nested(kind: Any, seen: set[Any]) -> set[Any]:
    if kind in seen:
        return seen
    if dataclasses.is_dataclass(kind):
        seen.add(kind)
        for hint in typing.get_type_hints(kind).values():
            nested(hint, seen)
    for part in typing.get_args(kind):
        nested(part, seen)
    return seen


@pytest.mark.parametrize("probe_id", PROBES)
def test_results_are_frozen_and_without_credentials(probe_id: str) -> None:
    """A result cannot change afterwards and has no place for a secret."""
    kinds = nested(result_type(probe_id), set())

    assert kinds
    for kind in kinds:
        assert kind.__dataclass_params__.frozen, kind
        names = {field.name for field in dataclasses.fields(kind)}
        assert not names & {"password", "passphrase", "private_key", "secret", "credentials"}, kind


@pytest.mark.parametrize("probe_id", PROBES)
def test_a_probe_that_needs_no_credentials_can_be_made_without_arguments(probe_id: str) -> None:
    """A worker makes probes by id alone, unless they say that they need more."""
    probe = REGISTRY.probes[probe_id]
    if not traits_of(probe).needs_credentials:
        assert probe()


@pytest.mark.parametrize("probe_id", ASKED_BY_ADDRESS)
@pytest.mark.parametrize("host", ["localhost", "127.1", "fe80::1%lo", "10.0.0.1;id"])
def test_no_probe_takes_a_name_for_an_address(probe_id: str, host: str) -> None:
    """Names and odd spellings are refused by the probe itself, whatever the layers above did."""
    attempt: Attempt[Any] = REGISTRY.probes[probe_id]().run(Target(host, 1), ProbeContext(5))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_every_platform_lies_in_a_folder_with_facts() -> None:
    """Rules of a platform find its facts, and its facts have labels in both languages."""
    for platform in platforms().values():
        assert platform.facts
        for info in platform.facts.values():
            assert re.search(r"[\u4e00-\u9fffA-Za-z]", info.label.zh)
            assert not re.search(r"[\u4e00-\u9fff]", info.label.en)


def test_only_one_module_knows_the_ssh_library() -> None:
    """The library can be replaced in one place."""
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if re.search(r"^\s*(import|from) asyncssh", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert users <= {"ssh_baseline/transport.py"}
    assert importlib.import_module("scanners.ssh_baseline.transport")
