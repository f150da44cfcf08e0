"""Single bits of sealed files flipped anywhere: every one is refused. SECOPS_FULL=1 flips 5,000, else 400."""

from __future__ import annotations

import io
import os
import random

from secops.evidence.store import FolderStore
from secops.evidence.vault import ScrubOutcome, Vault

FLIPS = 5_000 if os.environ.get("SECOPS_FULL") == "1" else 400


def test_no_flipped_bit_passes(vault: Vault, store: FolderStore) -> None:
    """Files of one byte and of one chunk and a byte: nothing that was changed is taken for whole."""
    chance = random.Random(2026)
    for size in (1, 65_537):
        with vault.stage(io.BytesIO(chance.randbytes(size))) as staged:
            vault.publish(staged)
        with store.open(staged.blob_id) as file:
            whole = file.read()
        for _ in range(FLIPS // 2):
            raw = bytearray(whole)
            # The first 256 bytes are the header: as often as the rest.
            at = chance.randrange(256) if chance.random() < 0.5 else chance.randrange(256, len(raw))
            raw[at] ^= 1 << chance.randrange(8)
            store.overwrite_start(staged.blob_id, bytes(raw))
            # Without the row's copy of the header, so that the one in the file is looked at.
            bare = type(staged.ref)(staged.blob_id, staged.size, staged.sm3, None, staged.ref.context)
            assert vault.check(bare).outcome is not ScrubOutcome.OK, at
        store.overwrite_start(staged.blob_id, whole)
        assert vault.check(staged.ref).outcome is ScrubOutcome.OK
