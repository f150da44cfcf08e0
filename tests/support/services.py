"""Tools that live tests need: skipped where absent, demanded where the build says so."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from pathlib import Path

import pytest

_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def _absent(message: str) -> None:
    if os.environ.get("SECOPS_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)


def require_tool(name: str, debian_package: str) -> str:
    """Give the full path of a program, or skip the test with the command that installs it.

    With ``SECOPS_REQUIRE_SERVICES=1`` a missing program is a failure: a build that promises live
    tests may not pass by skipping them.
    """
    found = shutil.which(name, path=os.pathsep.join(_SYSTEM_FOLDERS))
    if found is None:
        _absent(f"{name} is not installed: apt-get install {debian_package}")
    assert found is not None
    return found


def require_module(name: str, distribution: str) -> None:
    """Skip the test unless a Python module is installed; same switch as :func:`require_tool`."""
    if importlib.util.find_spec(name) is None:
        _absent(f"Python module {name} is not installed: pip install {distribution}")


def require_file(path: Path, command: str) -> Path:
    """Give *path*, or skip the test with the *command* that brings it; same switch as :func:`require_tool`."""
    if not path.is_file():
        _absent(f"{path.name} is not here: {command}")
    return path


def free_port() -> int:
    """Give a TCP port of loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
