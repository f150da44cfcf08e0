"""Services, listeners, shares, the firewall and who may reach the management."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import FLAG, RECORDS, TEXT, TEXTS, NotSeen, Seen, fact, readable, settings
from scanners.ssh_baseline.factsets.audit import unit_active
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.pack import Block, Note

# port, protocol, what it is; tcp 514 is also a usual port of a log service
_CLEAR_TEXT = {
    (21, "tcp"): "ftp",
    (23, "tcp"): "telnet",
    (69, "udp"): "tftp",
    (512, "tcp"): "rexec",
    (513, "tcp"): "rlogin",
    (514, "tcp"): "rsh",
}
_CLEAR_TEXT_PROCESSES = (
    "in.telnetd",
    "telnetd",
    "in.rlogind",
    "in.rshd",
    "in.rexecd",
    "vsftpd",
    "proftpd",
    "pure-ftpd",
    "in.tftpd",
    "tftpd",
)
_LOGGERS = ("rsyslogd", "syslog-ng", "syslogd")
_CONSOLES = (
    {9090: "cockpit", 10000: "webmin"}
    | dict.fromkeys(range(5900, 5911), "vnc")
    | dict.fromkeys(range(6000, 6011), "x11")
)
_DAEMONS = (
    "mysqld",
    "mariadbd",
    "postgres",
    "postmaster",
    "java",
    "nginx",
    "redis-server",
    "valkey-server",
    "mongod",
    "httpd",
    "apache2",
    "memcached",
    "rabbitmq-server",
    "beam.smp",
    "php-fpm",
    "dmserver",
    "kingbase",
    "gaussdb",
)


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for others."""

    proto: str
    address: str
    port: int
    process: str

    @property
    def local(self) -> bool:
        """Whether only this host can reach it."""
        text = self.address.partition("%")[0].strip("[]")
        if text in ("*", ""):
            return False
        return ipaddress.ip_address(text).is_loopback


def _read_listeners(host: Host) -> tuple[list[Listener], str, Note | None]:
    section = host.section("listeners")
    for name in ("ss", "netstat", "proc"):
        block = section.block(name)
        if block is None or not block.lines:
            continue
        read = _from_proc if name == "proc" else _from_table
        return [found for line in block.lines if (found := read(line)) is not None], name, block.gap()
    host.cmd("listeners", "ss")
    return [], "ss", None


def _from_table(line: str) -> Listener | None:
    words = line.split()
    if not words or not words[0].startswith(("tcp", "udp")):
        return None
    column = 4 if words[1] in ("LISTEN", "UNCONN") else 3
    if len(words) <= column or (words[0].startswith("tcp") and "LISTEN" not in words):
        return None
    address, _, port = words[column].rpartition(":")
    match = re.search(r'users:\(\("([^"]+)"|\s\d+/(\S+)', line)
    process = (match[1] or match[2] or "") if match is not None else ""
    return Listener(words[0][:3], address, int(port), process.rstrip(":")) if port.isdigit() else None


def _from_proc(line: str) -> Listener | None:
    proto, _, local = line.partition(" ")
    address, _, port = local.strip().partition(":")
    raw = bytes.fromhex(address)
    # the kernel writes 32-bit words in the byte order of the machine; all supported machines are little-endian
    packed = b"".join(raw[n : n + 4][::-1] for n in range(0, len(raw), 4))
    return Listener(proto[:3], str(ipaddress.ip_address(packed)), int(port, 16), "")


@fact("listeners.exposed", RECORDS, "对外监听端口", "ports that others can reach")
def exposed(host: Host) -> Seen:
    listeners, source, gap = _read_listeners(host)
    rows = [
        {"proto": found.proto, "port": found.port, "address": found.address, "process": found.process or None}
        for found in sorted(set(listeners), key=lambda one: (one.port, one.proto, one.address))
        if not found.local
    ]
    return Seen(rows, source, gap)


@fact("listeners.exposed_ports", TEXTS, "对外监听的端口号", "numbers of ports that others can reach")
def exposed_ports(host: Host) -> Seen:
    listeners, source, gap = _read_listeners(host)
    return Seen(sorted({found.port for found in listeners if not found.local}), source, gap)


