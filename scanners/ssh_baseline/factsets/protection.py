"""Protection and data: mandatory access control, agents, trust, integrity, backup, secrets, network."""

from __future__ import annotations

import re

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
    not_found,
    readable,
    settings,
)
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.pack import Block, Note

_DAY_S = 86_400
_INTRUSION = {
    "elkeid-agent": "Elkeid",
    "elkeid_agent": "Elkeid",
    "wazuh-agentd": "Wazuh",
    "wazuh-modulesd": "Wazuh",
    "ossec-agentd": "OSSEC",
    "ossec-syscheckd": "OSSEC",
    "hostguard": "HostGuard",
    "hostwatch": "HostGuard",
    "AliYunDun": "AliYunDun",
    "AliYunDunMonitor": "AliYunDun",
    "YDService": "YunJing",
    "YDLive": "YunJing",
    "titanagent": "Titan",
    "qingteng": "Titan",
    "falcon-sensor": "Falcon",
    "falco": "Falco",
    "osqueryd": "osquery",
    "samhain": "Samhain",
    "edr_agent": "EDR",
    "sfedr": "Sangfor EDR",
    "eps_daemon": "Sangfor EDR",
    "qaxsafed": "QAX EDR",
    "snort": "Snort",
    "suricata": "Suricata",
    "rkhunter": "rkhunter",
}
_ANTIMALWARE = {
    "clamd": "ClamAV",
    "freshclam": "ClamAV",
    "clamonacc": "ClamAV on access",
    "savd": "Sophos",
    "avpd": "Kaspersky",
    "kesl": "Kaspersky",
    "klnagent": "Kaspersky",
    "ds_agent": "Trend Micro",
    "splxcore": "Trend Micro",
    "mdatp": "Defender",
    "wdavdaemon": "Defender",
    "esets_daemon": "ESET",
    "eset_daemon": "ESET",
    "cmdagent": "Comodo",
    "hipsdaemon": "Huorong",
    "ravd": "Rising",
    "rsavd": "Rising",
    "jmcore": "Jiangmin",
    "qaxsafed": "QAX",
    "qaxtrayd": "QAX",
    "360entd": "360",
    "vrvedp": "VRV",
    "edr_agent": "EDR",
    "eps_daemon": "Sangfor EDR",
    "AliYunDun": "AliYunDun",
    "YDService": "YunJing",
    "hostguard": "HostGuard",
    "elkeid-agent": "Elkeid",
    "elkeid_agent": "Elkeid",
}
_ON_ACCESS = {
    "clamonacc",
    "kesl",
    "wdavdaemon",
    "ds_agent",
    "splxcore",
    "hipsdaemon",
    "qaxsafed",
    "360entd",
    "edr_agent",
    "eps_daemon",
    "AliYunDun",
    "YDService",
    "hostguard",
}
_BACKUP_RE = re.compile(
    r"\b(mysqldump|mariadb-dump|mariabackup|xtrabackup|pg_dump|pg_dumpall|pg_basebackup|pgbackrest|barman|borg|restic|duplicity|rsnapshot|bacula|bareos|amanda|rman|dexp|dmrman|sys_dump|gs_dump|tar\s+-?c|rsync|backup)\w*",
    re.IGNORECASE,
)
_REMOTE_COPY_RE = re.compile(
    r"\b(rsync|scp|sftp|rclone|s3cmd|ossutil\w*|coscli|obsutil|ftp|lftp)\b.*?(\S+@\S+:\S*|\S+::\S+|rsync://\S+|\b\w+:\S+)",
    re.IGNORECASE,
)
_BACKUP_AGENTS = (
    "bacula-fd",
    "bareos-fd",
    "amandad",
    "nbdisco",
    "bpcd",
    "cvd",
    "networker",
    "nsrexecd",
    "veeamservice",
    "vinchin",
    "aishu",
    "anybackup",
    "scutech",
    "dbackup3",
)


def _agents(host: Host, table: dict[str, str]) -> Seen:
    found = sorted({f"{label} ({name})" for name, label in table.items() if name[:15] in host.process_names})
    return Seen(found, "processes", host.cmd("processes", "list").gap())


@fact("agents.intrusion", TEXTS, "主机入侵检测程序", "host intrusion detection software")
def intrusion(host: Host) -> Seen:
    return _agents(host, _INTRUSION)


