"""No tracked file names a package registry or a path of the machine on which it was written.

Locks, lock-like files and documents are looked at too. ``make lint`` runs this file alone.
"""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# One letter of each stands in brackets, so that this file does not find itself.
_REGISTRIES = (
    r"pypi\.or[g]",
    r"pythonhoste[d]",
    r"registry\.npmj[s]",
    r"(deb|security)\.debia[n]\.org",
    r"mirrors\.(aliyu[n]|tun[a]|tsinghu[a])",
    r"--(extra-)?index-ur[l]",
    r"docker\.i[o]/",
    r"proxy\.golan[g]",
    r"static\.crate[s]",
)
_PLACES = (r"/wor[k]/", r"/far[m]/", r"/opt/(pyp[i]|wheel[s])", r"/\.pyen[v]/")
# The home of root is a path of every machine: rules look into it. A checkout below it is one of this machine.
_CHECKOUT = r"/roo[t]/[\w.-]*(main|secops|src|project)"
PATTERN = re.compile("|".join((*_REGISTRIES, *_PLACES, _CHECKOUT)).encode(), re.IGNORECASE)


def tracked_files() -> list[Path]:
    """Files that are or would be committed; without git, every file outside of what is made."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            [
                "git",
                "-c",
                f"safe.directory={ROOT}",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        names = [name for name in listed.decode().split("\0") if name]
        return [ROOT / name for name in names if (ROOT / name).is_file()]
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
    return [path for path in sorted(ROOT.rglob("*")) if path.is_file() and not _is_ignored(path, ignored)]


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    place = path.relative_to(ROOT)
    return any(
        place.is_relative_to(pattern)
        if "/" in pattern
        else any(fnmatch(part, pattern) for part in place.parts)
        for pattern in patterns
    )


def faults(content: bytes) -> list[str]:
    """Each address in *content*, with its line number."""
    return [
        f"line {content.count(bytes([10]), 0, found.start()) + 1}: {found[0].decode(errors='replace')}"
        for found in PATTERN.finditer(content)
    ]


def test_no_address_stands_in_a_tracked_file() -> None:
    """Neither a registry host nor a path of this machine, in any file, locks included."""
    files = tracked_files()

    found = {str(path.relative_to(ROOT)): told for path in files if (told := faults(path.read_bytes()))}

    assert len(files) > 100
    assert found == {}


def test_the_place_of_this_checkout_is_not_written_down() -> None:
    """The absolute path of this very folder stands nowhere, wherever it may lie."""
    here = str(ROOT).encode()
    if len(ROOT.parts) < 3:
        pytest.skip("the checkout lies at the top of the file system, where its path is too short to tell")

    found = [str(path.relative_to(ROOT)) for path in tracked_files() if here in path.read_bytes()]

    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-" + "url https://pypi" + ".org/simple",
        'url = "https://files.python' + 'hosted.org/packages/x.whl"',
        "cd /wo" + "rk/somewhere",
        "PATH=/ro" + "ot/secops/.venv/bin",
    ],
)
def test_the_check_can_fail(line: str) -> None:
    """A line with an address is found, with its number."""
    assert faults(f"first\n{line}\n".encode())[0].startswith("line 2: ")


def test_ordinary_text_passes() -> None:
    """Paths that a rule looks into and example hosts are no addresses."""
    assert faults(b"/root/.ssh/authorized_keys /opt/secops example.gov.cn 192.0.2.1 work/ homework/") == []