@fact("listeners.consoles", TEXTS, "图形或网页远程控制端口", "ports of graphical or web consoles")
def consoles(host: Host) -> Seen:
    listeners, source, gap = _read_listeners(host)
    found = {
        f"{_CONSOLES[one.port]} {one.address}:{one.port}"
        for one in listeners
        if one.proto == "tcp" and one.port in _CONSOLES and not one.local and one.process != "sshd"
    }
    return Seen(sorted(found), source, gap)


@fact("services.clear_text_login", TEXTS, "明文登录服务", "log-in services in clear text")
def clear_text_login(host: Host) -> Seen:
    listeners, source, gap = _read_listeners(host)
    found = set()
    for one in listeners:
        kind = _CLEAR_TEXT.get((one.port, one.proto))
        if kind is None or one.local or one.process in _LOGGERS:
            continue
        if kind == "rsh" and not one.process:
            if not host.process_names & {*_LOGGERS}:
                found.add(f"{kind} {one.address}:{one.port}")
            else:
                gap = gap or Note(Gap.NEEDS_ROOT, "owner of tcp port 514")
            continue
        found.add(f"{kind} {one.address}:{one.port}")
    # a daemon that listens was found by its port; one that is started per connection shows only its name
    names = {name for name in _CLEAR_TEXT_PROCESSES if name in host.process_names}
    local_only = {one.process for one in listeners if one.local}
    found |= {f"process {name}" for name in names - local_only}
    return Seen(sorted(found), source, gap)


@fact("services.enabled", TEXTS, "启用或运行的服务", "services enabled or running")
def enabled(host: Host) -> Seen:
    """Names without ending: units that are enabled or active, start scripts, and running programs."""
    section = host.section("units")
    names: set[str] = set()
    missing: Note | None = None
    for block_name, column, states in (
        ("unit-files", 1, ("enabled", "enabled-runtime")),
        ("units", 2, ("active",)),
    ):
        block = section.block(block_name)
        for line in block.lines if block is not None else ():
            words = line.replace("●", " ").split()
            if len(words) > column and words[column] in states:
                names.add(words[0].rpartition(".")[0])
        missing = missing or (block.gap() if block is not None else None)
    for line in host.cmd("units", "sysv").lines:
        names.add(re.sub(r"^S\d+", "", line.rpartition("/")[2].strip()))
    source = "systemctl" if section.block("unit-files") is not None else "start scripts, processes"
    running = host.cmd("processes", "list")
    return Seen(sorted(names | host.process_names), source, missing or running.gap())


@fact("units.default_target", TEXT, "默认启动目标", "default target", "systemctl get-default")
def default_target(host: Host) -> str:
    block = host.section("units").block("default-target")
    if block is None or not block.lines:
        raise NotSeen(Gap.NO_SYSTEMD, host.info.get("init", ""))
    return block.lines[0].strip()


@fact("units.systemd", FLAG, "运行 systemd", "systemd runs")
def systemd(host: Host) -> bool:
    return host.section("units").block("unit-files") is not None


@fact("services.daemons", RECORDS, "服务进程的运行身份", "identities of service processes", "/proc")
def daemons(host: Host) -> Seen:
    """One record per daemon; ``root`` is true when a worker runs as root, not only its parent."""
    parents = {pid: (uid, name) for pid, _, uid, name in host.processes}
    rows = []
    for daemon in _DAEMONS:
        own = [(ppid, uid) for _, ppid, uid, name in host.processes if name == daemon[:15]]
        if not own:
            continue
        children = [uid for ppid, uid in own if parents.get(ppid, (0, ""))[1] == daemon[:15]]
        users = {host.owner(uid) for uid in (children or [uid for _, uid in own])}
        rows.append({"name": daemon, "users": ", ".join(sorted(users)), "root": "root" in users})
    return Seen(rows, "/proc", host.cmd("processes", "list").gap())


@fact(
    "services.daemons_present",
    FLAG,
    "有需要关注的服务进程",
    "there are service processes to look at",
    "/proc",
)
def daemons_present(host: Host) -> bool:
    return any(name[:15] in host.process_names for name in _DAEMONS)


