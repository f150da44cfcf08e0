"""Rotation of the main key: everything opens before, in between and after; a run that was cut off goes on."""

from __future__ import annotations

import pytest

from secops.evidence import rotation
from secops.evidence.models import Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, read_all, store_bytes
from secops.objects.models import System
from secops.platform import Platform
from secops.scope import Principal
from smcrypto import container
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions


@pytest.fixture
def numbers(platform: Platform) -> list[int]:
    """Five pieces of evidence."""
    system = Rows(platform.engine).one(System)
    new = NewEvidence(system, "a", "a.txt", EvidenceSource.REPORT, EvidenceState.SUBMITTED)
    return [store_bytes(platform, Principal.platform("test"), new, bytes([i]) * 70_000) for i in range(5)]


def _whole(platform: Platform, numbers: list[int]) -> bool:
    with platform.work("test:look") as session:
        rows = [session.get_one(Evidence, number) for number in numbers]
        return all(read_all(platform, row) == bytes([i]) * 70_000 for i, row in enumerate(rows))


def test_everything_comes_under_the_new_key(platform: Platform, numbers: list[int]) -> None:
    """Row and file name the new key, the content is untouched, each step is on record, a second run does nothing."""
    before = platform.keys.current_kid
    kid = rotation.rotate(platform)
    assert kid != before
    assert _whole(platform, numbers)
    assert rotation.rewrap_vault(platform) == rotation.Rewrapped(5, 0)
    assert _whole(platform, numbers)
    paths = [
        path
        for path in (platform.settings.home / "vault").rglob("*")
        if path.is_file() and len(path.name) == 32
    ]
    for path in paths:
        with path.open("rb") as file:
            assert container.read_header(file).wrapped.kid == kid
    assert rotation.rewrap_vault(platform) == rotation.Rewrapped(0, 5)
    assert {"keys.rotate", "keys.rewrap"} <= set(audit_actions(platform))


def test_a_cut_run_goes_on(platform: Platform, numbers: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut between the row and its file: everything opens, and the next run does the rest."""
    rotation.rotate(platform)
    monkeypatch.setattr(rotation, "BATCH", 2)
    real, calls = platform.vault.write_header, []

    def cut(blob_id: str, header: bytes) -> None:
        calls.append(blob_id)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(blob_id, header)

    monkeypatch.setattr(platform.vault, "write_header", cut)
    with pytest.raises(KeyboardInterrupt):
        rotation.rewrap_vault(platform)
    monkeypatch.undo()
    assert _whole(platform, numbers)
    found = rotation.rewrap_vault(platform)
    assert (found.done, found.current) == (1, 4)
    assert _whole(platform, numbers)
