"""Sealing and opening against the raw speed of the same OpenSSL, in one run.

The peer is what no container can beat: SM4-GCM over one long buffer and SM3 over the same bytes, one after the other,
through the same ``cryptography``. Goal: at least 0.7 of it, each way. Run with ``python bench/bench_seal.py [MiB]``.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from secops.evidence.store import FolderStore
from secops.evidence.vault import Vault
from smcrypto import container
from smcrypto.keys import FileKeyProvider

GOAL = 0.7
ROUNDS = 5
MIB = 1 << 20
_BLOCK = MIB


@dataclass(frozen=True, slots=True)
class Measured:
    """The fastest of several rounds, in MiB a second of CPU time, and its share of the peer."""

    name: str
    speed: float
    share: float | None


def _best(work: Callable[[], object], size_mib: float) -> float:
    """CPU time, so that neighbours on the machine count less."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return size_mib / best


def raw_gcm_and_sm3(data: bytes) -> tuple[bytes, bytes]:
    """Encrypt a buffer with one GCM call a mebibyte and hash it: the peer."""
    encryptor = Cipher(algorithms.SM4(bytes(16)), modes.GCM(bytes(12))).encryptor()
    digest = hashes.Hash(hashes.SM3())
    out = bytearray(_BLOCK + 16)
    view = memoryview(data)
    for at in range(0, len(data), _BLOCK):
        piece = view[at : at + _BLOCK]
        encryptor.update_into(piece, out)
        digest.update(piece)
    encryptor.finalize()
    return encryptor.tag, digest.finalize()


class _Nowhere:
    def write(self, data: bytes, /) -> int:
        return len(data)


def measure(size_mib: int, folder: Path) -> list[Measured]:
    """Measure peer, container and vault over *size_mib* mebibytes."""
    keys = FileKeyProvider.create(folder / "keys", signers=[])
    vault = Vault(FolderStore(folder / "vault"), keys, free_floor=0)
    data = bytes(range(256)) * (size_mib * MIB // 256)
    out = io.BytesIO()
    container.seal(io.BytesIO(data), out, keys, file_id=bytes(16))
    sealed = out.getvalue()
    small = data[:4096]

    def keep() -> None:
        with vault.stage(io.BytesIO(data)) as staged:
            vault.publish(staged)
            vault.shred(staged.blob_id)

    def seal_small() -> None:
        for _ in range(256):
            container.seal(io.BytesIO(small), _Nowhere(), keys, file_id=bytes(16))

    peer = _best(lambda: raw_gcm_and_sm3(data), size_mib)
    found = [
        ("seal, memory to nowhere", _best(lambda: _seal(data, keys), size_mib)),
        ("open and hash (verify)", _best(lambda: container.verify(io.BytesIO(sealed), keys), size_mib)),
        ("vault: stage, fsync, publish, shred", _best(keep, size_mib)),
    ]
    rows = [Measured("raw SM4-GCM + SM3 (the peer)", peer, None)]
    rows += [Measured(name, speed, speed / peer) for name, speed in found]
    rows.append(Measured("seal files of 4 KiB", _best(seal_small, 1.0), None))
    return rows


def _seal(data: bytes, keys: FileKeyProvider) -> None:
    container.seal(io.BytesIO(data), _Nowhere(), keys, file_id=bytes(16))


def main() -> int:
    """Print the table; exit 1 when the goal is missed."""
    size_mib = int(sys.argv[1]) if len(sys.argv) > 1 else 128
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(size_mib, Path(folder))
    print(f"{size_mib} MiB, best of {ROUNDS}, CPU time")
    print(f"{'':38}{'MiB/s':>9}{'of peer':>10}")
    for row in rows:
        share = "" if row.share is None else f"{row.share:.2f}"
        print(f"{row.name:38}{row.speed:9.1f}{share:>10}")
    missed = [row.name for row in rows[1:3] if row.share is not None and row.share < GOAL]
    print(f"goal ≥ {GOAL}: " + (f"missed by {', '.join(missed)}" if missed else "met"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