@fact("samba.open_shares", TEXTS, "可匿名访问的共享", "shares open to guests", "smb.conf")
def open_shares(host: Host) -> list[str]:
    block = host.file("shares", "/etc/samba/smb.conf")
    share = "global"
    guest: dict[str, bool] = {}
    for line in settings(block, comment="#;"):
        if line.startswith("["):
            share = line.strip("[]").strip().lower()
            continue
        key, _, value = line.partition("=")
        name, yes = key.strip().lower().replace(" ", ""), value.strip().lower() in ("yes", "true", "1")
        if name in ("guestok", "public", "guestonly"):
            guest[share] = yes
    everywhere = guest.pop("global", False)
    return sorted(name for name, yes in guest.items() if yes) + (["global"] if everywhere else [])


@fact("samba.present", FLAG, "使用 Samba", "Samba is in use")
def samba_present(host: Host) -> bool:
    section = host.section("shares")
    block = section.block("/etc/samba/smb.conf")
    if block is None:
        raise NotSeen(Gap.MISSING_SECTION, "/etc/samba/smb.conf")
    return block.state != "absent" and "smbd" in host.process_names


@fact("nfs.risky_exports", TEXTS, "有风险的 NFS 导出", "exports without limits", "/etc/exports")
def risky_exports(host: Host) -> list[str]:
    section = host.section("shares")
    blocks = [
        host.file("shares", "/etc/exports"),
        *(readable(block) for block in section.files("/etc/exports.d/")),
    ]
    found = []
    for line in (line for block in blocks for line in settings(block)):
        path, *clients = line.partition(" #")[0].split()
        if not clients:
            found.append(f"{path} (everyone)")
        for client in clients:
            name, _, options = client.partition("(")
            if name in ("", "*", "0.0.0.0/0", "::/0") or "no_root_squash" in options:
                found.append(f"{path} {client}")
    return found


@fact("nfs.exports", FLAG, "有 NFS 导出", "something is exported")
def exports_present(host: Host) -> bool:
    section = host.section("shares")
    blocks = [
        host.file("shares", "/etc/exports"),
        *(readable(block) for block in section.files("/etc/exports.d/")),
    ]
    return any(settings(block) for block in blocks)


# the firewall


def _chains(lines: list[str]) -> tuple[list[str], bool]:
    """Give the policies of input chains in iptables-save text, and whether a last rule refuses the rest."""
    policies = [line.split()[1] for line in lines if line.startswith(":INPUT ")]
    rules = [line for line in lines if line.startswith("-A INPUT ")]
    return policies, bool(rules) and re.fullmatch(
        r"-A INPUT -j (DROP|REJECT.*)", rules[-1].strip()
    ) is not None


@fact("firewall.active", FLAG, "主机防火墙启用", "a host firewall is on")
def firewall_active(host: Host) -> Seen:
    return _firewall(host)[0]


@fact("firewall.default_deny", FLAG, "入站默认拒绝", "inbound traffic is refused by default")
def firewall_default_deny(host: Host) -> Seen:
    return _firewall(host)[1]


def _firewall(host: Host) -> tuple[Seen, Seen]:
    section = host.section("firewall")
    firewalld, ufw = section.block("firewalld-state"), section.block("ufw")
    if firewalld is not None and any("running" in line and "not" not in line for line in firewalld.lines):
        return Seen(True, "firewalld"), Seen(
            "ACCEPT" not in _active_targets(section.block("firewalld")), "firewalld"
        )
    if ufw is not None and any(line.strip() == "Status: active" for line in ufw.lines):
        deny = any(re.match(r"Default: (deny|reject) \(incoming\)", line.strip()) for line in ufw.lines)
        return Seen(True, "ufw"), Seen(deny, "ufw")
    for name in ("nft", "iptables"):
        block = section.block(name)
        if block is None or not block.lines:
            continue
        if name == "nft":
            active, deny = _nft(block.lines)
        else:
            policies, last_refuses = _chains(block.lines)
            active = any(line.startswith("-A INPUT ") for line in block.lines) or "DROP" in policies
            deny = "DROP" in policies or last_refuses
        if active:
            return Seen(True, name), Seen(deny, name)
    if not host.is_root:
        raise NotSeen(Gap.NEEDS_ROOT, "firewall rules")
    return Seen(False, "no firewall rules"), Seen(False, "no firewall rules")


def _active_targets(block: Block | None) -> set[str]:
    """Give the targets of active zones; every target but ACCEPT refuses what no rule names."""
    targets: set[str] = set()
    active = False
    for line in block.lines if block is not None else ():
        if line.strip() and not line.startswith(" "):
            active = "(active)" in line
        elif active and line.strip().startswith("target:"):
            targets.add(line.partition(":")[2].strip())
    return targets


