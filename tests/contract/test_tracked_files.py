"""Small promises about every tracked file: text that parses, ends properly and holds no secret."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.contract.test_no_addresses import ROOT, tracked_files

_BINARY = {".png", ".ico", ".docx", ".xlsx", ".pdf", ".bin", ".der", ".pcap", ".woff2", ".gz", ".zip"}
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\r?\n[A-Za-z0-9+/=\r\n]{40,}")
# Samples of what probes must recognise or parsers must survive.
_SAMPLES = ("tests/", "policies/")


def _text_files() -> list[Path]:
    return [path for path in tracked_files() if path.suffix not in _BINARY]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_private_key_is_tracked() -> None:
    """Keys are made where they are needed, tests included; none lies in the repository outside of samples."""
    found = [
        _name(path)
        for path in tracked_files()
        if not _name(path).startswith(_SAMPLES) and _PRIVATE.search(path.read_bytes())
    ]

    assert found == []


def test_text_is_utf_8_and_ends_with_a_newline() -> None:
    """Every text file can be read as UTF-8, has no carriage returns and ends with one line break."""
    wrong = []
    for path in _text_files():
        content = path.read_bytes()
        if _name(path).startswith("tests/") and "samples" in path.parts:
            continue
        if not content:
            continue
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            wrong.append(f"{_name(path)}: not UTF-8")
            continue
        # The form of CSV has both.
        if b"\r" in content and path.suffix != ".csv":
            wrong.append(f"{_name(path)}: carriage return")
        if not content.endswith(b"\n") or content.endswith(b"\n\n"):
            wrong.append(f"{_name(path)}: end of file")
    assert wrong == []


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".toml"])
def test_data_files_parse(suffix: str) -> None:
    """YAML, JSON and TOML outside of samples can be read."""
    wrong = []
    for path in tracked_files():
        if path.suffix != suffix or "samples" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        try:
            if suffix == ".yaml":
                # Read to its end by the fast reader; nothing is built.
                for _ in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                    pass
            elif suffix == ".json":
                json.loads(text)
            else:
                tomllib.loads(text)
        except ValueError as error:
            wrong.append(f"{_name(path)}: {error}")
        except yaml.YAMLError as error:
            wrong.append(f"{_name(path)}: {error}")
    assert wrong == []


def test_scripts_can_be_run() -> None:
    """A file that names its interpreter and is called directly has the right to be executed."""
    for name in (".ci/run",):
        assert (ROOT / name).stat().st_mode & 0o100, name


def test_large_files_stay_out() -> None:
    """Nothing over 3 MB is tracked: pictures are small, fonts and tools come from packages."""
    assert [_name(path) for path in tracked_files() if path.stat().st_size > 3 * 1024 * 1024] == []