@fact("agents.antimalware", TEXTS, "防恶意代码程序", "anti-malware software")
def antimalware(host: Host) -> Seen:
    return _agents(host, _ANTIMALWARE)


@fact("malware.signature_age_days", NUMBER, "病毒库天数", "age of the signatures in days")
def signature_age(host: Host) -> Seen:
    times: list[tuple[int, str]] = []
    for line in host.cmd("malware", "signatures").lines:
        words = line.split(None, 6)
        if len(words) == 7 and re.search(r"/(daily\.c[lv]d|virdb|virus\w*|avdb|vdb)$", words[6]):
            times.append((int(words[5]), words[6]))
    if not times:
        raise NotSeen(Gap.UNDECIDABLE, "the signatures of this product are not known to the collector")
    newest, where = max(times)
    return Seen(max(0, (host.now - newest) // _DAY_S), where)


def _job_lines(host: Host) -> tuple[list[tuple[str, str]], Note | None]:
    """Give every line of every schedule with the file it stands in."""
    section = host.section("schedules")
    missing: Note | None = None
    rows: list[tuple[str, str]] = []
    for block in section.files():
        try:
            rows += [(block.name, line) for line in settings(readable(block))]
        except NotSeen as unseen:
            missing = Note(unseen.gap, unseen.detail)
    for name in ("names", "timers"):
        found = section.block(name)
        rows += [(name, line.strip()) for line in (found.lines if found is not None else ())]
    return rows, missing


@fact("malware.scheduled", FLAG, "实时防护或定期查杀", "on-access or scheduled scanning")
def malware_scheduled(host: Host) -> Seen:
    live = [name for name in _ON_ACCESS if name[:15] in host.process_names]
    if live:
        return Seen(True, min(live))
    rows, missing = _job_lines(host)
    jobs = [
        line
        for _, line in rows
        if re.search(r"\b(clamscan|clamdscan|freshclam-scan|kesl-control|savscan)\b", line)
    ]
    return Seen(True, "schedules") if jobs else not_found("schedules, processes", missing)


@fact("malware.signs", TEXTS, "入侵迹象", "signs of compromise")
def signs(host: Host) -> Seen:
    found = [f"ld.so.preload: {line}" for line in settings(host.file("compromise", "/etc/ld.so.preload"))]
    block = host.cmd("compromise", "deleted")
    running = [line.strip().removesuffix(" (deleted)") for line in block.lines if line.strip()]
    # after an update many programs still run from their replaced file; odd places are what counts
    found += [
        f"deleted but running: {path}"
        for path in running
        if path.startswith(("/tmp/", "/var/tmp/", "/dev/shm/", "/home/", "/memfd:"))
    ]
    rows, _ = _job_lines(host)
    found += [
        f"{name}: {line[:100]}"
        for name, line in rows
        if re.search(r"(curl|wget)\s.*\|\s*(ba)?sh\b|/dev/tcp/|base64 -d", line)
    ]
    section = host.section("compromise")
    return Seen(
        found, "ld.so.preload, /proc, schedules", block.gap() or (section.notes[0] if section.notes else None)
    )


# mandatory access control


@fact("mac.mode", TEXT, "强制访问控制状态", "state of mandatory access control")
def mac_mode(host: Host) -> Seen:
    selinux = "".join(host.cmd("mac", "selinux").lines).strip()
    if selinux == "1":
        return Seen("selinux-enforcing", "/sys/fs/selinux/enforce")
    if selinux == "0":
        return Seen("selinux-permissive", "/sys/fs/selinux/enforce")
    section = host.section("mac")
    kysec = section.block("kysec")
    if kysec is not None and any(
        re.search(r"exec control\s*:\s*on|kysec status:\s*(enabled|normal)", line, re.IGNORECASE)
        for line in kysec.lines
    ):
        return Seen("kysec-on", "getstatus")
    apparmor = section.block("apparmor")
    if apparmor is not None and "".join(apparmor.lines).strip() == "Y":
        profiles = section.block("apparmor-profiles")
        if profiles is None:
            if host.is_root:
                return Seen("none", "AppArmor has no profiles")
            raise NotSeen(Gap.NEEDS_ROOT, "AppArmor profiles")
        enforced = sum(1 for line in profiles.lines if line.rstrip().endswith("(enforce)"))
        return Seen(
            "apparmor-enforcing" if enforced else "apparmor-complain", f"{enforced} profiles enforced"
        )
    return Seen("none", "no SELinux, AppArmor or kysec")


@fact("mac.policy", TEXT, "SELinux 策略类型", "SELinux policy", "/etc/selinux/config")
def mac_policy(host: Host) -> str:
    for line in settings(host.file("mac", "/etc/selinux/config")):
        key, _, value = line.partition("=")
        if key.strip() == "SELINUXTYPE":
            return value.strip()
    return "none"


# trust and integrity


@fact("trusted.root", TEXTS, "可信根设备", "devices that are a root of trust")
def trusted_root(host: Host) -> list[str]:
    return sorted(
        {line.strip() for line in host.cmd("trusted", "devices").lines if line.strip().startswith("/dev/t")}
    )


@fact("trusted.measuring", TEXTS, "度量与验证", "measuring and verifying")
def measuring(host: Host) -> Seen:
    found = []
    section = host.section("trusted")
    for block in (section.block("secure-boot"), section.block("efi")):
        text = " ".join(block.lines) if block is not None else ""
        if "SecureBoot enabled" in text or re.search(r"efi\s+6\s+0\s+0\s+0\s+1\b", text):
            found.append("secure boot")
    if any(
        line.split(None, 6)[6:]
        for line in host.cmd("trusted", "logs").lines
        if "binary_bios_measurements" in line
    ):
        found.append("boot measurement log")
    ima = host.section("integrity").block("ima")
    count = "".join(ima.lines).strip() if ima is not None else ""
    if count.isdigit() and int(count) > 1:
        found.append("IMA")
    return Seen(
        sorted(set(found)),
        "efi, securityfs",
        None if host.is_root or found else Note(Gap.NEEDS_ROOT, "securityfs"),
    )


@fact("integrity.databases", TEXTS, "完整性工具数据库", "databases of integrity tools")
def integrity_databases(host: Host) -> Seen:
    block = host.cmd("integrity", "databases")
    names = [line.split(None, 6)[6] for line in block.lines if len(line.split(None, 6)) == 7]
    return Seen(
        [name for name in names if "/var/lib/" in name and ".new" not in name],
        "stat",
        _integrity_gap(host, block),
    )


def _integrity_gap(host: Host, block: Block) -> Note | None:
    ima = host.section("integrity").block("ima")
    folder = [note for note in (ima.notes if ima is not None else []) if "/var/lib/aide" in note.detail]
    return block.gap() or (folder[0] if folder else None)


@fact("integrity.scheduled", TEXTS, "完整性定期检查", "scheduled integrity checks")
def integrity_scheduled(host: Host) -> Seen:
    rows, missing = _job_lines(host)
    found = sorted(
        {
            f"{name}: {line[:80]}"
            for name, line in rows
            if re.search(r"\b(aide|dailyaidecheck|tripwire|samhain)", line)
        }
    )
    return Seen(found, "schedules", None if found else missing)


@fact("verify.changed", TEXTS, "与软件包不一致的程序", "programs that differ from their package")
def verify_changed(host: Host) -> Seen:
    section = host.section("verify")
    block = section.block("dpkg") or section.block("rpm")
    if block is None:
        raise NotSeen(Gap.UNDECIDABLE, "no package manager that can verify")
    found = []
    for line in block.lines:
        if "Permission denied" in line:
            # an ordinary user cannot look there, which is no sign of a change
            continue
        match = re.match(r"(missing|[.S?][.M?][.5?]\S*)\s+([cdglr]\s+)?(/\S+)", line.strip())
        # changed settings (c) are normal, changed programs are not; position 3 is the digest
        if (
            match is not None
            and not (match[2] or "").strip()
            and (match[1] == "missing" or match[1][2] == "5")
        ):
            found.append(f"{match[3]} {match[1]}")
    return Seen(found, block.name, block.gap())


@fact("digests.files", RECORDS, "重要文件摘要", "digests of key files")
def digests(host: Host) -> Seen:
    section = host.section("digests")
    block = section.block("sm3") or section.block("sha256")
    if block is None:
        raise NotSeen(Gap.MISSING_SECTION, "digests")
    pairs = (line.split(None, 1) for line in block.lines)
    rows = [
        {"path": pair[1].lstrip("* "), "digest": f"{block.name}:{pair[0]}"}
        for pair in pairs
        if len(pair) == 2
    ]
    return Seen(rows, block.name, block.gap())


# backup and availability


@fact("backup.jobs", TEXTS, "备份任务", "backup jobs")
def backup_jobs(host: Host) -> Seen:
    rows, missing = _job_lines(host)
    # the system's own copies of its package lists and accounts are not a backup of data
    found = {
        f"{name}: {line[:120]}"
        for name, line in rows
        if _BACKUP_RE.search(line) and not re.search(r"dpkg-db-backup|passwd$|/alternatives|\bdpkg\b", line)
    }
    found |= {f"process {name}" for name in _BACKUP_AGENTS if name[:15] in host.process_names}
    return Seen(sorted(found), "schedules, processes", missing)


@fact("backup.remote", TEXTS, "异地复制目标", "targets of off-site copies")
def backup_remote(host: Host) -> Seen:
    rows, missing = _job_lines(host)
    return Seen(
        sorted({match[2] for _, line in rows if (match := _REMOTE_COPY_RE.search(line)) is not None}),
        "schedules",
        missing,
    )


@fact("cluster.software", TEXTS, "高可用软件", "high availability software")
def cluster(host: Host) -> Seen:
    names = (
        "keepalived",
        "corosync",
        "pacemakerd",
        "heartbeat",
        "repmgrd",
        "patroni",
        "orchestrator",
        "dmwatcher",
        "sentinel",
    )
    found = [name for name in names if name[:15] in host.process_names]
    if any("cs:" in line for line in host.cmd("cluster", "drbd").lines):
        found.append("drbd")
    return Seen(found, "processes", host.cmd("processes", "list").gap())


# secrets


@fact("secrets.settings", TEXTS, "疑似明文口令或密钥的位置", "places that look like secrets in clear text")
def secret_settings(host: Host) -> Seen:
    block = host.cmd("secrets", "settings")
    section = host.section("secrets")
    looked = "".join(host.cmd("secrets", "looked").lines).strip()
    if not looked.isdigit() or int(looked) == 0:
        # nothing found means nothing when nothing was looked at
        raise NotSeen(Gap.UNREADABLE, "no settings file was searched")
    return Seen(
        [line.strip() for line in block.lines if line.strip()],
        "find",
        block.gap() or (section.notes[0] if section.notes else None),
    )


@fact("secrets.history", TEXTS, "历史命令中疑似口令", "shell histories that look like they hold passwords")
def secret_history(host: Host) -> Seen:
    block = host.cmd("secrets", "history")
    section = host.section("secrets")
    found = []
    for line in block.lines:
        words = line.split()
        if len(words) == 3 and words[2].isdigit() and int(words[2]) > 0:
            found.append(f"{words[0]} {words[1]}: {words[2]}")
    return Seen(found, "find", block.gap() or (section.notes[0] if section.notes else None))


# network


@fact("network.interfaces", TEXTS, "网络接口", "network interfaces", "ip addr")
def interfaces(host: Host) -> list[str]:
    names: dict[str, str] = {}
    for line in host.cmd("network", "addresses").lines:
        words = line.split()
        if (
            len(words) >= 4
            and words[2] in ("inet", "inet6")
            and words[1] != "lo"
            and not words[3].startswith("fe80")
        ):
            names.setdefault(words[1], words[3])
    return [f"{name} {address}" for name, address in names.items()]


@fact("network.outbound", TEXTS, "可能的外联路径", "possible ways out")
def outbound(host: Host) -> list[str]:
    routes = [line.strip() for line in host.cmd("network", "routes").lines if line.startswith("default")]
    proxies = [line.strip() for line in host.cmd("network", "proxy").lines if line.strip()]
    servers = [
        line
        for line in settings(host.file_if_listed("network", "/etc/resolv.conf"))
        if line.startswith("nameserver")
    ]
    return routes + proxies + servers


@fact("network.wireless", TEXTS, "无线网卡", "wireless interfaces")
def wireless(host: Host) -> list[str]:
    return sorted(
        {line.split("/")[4] for line in host.cmd("network", "wireless").lines if line.startswith("/sys/")}
    )
