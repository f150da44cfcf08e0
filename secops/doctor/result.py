"""What a check of the installation gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from secops.config import Settings


class State(StrEnum):
    """``absent`` is something that is not here and that the platform can do without; only ``fail`` stops it."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: a constant name, a state, one sentence, and the command that mends it."""

    name: str
    state: State
    zh: str
    en: str
    fix: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"check": self.name, "state": self.state.value, "zh": self.zh, "en": self.en, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Site:
    """What is examined; nothing else is read from the environment.

    ``search_path`` replaces the folders in which programs are looked for, ``lock_file`` the list of pinned packages.
    """

    settings: Settings
    environ: Mapping[str, str] = field(default_factory=dict)
    search_path: str | None = None
    lock_file: Path | None = None


def install_command(debian: str, rpm: str, site: Site) -> str:
    """The command that installs a package on this kind of system."""
    import shutil

    for tool, package in (("apt", debian), ("dnf", rpm), ("yum", rpm), ("zypper", rpm)):
        if shutil.which(tool, path=site.search_path):
            return f"{tool} install {package}"
    return f"apt install {debian}"