def _nft(lines: list[str]) -> tuple[bool, bool]:
    text = "\n".join(lines)
    chains = re.findall(r"chain \S+ \{([^}]*)\}", text)
    inputs = [chain for chain in chains if "hook input" in chain]
    active = any(
        re.search(r"\b(accept|drop|reject)\b", re.sub(r"policy \w+;", "", chain)) for chain in inputs
    )
    deny = any(
        "policy drop" in chain or re.search(r"\n\s*(drop|reject)[^\n]*\n?\s*$", chain) for chain in inputs
    )
    return active or deny, deny


# who may reach the management


@fact("access.management_limits", TEXTS, "管理终端来源限制", "limits of management sources")
def management_limits(host: Host) -> Seen:
    """Settings on the host that let only named sources reach the SSH service."""
    found = []
    missing: Note | None = None
    try:
        for value, _ in host.sshd.candidates("allowusers"):
            entries = value.split()
            if entries and all("@" in entry and not entry.endswith("@*") for entry in entries):
                found.append(f"AllowUsers {value}")
    except NotSeen as absent:
        if host.sshd.effective is None and host.sshd.file_values is None:
            missing = Note(absent.gap, absent.detail)
    found += _wrappers(host) + _firewall_ssh(host)
    if not host.is_root:
        missing = missing or Note(Gap.NEEDS_ROOT, "firewall rules")
    return Seen(sorted(set(found)), "sshd, hosts.allow, firewall", None if found else missing)


def _wrappers(host: Host) -> list[str]:
    section = host.pack.sections.get("hosts_access")
    if section is None:
        return []
    deny = settings(section.block("/etc/hosts.deny"))
    allow = settings(section.block("/etc/hosts.allow"))
    closed = any(re.match(r"(ALL|sshd)\s*:\s*ALL\b", line, re.IGNORECASE) for line in deny)
    named = [
        line
        for line in allow
        if re.match(r"(ALL|sshd)\s*:", line, re.IGNORECASE)
        and not re.search(r":\s*ALL\b", line, re.IGNORECASE)
    ]
    # upstream OpenSSH dropped these files in 6.7; Debian-like systems still honour them
    version = host.sshd.version or (9, 0)
    if closed and named and (host.family == "debian" or version < (7, 0)):
        return [f"hosts.allow {line}" for line in named]
    return []


def _firewall_ssh(host: Host) -> list[str]:
    section = host.pack.sections.get("firewall")
    if section is None:
        return []
    found = []
    for name, pattern in (
        ("iptables", r"-A INPUT .*-s (\S+) .*--dport 22\b.*-j ACCEPT"),
        ("nft", r"ip6? saddr (\S+|\{[^}]*\}) tcp dport (?:22|ssh)\b.*accept"),
        ("ufw", r"22(?:/tcp)?\s+ALLOW IN\s+(\d\S*)"),
        ("firewalld", r'source address="([^"]+)".*(?:service name="ssh"|port port="22").*accept'),
    ):
        block = section.block(name)
        lines = block.lines if block is not None else []
        sources = [match[1] for line in lines if (match := re.search(pattern, line)) is not None]
        open_to_all = any(
            re.search(
                r"-A INPUT (?!.*-s ).*--dport 22\b.*-j ACCEPT|^\s*tcp dport (22|ssh) accept|22(/tcp)?\s+ALLOW IN\s+Anywhere",
                line,
            )
            for line in lines
        )
        if (
            sources
            and not open_to_all
            and name != "firewalld"
            or (
                sources
                and name == "firewalld"
                and not any(re.match(r"\s*services:.*\bssh\b", line) for line in lines)
            )
        ):
            found += [f"{name} {source}" for source in sources]
    return found


@fact("services.active_fail2ban", TEXTS, "暴力破解阻断软件", "software that blocks guessing")
def brute_force(host: Host) -> Seen:
    found = [
        name
        for name in ("fail2ban-server", "denyhosts", "sshguard", "denyhosts.py")
        if name[:15] in host.process_names
    ]
    if not found and unit_active(host, "fail2ban.service", "sshguard.service"):
        found = ["fail2ban or sshguard unit"]
    return Seen(found, "processes", host.cmd("processes", "list").gap())
