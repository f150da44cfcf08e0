"""The system itself: distribution, kernel, container, updates, memory and core dump settings."""

from __future__ import annotations

import re

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXT, TEXTS, NotSeen, Seen, fact, settings
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.pack import Note

_DAY_S = 86_400
_SECURITY_RE = re.compile(r"^Inst (\S+) .*\((\S+) ([^)]*)\)")


@fact("system.container", FLAG, "运行在容器内", "runs in a container")
def container(host: Host) -> bool:
    return host.container != "no"


@fact("system.root", FLAG, "以 root 采集", "collected as root")
def root(host: Host) -> bool:
    return host.is_root


@fact("system.time", NUMBER, "采集时间", "time of collection")
def time(host: Host) -> int:
    return host.now


@fact("os.key", TEXT, "操作系统版本", "operating system", "/etc/os-release")
def os_key(host: Host) -> str:
    release = host.os_release
    version = release.get("version_id", "")
    distribution = release.get("id", "unknown").lower()
    # Debian-like and RHEL-like systems are supported by main version, Ubuntu and openEuler by the full one
    if distribution in ("debian", "rhel", "centos", "rocky", "almalinux", "ol", "fedora"):
        version = version.partition(".")[0]
    stream = "-stream" if distribution == "centos" and "stream" in release.get("name", "").lower() else ""
    return f"{distribution}{stream} {version}".strip()


@fact("os.vendor_policy", FLAG, "银河麒麟或统信系统", "a Kylin or UOS system", "/etc/os-release")
def vendor_policy(host: Host) -> bool:
    return host.os_release.get("id", "").lower() in ("kylin", "uos", "deepin", "kylinsec", "nfschina")


@fact("kernel.reboot_pending", FLAG, "已安装更新的内核但未重启", "a newer kernel waits for a reboot")
def reboot_pending(host: Host) -> Seen:
    if any(line.strip() for line in host.cmd("kernel", "reboot-required").lines):
        return Seen(True, "reboot-required")
    running = host.info["kernel"]
    installed = [line.strip() for line in host.cmd("kernel", "installed").lines if line.strip()]
    flavour = re.sub(r"^[\d.]+(-[\d.]+)*", "", running)
    same = [name for name in installed if re.sub(r"^[\d.]+(-[\d.]+)*", "", name) == flavour] or installed
    if not same or running not in installed:
        raise NotSeen(Gap.UNDECIDABLE, f"{running}, /lib/modules: {', '.join(installed) or '-'}")
    newest = max(same, key=_version_key)
    return Seen(newest != running, f"{running}, newest {newest}")


@fact("kernel.settings", RECORDS, "内核参数", "kernel settings", "/proc/sys")
def kernel_settings(host: Host) -> list[dict[str, str]]:
    rows = (line.partition("=") for line in host.cmd("sysctl", "values").lines if "=" in line)
    return [{"key": key.strip(), "value": value.strip()} for key, _, value in rows]


@fact("kernel.forwarding", FLAG, "转发 IP 报文", "forwards packets", "/proc/sys")
def forwarding(host: Host) -> bool:
    values = {record["key"]: record["value"] for record in kernel_settings(host)}
    if "net.ipv4.ip_forward" not in values:
        raise NotSeen(Gap.MISSING_SECTION, "net.ipv4.ip_forward")
    return values["net.ipv4.ip_forward"] == "1" or values.get("net.ipv6.conf.all.forwarding") == "1"


@fact("packages.names", TEXTS, "已安装软件包", "installed packages")
def package_names(host: Host) -> Seen:
    section = host.section("packages")
    names: list[str] = []
    sources = []
    missing: Note | None = None
    for block in section.blocks:
        if block.name not in ("rpm", "dpkg", "apk"):
            continue
        sources.append(block.name)
        missing = missing or block.gap()
        for line in block.lines:
            words = line.split()
            if block.name == "dpkg":
                # "ii" installed; "rc" means removed with its settings left behind
                if len(words) >= 2 and words[0] == "ii":
                    names.append(words[1].partition(":")[0])
            elif words:
                names.append(words[0] if block.name == "rpm" else words[0].rsplit("-", 2)[0])
    if not names:
        raise NotSeen(Gap.MISSING_SECTION if not sources else Gap.MALFORMED, "packages")
    return Seen(sorted(set(names)), ", ".join(sources), missing)


@fact("packages.count", NUMBER, "软件包数量", "number of packages")
def package_count(host: Host) -> int:
    return len(package_names(host).value)


