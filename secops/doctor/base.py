"""Settings, home, store and keys: what every process needs."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from secops.doctor.result import Check, Site, State
from secops.errors import os_reason

_TIMEOUT_S = 3.0
_MEGABYTE = 1024 * 1024


def python_version(site: Site) -> Check:
    """Which interpreter is it? The installer refuses those that are too old."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Check(
        "python", State.OK, f"Python {found}（{sys.executable}）", f"Python {found} ({sys.executable})"
    )


def time_zones(site: Site) -> Check:
    """Are time zone data here? Schedules are planned in local time."""
    name = site.settings.time_zone
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return Check(
            "time-zone", State.FAIL, f"缺少时区数据，找不到 {name}", f"Time zone data are missing: no {name}", "apt install tzdata"
        )  # fmt: skip
    return Check("time-zone", State.OK, f"时区 {name}", f"Time zone {name}")


def home_folder(site: Site) -> Check:
    """Is the home there and can it be written?"""
    home = site.settings.home
    if not home.is_dir():
        return Check("home", State.FAIL, f"目录 {home} 不存在", f"{home} does not exist", "secops init")
    probe = home / f".write-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason_zh, reason = os_reason(error)
        return Check(
            "home", State.FAIL, f"目录 {home} 不可写（{reason_zh}）", f"{home} can't be written ({reason})",
            "SECOPS_HOME=$HOME/secops-home secops init",
        )  # fmt: skip
    return Check("home", State.OK, f"目录 {home} 可写", f"{home} can be written")


def free_space(site: Site) -> Check:
    """Is there room? Uploads stop at the floor that the settings name."""
    home = site.settings.home
    while not home.exists() and home != home.parent:
        home = home.parent
    free = shutil.disk_usage(home).free // _MEGABYTE
    floor = site.settings.free_space_floor_mb
    zh, en = f"剩余空间 {free} MB（下限 {floor} MB）", f"{free} MB are free (floor {floor} MB)"
    if free < floor:
        return Check(
            "space", State.FAIL, zh, en, f"du -xh --max-depth=2 {site.settings.home} | sort -h | tail"
        )
    if free < 4 * floor:
        return Check(
            "space", State.WARN, zh, en, f"du -xh --max-depth=2 {site.settings.home} | sort -h | tail"
        )
    return Check("space", State.OK, zh, en)


def file_modes(site: Site) -> Check:
    """May anybody but the owner look into the home?"""
    home = site.settings.home
    if not home.is_dir():
        return Check("modes", State.ABSENT, "目录尚未建立", "The home is not there yet", "secops init")
    if home.stat().st_mode & 0o077:
        return Check(
            "modes",
            State.WARN,
            f"目录 {home} 对其他用户开放",
            f"{home} is open to other users",
            f"chmod 700 {home}",
        )
    return Check("modes", State.OK, "目录仅属主可读写", "The home is its owner's alone")


def unreachable(url: str) -> str:
    """Why the host of *url* takes no connection; empty when it does, or when there is no host in it."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        return ""
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        return f"{parts.hostname}:{parts.port}: {error.strerror or error}"
    return ""


def store(site: Site) -> Check:
    """Does the store answer, and is it of this program's version?"""
    settings = site.settings
    # A missing SQLite file would be made by the very look at it.
    if not settings.database_url and not (settings.home / "secops.db").is_file():
        return Check("store", State.FAIL, "数据库还没有建立", "There is no store yet", "secops init")
    reason = unreachable(settings.database_url)
    if reason:
        return Check(
            "store", State.FAIL, f"数据库连接不上（{reason}）", f"The store can't be reached ({reason})", "printenv SECOPS_DATABASE_URL"
        )  # fmt: skip
    from sqlalchemy.exc import SQLAlchemyError

    from secops.db import make_engine
    from secops.store import current_revision, expected_revision

    expected = expected_revision()
    try:
        engine = make_engine(settings)
        try:
            found = current_revision(engine)
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:200]
        return Check(
            "store", State.FAIL, f"数据库打不开（{cause}）", f"The store can't be opened ({cause})", "printenv SECOPS_DATABASE_URL SECOPS_HOME"
        )  # fmt: skip
    if found is None:
        return Check("store", State.FAIL, "数据库是空的", "The store is empty", "secops init")
    if found != expected:
        return Check(
            "store", State.FAIL, f"数据库版本 {found}，程序需要 {expected}", f"The store is at {found}, the program needs {expected}",
            "secops init",
        )  # fmt: skip
    return Check("store", State.OK, f"数据库可用，版本 {found}", f"The store answers, version {found}")


def keys(site: Site) -> Check:
    """Are the keys there, closed to others, and do they work?"""
    folder = site.settings.home / "keys"
    if not folder.is_dir() or not any(folder.glob("kek-*.key")):
        return Check(
            "keys", State.FAIL, f"{folder} 中没有密钥", f"There are no keys in {folder}", "secops init"
        )
    from smcrypto.errors import SmCryptoError
    from smcrypto.keys import FileKeyProvider, Purpose, Signer

    try:
        provider = FileKeyProvider(folder)
        sealed = provider.wrap(Purpose.BLIND_INDEX, b"doctor", aad=b"doctor")
        if provider.unwrap(Purpose.BLIND_INDEX, sealed, aad=b"doctor") != b"doctor":
            raise AssertionError("a wrapped value came back changed")
        for signer in Signer:
            provider.public_key(signer)
        count = len(provider.key_info())
    except SmCryptoError as error:
        return Check(
            "keys",
            State.FAIL,
            f"密钥不可用（{error}）",
            f"The keys can't be used ({error})",
            f"chmod -R go-rwx {folder}",
        )
    return Check(
        "keys",
        State.OK,
        f"{count} 个密钥可用（软件密钥，非认证产品）",
        f"{count} keys work (software, not certified)",
    )


def crypto_self_test(site: Site) -> Check:
    """Do SM2, SM3 and SM4 give the standards' own results on this machine?"""
    from smcrypto.selftest import run_self_test

    result = run_self_test(messages=20)
    if not result.passed:
        names = ", ".join(case.name for case in result.failures)
        return Check(
            "sm-self-test",
            State.FAIL,
            f"国密算法自检未通过：{names}",
            f"The SM self-test failed: {names}",
            "make setup",
        )
    return Check(
        "sm-self-test", State.OK, "国密算法 SM2/SM3/SM4 自检通过", "The SM2/SM3/SM4 self-test passed"
    )


def session_key(site: Site) -> Path:
    """Where the key of the session cookies is."""
    named = site.settings.secret_key_file
    return Path(named) if named else site.settings.home / "keys" / "session.key"
