"""A gigabyte through the container in constant memory, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SIZE = 1 << 30
LIMIT_KIB = 64 * 1024

# not ru_maxrss, which a child inherits from the process that started it
_PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(line.split()[1] for line in status if line.startswith("VmHWM"))
"""
_SEAL = """
import sys
from pathlib import Path
from smcrypto import container
from smcrypto.keys import FileKeyProvider
provider = FileKeyProvider(Path(sys.argv[1]))
with open(sys.argv[2], "rb") as source:
    result = container.seal(source, sys.stdout.buffer, provider, file_id=bytes(16))
print(result.size, result.sm3.hex(), peak(), file=sys.stderr)
"""
_OPEN = """
import sys
from pathlib import Path
from smcrypto import container
from smcrypto.keys import FileKeyProvider
found = container.verify(sys.stdin.buffer, FileKeyProvider(Path(sys.argv[1])))
print(found.size, found.sm3.hex(), peak())
"""


@pytest.mark.live
def test_a_gigabyte_fits_in_64_mib(key_folder: Path, tmp_path: Path) -> None:
    """A sparse file of 1 GiB is sealed into a pipe and verified from it, each process within 64 MiB."""
    source = tmp_path / "sparse"
    with source.open("wb") as stream:
        stream.truncate(SIZE)

    sealing = subprocess.Popen(
        [sys.executable, "-c", _PEAK + _SEAL, str(key_folder), str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    opening = subprocess.run(
        [sys.executable, "-c", _PEAK + _OPEN, str(key_folder)],
        stdin=sealing.stdout,
        capture_output=True,
        check=True,
        timeout=280,
    )
    assert sealing.stdout is not None
    sealing.stdout.close()
    assert sealing.stderr is not None
    told = sealing.stderr.read()
    sealing.stderr.close()

    assert sealing.wait() == 0
    sealed_size, sealed_digest, sealed_memory = told.split()
    found_size, found_digest, found_memory = opening.stdout.split()
    assert int(sealed_size) == int(found_size) == SIZE
    assert sealed_digest == found_digest
    assert int(sealed_memory) <= LIMIT_KIB
    assert int(found_memory) <= LIMIT_KIB
