"""Examines an installation line by line; every line that is not well names the command that mends it.

Never stops because something is missing: that is what it is there to say. Heavy modules are imported by the
checks that need them.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from secops.config import BadSettings, Settings
from secops.doctor import base, equipment, governance, production, running
from secops.doctor.faults import fault_zh
from secops.doctor.result import Check, Site, State
from secops.errors import NotReady

Examine = Callable[[Site], Check | list[Check]]

_OF_THE_MACHINE: tuple[Examine, ...] = (
    base.python_version,
    base.time_zones,
    equipment.packages,
    base.crypto_self_test,
    equipment.tools,
    equipment.fonts,
    equipment.pdf_engine,
    equipment.probes,
    equipment.renderers,
    equipment.catalogues,
)
_OF_THE_HOME: tuple[Examine, ...] = (
    base.home_folder,
    base.free_space,
    base.file_modes,
    base.store,
    base.keys,
    running.broker,
    running.workers,
    running.waiting_jobs,
)
_OF_PRODUCTION: tuple[Examine, ...] = (
    production.mode,
    production.secret_key,
    production.tls,
    production.hosts,
    production.example_accounts,
    production.closed_files,
    production.debug_off,
    production.ordinary_user,
    production.database_server,
    governance.administrators,
    governance.second_factor,
    governance.admin_networks,
    governance.backup_age,
    governance.audit_copies,
)


def examine(
    environ: Mapping[str, str],
    *,
    for_production: bool = False,
    search_path: str | None = None,
    lock_file: Path | None = None,
) -> tuple[Check, ...]:
    """Examine the installation that *environ* names.

    Args:
        environ: where the settings are read from.
        for_production: add what production mode demands.
        search_path: folders for outside programs instead of the usual ones.
        lock_file: list of pinned packages instead of the checkout's.
    """
    site = Site(Settings(), environ, search_path, lock_file)
    try:
        settings = Settings.from_env(environ)
    except BadSettings as error:
        faults = [
            Check("settings", State.FAIL, fault_zh(fault), fault, "less docs/settings.md")
            for fault in error.faults
        ]
        skipped = Check(
            "home", State.ABSENT, "设置有误，未检查安装目录", "The settings are wrong, so the home was not examined",
            "secops doctor",
        )  # fmt: skip
        return (*faults, *_run(_OF_THE_MACHINE, site), skipped)
    site = replace(site, settings=settings)
    good = Check("settings", State.OK, "设置全部有效", "All settings are valid")
    checks = (good, *_run(_OF_THE_MACHINE, site), *_run(_OF_THE_HOME, site))
    return (*checks, *_run(_OF_PRODUCTION, site)) if for_production else checks


def examine_production(settings: Settings, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """What production mode demands, alone; ``secops up`` asks it before it starts anything."""
    return _run(_OF_PRODUCTION, Site(settings, environ))


def require_fit(settings: Settings) -> None:
    """Let nothing start in production mode that ``secops doctor --production`` finds unsafe.

    Raises:
        NotReady: with every fault and what mends it.
    """
    if not settings.production:
        return
    faults = [check for check in examine_production(settings, os.environ) if check.state is State.FAIL]
    if faults:
        raise NotReady(
            "生产模式下不满足要求，没有启动：" + "；".join(f"{check.zh} → {check.fix}" for check in faults),
            "Unfit for production, nothing was started: "
            + "; ".join(f"{check.en} → {check.fix}" for check in faults),
        )


def is_well(checks: Sequence[Check]) -> bool:
    """Whether nothing fails."""
    return not any(check.state is State.FAIL for check in checks)


def _run(examinations: Sequence[Examine], site: Site) -> tuple[Check, ...]:
    found: list[Check] = []
    for examination in examinations:
        name = examination.__name__.replace("_", "-")
        try:
            result = examination(site)
        except PermissionError as error:
            result = _closed(name, site, error)
        except Exception as error:  # noqa: BLE001  border: a check that breaks is itself a finding
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error}"[:300] + f" ({Path(where.filename).name}:{where.lineno})"
            result = Check(
                name,
                State.FAIL,
                f"检查本身出错：{what}",
                f"The check itself broke: {what}",
                "make setup",
            )
        found += result if isinstance(result, list) else [result]
    return tuple(found)


def _closed(name: str, site: Site, error: PermissionError) -> Check:
    """A part of the home that this user may not look into; its owner can."""
    what = error.filename or site.settings.home
    try:
        owner = site.settings.home.owner()
    except (OSError, KeyError):
        owner = "root"
    return Check(
        name,
        State.FAIL,
        f"没有权限查看 {what}；目录属于用户 {owner}",
        f"No permission to look at {what}; the home belongs to {owner}",
        f"sudo -u {owner} secops doctor",
    )


__all__ = ["Check", "Site", "State", "examine", "examine_production", "is_well", "require_fit"]
