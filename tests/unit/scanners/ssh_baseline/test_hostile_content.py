"""Senseless content in every section: facts may be missing, parsing never fails and nothing turns good."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanners.baseline.evaluate import evaluate
from scanners.baseline.loader import load_rules
from scanners.ssh_baseline.facts import FACTS, facts_from_sample

# the blocks that are read by column or pattern, with pieces that look right at first
_BLOCKS = {
    "accounts": ["passwd", "group"],
    "shadow": ["shadow"],
    "login_defs": ["/etc/login.defs"],
    "pwquality": ["/etc/security/pwquality.conf", "/etc/passwdqc.conf", "/etc/deepin/dde.conf"],
    "pam": [
        "/etc/pam.d/passwd",
        "/etc/pam.d/login",
        "/etc/pam.d/sshd",
        "/etc/pam.d/su",
        "/etc/security/faillock.conf",
    ],
    "sshd": ["sshd-path", "ssh-version", "effective", "effective-root"],
    "sshd_config": ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/a.conf"],
    "units": ["unit-files", "units", "sysv", "default-target"],
    "processes": ["list"],
    "listeners": ["ss", "netstat", "proc"],
    "packages": ["dpkg", "rpm"],
    "updates": ["apt", "apt-lists"],
    "kernel": ["installed", "reboot-required"],
    "sysctl": ["values"],
    "mounts": ["df", "swaps", "lsblk", "/etc/crypttab"],
    "files": ["stat"],
    "homes": ["stat"],
    "keys": ["authorized-keys alice"],
    "sudo": ["/etc/sudoers", "/etc/sudoers.d/a"],
    "schedules": ["/etc/crontab", "timers", "names"],
    "audit": ["status", "rules", "/etc/audit/auditd.conf"],
    "syslog": ["/etc/rsyslog.conf", "journal", "/etc/systemd/journald.conf"],
    "logrotate": ["/etc/logrotate.conf", "/etc/logrotate.d/x"],
    "logs": ["stat", "journal-oldest"],
    "log_samples": ["audit-fields", "auth-shape"],
    "clock": ["chrony", "ntpq", "timedatectl"],
    "firewall": ["firewalld-state", "firewalld", "nft", "iptables", "ufw"],
    "hosts_access": ["/etc/hosts.allow", "/etc/hosts.deny"],
    "mac": ["selinux", "apparmor", "apparmor-profiles", "kysec", "/etc/selinux/config"],
    "boot": ["grub", "rescue"],
    "searches": ["find"],
    "shares": ["/etc/exports", "/etc/samba/smb.conf"],
    "profiles": ["lines"],
    "desktop": ["sessions", "lock"],
    "logins": ["lastlog", "last"],
    "malware": ["signatures"],
    "integrity": ["databases", "ima"],
    "trusted": ["devices", "secure-boot", "efi", "logs"],
    "compromise": ["/etc/ld.so.preload", "deleted"],
    "digests": ["sm3"],
    "verify": ["dpkg"],
    "network": ["addresses", "routes", "proxy", "wireless"],
    "secrets": ["settings", "history"],
    "dumps": ["limits"],
    "cluster": ["drbd"],
    "weak_passwords": ["result"],
    "system": ["info"],
    "os": ["/etc/os-release"],
}
_WORDS = [
    "root:x:0:0::/root:/bin/bash", "root:hash:6:99999999999999999999:::::", ":::::::::", "x:x:-1:-1::::", "a:x:0:0",
    "auth required pam_unix.so", "password requisite pam_pwquality.so minlen=99999999999999999999 dcredit=--1",
    "password required pam_passwdqc.so min=a,b,,", "@include passwd", "auth include login", "auth [default=die",
    "auth [success=", "Include *", "Match", "Match User", "permitrootlogin", "maxauthtries none", "clientaliveinterval 5y",
    "logingracetime", "tcp LISTEN 0 1 :x:y", "tcp LISTEN 0 1 999.1.1.1:22 *", "udp UNCONN 0 0 [zz]:99999", "tcp ZZ:ZZ", "tcp 00:0016",
    "9999999999 -rwx 0 0 0 0 /x", "888 d 0 0 0 0 /x", "4755 -rwsr-xr-x 0 0 1 99999999999999999999 /usr/bin/su",
    "%x ALL", "= = =", "x=(ALL", "A_Alias X = X", "User_Alias X = X", "X ALL=ALL", "-a always,exit -F auid=", "-w", "enabled", "enabled 9",
    "weekly", "rotate", "rotate x", "/var/log/secure {", "}", "postrotate", "size", "*.*", "*.* @@", 'action(type="omfwd" target="',
    "System time : x seconds", "Leap status", "*", "* a b c d e f g h i j", "table inet x {", "chain input {", ":INPUT", "-A INPUT",
    "umask 999", "/etc/profile\tumask 9", "/etc/profile\tTMOUT=99999999999999999999", "idle-delay=uint32 x", "a:idle-delay=uint32 -5",
    "x Mon Feb 31 25:61:61 +9999 2025", "alice pts/0 10.0.0.5", "1 2 3", "time=now", "uid=", "kernel=", "ID=", "VERSION_ID=\"", "\x00\x1b[31m",
    "Inst", "Inst x (y z)", "x /lists/", "NaN /var/lib/apt/lists/x", "/data *(", "[global", "guest ok", "=", "\u202e", "0", "-", "\t", " ",
]  # fmt: skip

_LINES = st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=40)), max_size=6).map("\n".join)


@st.composite
def hosts(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    names = draw(st.lists(st.sampled_from(sorted(_BLOCKS)), min_size=1, max_size=12, unique=True))
    return {name: {block: draw(_LINES) for block in _BLOCKS[name]} for name in names}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(hosts())
def test_senseless_content_is_survived(sections: dict[str, dict[str, object]]) -> None:
    """Whatever stands in a section, every fact exists and every rule has an outcome with a reason."""
    facts = facts_from_sample(sections)
    outcomes = evaluate(load_rules("linux"), facts)

    assert facts.facts.keys() == FACTS.keys()
    assert len(outcomes) == len(load_rules("linux"))
    assert all(outcome.reason.zh and outcome.reason.en for outcome in outcomes)