@fact("updates.security_pending", TEXTS, "未安装的安全更新", "security updates not installed", "apt-get -s")
def security_pending(host: Host) -> Seen:
    section = host.section("updates")
    if section.block("apt") is None:
        # asking dnf or yum writes logs and caches, so the collector does not
        raise NotSeen(Gap.UNDECIDABLE, "the package manager cannot be asked without writing")
    block = host.cmd("updates", "apt")
    if block.rc not in (0, None):
        raise NotSeen(Gap.UNREADABLE, f"apt-get -s, rc {block.rc}")
    age = _lists_age_days(host)
    if age > 30:
        raise NotSeen(Gap.STALE, f"package lists are {age} days old")
    pending = []
    for line in block.lines:
        match = _SECURITY_RE.match(line)
        if match is not None and "security" in match[3].lower():
            pending.append(f"{match[1]} {match[2]}")
    origins = " ".join(line for line in block.lines if line.startswith("Inst "))
    if (
        origins
        and "security" not in origins.lower()
        and host.os_release.get("id", "").lower() not in ("debian", "ubuntu")
    ):
        raise NotSeen(Gap.UNDECIDABLE, "the distribution does not mark security updates")
    return Seen(pending, "apt-get -s", block.gap())


def _lists_age_days(host: Host) -> int:
    times = [int(line.split()[0]) for line in host.cmd("updates", "apt-lists").lines if line[:1].isdigit()]
    lists = [int(line.split()[0]) for line in host.cmd("updates", "apt-lists").lines if "/lists/" in line]
    if not lists:
        raise NotSeen(Gap.STALE, "no package lists" if not times else "package lists are empty")
    return (host.now - max(lists)) // _DAY_S


@fact("updates.last_change_days", NUMBER, "距上次软件变更天数", "days since software last changed")
def last_change_days(host: Host) -> Seen:
    section = host.section("updates")
    lists = section.block("apt-lists")
    for line in lists.lines if lists is not None else ():
        if line.endswith("/var/lib/dpkg/status"):
            return Seen((host.now - int(line.split()[0])) // _DAY_S, "/var/lib/dpkg/status")
    raise NotSeen(Gap.UNDECIDABLE, "no time of the last change")


@fact("dumps.disabled", FLAG, "已禁用核心转储", "core dumps are off")
def dumps_disabled(host: Host) -> Seen:
    limits = [line.split() for line in host.cmd("dumps", "limits").lines]
    hard_zero = any(
        words[0] == "*" and words[1] in ("hard", "-") and words[3] == "0"
        for words in limits
        if len(words) >= 4
    )
    storage = ""
    for block in host.section("dumps").files():
        for line in settings(block):
            key, _, value = line.partition("=")
            if key.strip().lower() == "storage":
                storage = value.strip().lower()
    if storage == "none":
        return Seen(True, "coredump.conf")
    values = {record["key"]: record["value"] for record in kernel_settings(host)}
    to_file_or_pipe = values.get("kernel.core_pattern", "core") != ""
    return Seen(hard_zero or not to_file_or_pipe, "limits.conf" if hard_zero else "limits.conf, core_pattern")


@fact("swap.clear", TEXTS, "未加密的交换区", "swap that is not encrypted")
def clear_swap(host: Host) -> list[str]:
    found = []
    for line in host.cmd("mounts", "swaps").lines:
        name = line.split()[0] if line.split() else ""
        # the mapper does not say that it encrypts, so only names that crypttab knows count as encrypted
        if name.startswith("/") and name not in _encrypted_swaps(host) and not name.startswith("/dev/zram"):
            found.append(name)
    return found


def _encrypted_swaps(host: Host) -> set[str]:
    block = host.file_if_listed("mounts", "/etc/crypttab")
    return {f"/dev/mapper/{line.split()[0]}" for line in settings(block) if line.split()}


@fact("disks.encrypted", TEXTS, "加密的卷", "encrypted volumes", "lsblk, /etc/crypttab")
def encrypted_disks(host: Host) -> Seen:
    block = host.cmd("mounts", "lsblk")
    names = [line.split()[0] for line in block.lines if "crypto_LUKS" in line or " crypt " in f" {line} "]
    return Seen(sorted(set(names)), "lsblk", block.gap())


@fact("logs.free_percent", NUMBER, "日志分区剩余空间百分比", "free space for logs in percent", "df")
def log_space(host: Host) -> Seen:
    best: tuple[int, str, int] | None = None
    for line in host.cmd("mounts", "df").lines:
        words = line.split()
        if len(words) < 6 or not words[4].rstrip("%").isdigit():
            continue
        mount = words[5]
        if "/var/log/".startswith(mount.rstrip("/") + "/"):
            candidate = (len(mount), mount, 100 - int(words[4].rstrip("%")))
            best = max(best, candidate) if best else candidate
    if best is None:
        raise NotSeen(Gap.UNDECIDABLE, "df")
    return Seen(best[2], f"df {best[1]}")


def _version_key(name: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", name)]
