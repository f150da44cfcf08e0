"""Files: permissions of key files, homes, searches, umask and shell time-out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import (
    FLAG,
    NUMBER,
    RECORDS,
    TEXT,
    TEXTS,
    NotSeen,
    Seen,
    fact,
    key_values,
    not_found,
)
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.pack import Block, Note

_STICKY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/run/lock/", "/var/lock/")
_SSH_KEY_RE = re.compile(r"/etc/ssh/ssh_host_.*_key$")


def _stat_rows(block: Block) -> list[tuple[str, str, int, int, int, int, str]]:
    """Give mode, symbolic mode, user, group, size, time and path of every line."""
    rows = []
    for line in block.lines:
        words = line.split(None, 6)
        if len(words) == 7 and words[0].isdigit() and words[2].isdigit() and words[3].isdigit():
            rows.append(
                (words[0], words[1], int(words[2]), int(words[3]), int(words[4]), int(words[5]), words[6])
            )
    return rows


@fact("files.modes", RECORDS, "重要文件权限", "permissions of key files", "stat")
def modes(host: Host) -> Seen:
    block = host.cmd("files", "stat")
    rows = [
        {
            "path": "/etc/ssh/ssh_host_*_key" if _SSH_KEY_RE.search(path) else path,
            "mode": mode,
            "owner": host.owner(uid),
        }
        for mode, _, uid, _, _, _, path in _stat_rows(block)
    ]
    if not rows:
        raise NotSeen(Gap.UNREADABLE, "stat")
    return Seen(rows, "stat", block.gap())


@fact("cron.needed_lists", TEXTS, "应有的 cron/at 白名单", "lists that are missing for cron and at", "stat")
def needed_lists(host: Host) -> list[str]:
    paths = {path for *_, path in _stat_rows(host.cmd("files", "stat"))}
    wanted = {"/etc/cron.allow": "/usr/bin/crontab", "/etc/at.allow": "/usr/bin/at"}
    return [name for name, program in wanted.items() if program in paths and name not in paths]


@fact("cron.installed", FLAG, "已安装 cron 或 at", "cron or at is installed", "stat")
def cron_installed(host: Host) -> bool:
    paths = {path for *_, path in _stat_rows(host.cmd("files", "stat"))}
    return bool(paths & {"/usr/bin/crontab", "/usr/bin/at"})


@fact("homes.modes", RECORDS, "用户目录与密钥文件权限", "permissions of homes and key files", "stat")
def homes(host: Host) -> Seen:
    block = host.cmd("homes", "stat")
    owners = {account.home.rstrip("/"): account for account in host.accounts if account.login_shell}
    rows = []
    for mode, _, uid, _, _, _, path in _stat_rows(block):
        kind = _home_kind(path, owners)
        account = next((a for home, a in owners.items() if path == home or path.startswith(home + "/")), None)
        if kind:
            rightful = account is None or uid in (0, account.uid)
            rows.append(
                {"path": path, "mode": mode, "kind": kind, "owner": "own" if rightful else host.owner(uid)}
            )
    if not rows:
        gap = block.gap()
        raise NotSeen(gap.gap if gap is not None else Gap.UNDECIDABLE, "homes")
    return Seen(rows, "stat", block.gap())


def _home_kind(path: str, owners: Mapping[str, object]) -> str:
    name = path.rpartition("/")[2]
    if path.rstrip("/") in owners and path not in ("/", "/bin", "/usr/bin", "/sbin"):
        return "home"
    if name == ".ssh":
        return "ssh-folder"
    if name.startswith("id_") and not name.endswith(".pub"):
        return "private-key"
    if name.startswith("authorized_keys"):
        return "authorized-keys"
    if name in (".rhosts", ".shosts", ".netrc", ".my.cnf", ".pgpass") or name.endswith("history"):
        return "secret"
    return ""


def _search(host: Host) -> tuple[list[tuple[str, str, int, int, int, int, str]], Note | None]:
    block = host.cmd("searches", "find")
    stopped = [line for line in block.lines if line.startswith("@timed-out")]
    gap = Note(Gap.TIMED_OUT, stopped[0].removeprefix("@timed-out ")) if stopped else block.gap()
    rows = _stat_rows(block)
    if not rows and gap is None:
        # every system has set-id programs and a folder for all, so an empty answer is a search that failed
        raise NotSeen(Gap.UNREADABLE, "the search found nothing at all")
    return rows, gap


def _private_folders(host: Host) -> tuple[str, ...]:
    """Give homes that nobody but the owner can enter: what lies below is open to nobody else."""
    section = host.pack.sections.get("homes")
    block = section.block("stat") if section is not None else None
    rows = _stat_rows(block) if block is not None else []
    return tuple(
        f"{path.rstrip('/')}/"
        for mode, kind, *_, path in rows
        if kind.startswith("d") and not int(mode, 8) & 0o011
    )


@fact("files.world_writable", TEXTS, "任何人可写的文件", "files that anybody may write", "find")
def world_writable(host: Host) -> Seen:
    rows, gap = _search(host)
    passed = _STICKY + _private_folders(host)
    found = [
        f"{path} {mode}"
        for mode, kind, *_, path in rows
        if int(mode, 8) & 0o002
        and not path.startswith(passed)
        and not (kind.startswith("d") and int(mode, 8) & 0o1000)
    ]
    return Seen(found, "find", gap)


@fact("files.unowned", TEXTS, "无属主的文件", "files without an owner", "find")
def unowned(host: Host) -> Seen:
    rows, gap = _search(host)
    groups = {group.gid for group in host.groups}
    found = [path for _, _, uid, gid, _, _, path in rows if uid not in host.user_names or gid not in groups]
    return Seen(found, "find", gap)


@fact("files.setid", TEXTS, "SUID/SGID 程序", "set-id programs", "find")
def setid(host: Host) -> Seen:
    rows, gap = _search(host)
    return Seen(
        [path for mode, kind, *_, path in rows if kind.startswith("-") and int(mode, 8) & 0o6000], "find", gap
    )


# umask and time-out of shells


def _profile_lines(host: Host) -> list[tuple[str, str]]:
    rows = (line.partition("\t") for line in host.cmd("profiles", "lines").lines)
    return [(path, text.partition(" #")[0].strip()) for path, _, text in rows if text.strip()]


@fact("umask.effective", TEXT, "默认 umask", "default umask")
def umask(host: Host) -> Seen:
    values: list[tuple[str, str]] = []
    for path, text in _profile_lines(host):
        values += [(match[1], path) for match in re.finditer(r"\bumask\s+0*([0-7]{1,3})\b", text)]
    if not values:
        pam = (
            host.pam.stack("sshd", "session") + host.pam.stack("login", "session")
            if host.pack.sections.get("pam")
            else []
        )
        argument = next(
            (line.arg("umask") for line in pam if line.module == "pam_umask" and line.arg("umask")), None
        )
        block = host.file("login_defs", "/etc/login.defs")
        text = argument or key_values(block, separator=None).get("umask", "022")
        values = [(text.lstrip("0") or "0", "pam_umask" if argument else "/etc/login.defs")]
    # the weakest one counts: whichever shell is started, one of them applies
    weakest, where = min(values, key=lambda item: (bin(int(item[0], 8)).count("1"), int(item[0], 8)))
    return Seen(weakest.zfill(3), where)


@fact("shell.tmout", NUMBER, "Shell 空闲超时（秒）", "shell idle time-out in seconds")
def tmout(host: Host) -> Seen:
    return _tmout(host)[0]


@fact("shell.tmout_readonly", FLAG, "用户不能修改超时", "users cannot change the time-out")
def tmout_readonly(host: Host) -> bool:
    return _tmout(host)[1]


def _tmout(host: Host) -> tuple[Seen, bool]:
    """Follow the assignments in the order in which a log-in shell meets them; a read-only value stays."""
    value, where, locked = 0, "not set", False
    for path, text in _profile_lines(host):
        if path.endswith((".csh", "csh.cshrc", "csh.login")):
            continue
        if not locked:
            match = re.search(r"\bTMOUT=[\"']?(\d+)", text)
            if match is not None:
                value, where = int(match[1]), path
            elif re.search(r"\bunset\b.*\bTMOUT\b", text):
                value, where = 0, path
        if re.search(r"\breadonly\b[^;#]*\bTMOUT\b|\b(declare|typeset)\s+-\w*r\w*\s+[^;#]*\bTMOUT\b", text):
            locked = True
    return Seen(value, where), locked


@fact("desktop.present", FLAG, "有图形桌面", "there is a desktop")
def desktop_present(host: Host) -> bool:
    return any(line.strip() for line in host.cmd("desktop", "sessions").lines)


@fact("desktop.lock_s", NUMBER, "桌面锁屏时间（秒）", "seconds until the desktop locks")
def desktop_lock(host: Host) -> Seen:
    """Seconds of idling until the screen locks by the system-wide defaults; 0 when locking is off."""
    values: dict[str, str] = {}
    for line in host.cmd("desktop", "lock").lines:
        path, _, text = line.partition(":")
        key, _, value = text.partition("=")
        # what an administrator set wins over what the schema overrides bring
        if key and value and (key not in values or path.startswith("/etc/")):
            values[key.strip()] = value.strip().removeprefix("uint32").strip()
    if "idle-delay" not in values:
        raise NotSeen(Gap.UNDECIDABLE, "no system-wide setting, users decide")
    if values.get("lock-enabled", "true") != "true" or values["idle-delay"] == "0":
        return Seen(0, "dconf")
    return Seen(int(values["idle-delay"]) + int(values.get("lock-delay", "0")), "dconf")


@fact("boot.password", FLAG, "引导程序设有口令", "the boot loader asks for a password")
def boot_password(host: Host) -> Seen:
    block = host.cmd("boot", "grub")
    words = [line.split() for line in block.lines]
    if not words and block.gap() is None:
        raise NotSeen(Gap.UNDECIDABLE, "no GRUB configuration")
    found = any("password" in row[1:] for row in words)
    return Seen(True, "GRUB") if found else not_found("GRUB", block.gap())


@fact("boot.rescue_password", FLAG, "救援模式需要口令", "rescue mode asks for a password")
def rescue_password(host: Host) -> Seen:
    lines = host.cmd("boot", "rescue").lines
    if not lines:
        raise NotSeen(Gap.UNDECIDABLE, "no rescue unit")
    return Seen(all(re.search(r"sulogin", line) for line in lines), "rescue.service, emergency.service")
