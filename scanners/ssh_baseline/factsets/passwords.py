"""What is asked of passwords and what happens after wrong ones."""

from __future__ import annotations

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import FLAG, NUMBER, RECORDS, TEXTS, NotSeen, Seen, fact
from scanners.ssh_baseline.host import Host
from scanners.ssh_baseline.parts.pam import Complexity

_SECOND_FACTOR = (
    "google_authenticator",
    "oath",
    "radius",
    "u2f",
    "yubico",
    "pkcs11",
    "tacplus",
    "duo",
    "otp",
    "ukey",
)


def _complexity(host: Host) -> list[tuple[str, Complexity]]:
    services = host.pam.password_services()
    if not services:
        raise NotSeen(Gap.UNDECIDABLE, "no service changes passwords through PAM")
    return [(service, host.pam.complexity(service)) for service in services]


@fact("pam.password_minlen", NUMBER, "口令最小长度", "minimum password length")
def password_minlen(host: Host) -> Seen:
    service, weakest = min(_complexity(host), key=lambda item: item[1].min_length)
    return Seen(weakest.min_length, f"{service}: {weakest.module or 'pam_unix'}")


@fact("pam.password_classes", NUMBER, "要求的字符种类数", "character classes asked for")
def password_classes(host: Host) -> Seen:
    service, weakest = min(_complexity(host), key=lambda item: item[1].classes)
    return Seen(weakest.classes, f"{service}: {weakest.module or 'no complexity module'}")


@fact("pam.complexity_enforced", FLAG, "复杂度模块生效", "a complexity module is binding")
def complexity_enforced(host: Host) -> Seen:
    service, weakest = min(_complexity(host), key=lambda item: item[1].enforced)
    return Seen(weakest.enforced, f"{service}: {weakest.module or 'none'}")


@fact("pam.complexity_for_root", FLAG, "复杂度要求对 root 生效", "the complexity module binds root too")
def complexity_for_root(host: Host) -> Seen:
    service, weakest = min(_complexity(host), key=lambda item: item[1].for_root)
    return Seen(weakest.for_root, f"{service}: {weakest.module or 'none'}")


@fact("pam.password_history", NUMBER, "禁止重复使用的历史口令数", "old passwords refused")
def password_history(host: Host) -> Seen:
    services = host.pam.password_services()
    if not services:
        raise NotSeen(Gap.UNDECIDABLE, "no service changes passwords through PAM")
    service = min(services, key=host.pam.history)
    return Seen(host.pam.history(service), f"/etc/pam.d/{service}")


@fact("pam.accepts_empty", FLAG, "PAM 接受空口令", "PAM accepts empty passwords", "/etc/pam.d")
def accepts_empty(host: Host) -> Seen:
    files = [
        service
        for service in host.pam.services()
        for line in host.pam.own_lines(service)
        if line.kind == "auth"
        and line.module in ("pam_unix", "pam_unix2")
        and {"nullok", "nullok_secure"} & {*line.args}
    ]
    return Seen(bool(files), f"nullok: {', '.join(files[:6])}" if files else "/etc/pam.d")


def _log_in_services(host: Host) -> list[str]:
    """Give the services through which somebody logs in with a password."""
    services = ["login"] if host.pam.has("login") else []
    if host.pam.has("sshd") and _ssh_takes_passwords(host):
        services.append("sshd")
    return services or [
        name for name in ("system-auth", "common-auth", "password-auth") if host.pam.has(name)
    ]


def _ssh_takes_passwords(host: Host) -> bool:
    try:
        if not host.sshd.installed:
            return False
        password = host.sshd.weakest("passwordauthentication", lambda value: value == "yes")[0]
        keyboard = host.sshd.weakest("kbdinteractiveauthentication", lambda value: value == "yes")[0]
    except NotSeen:
        # it usually does, and taking it for granted only asks more of the host
        return True
    return "yes" in (password, keyboard)


@fact("pam.lockouts", RECORDS, "登录失败锁定", "lock-out after wrong passwords", "/etc/pam.d")
def lockouts(host: Host) -> list[dict[str, object]]:
    services = _log_in_services(host)
    if not services:
        raise NotSeen(Gap.UNDECIDABLE, "no log-in service in /etc/pam.d")
    rows: list[dict[str, object]] = []
    for service in services:
        lockout = host.pam.lockout(service)
        bypassed = service == "sshd" and _without_pam(host)
        rows.append(
            {
                "service": service,
                "module": lockout.module or "none",
                "wired": lockout.wired and not bypassed,
                "deny": lockout.deny,
                "unlock_s": lockout.unlock_s,
                "root": lockout.root,
            }
        )
    return rows


def _without_pam(host: Host) -> bool:
    try:
        return host.sshd.weakest("usepam", lambda value: value == "no")[0] == "no"
    except NotSeen:
        return False


@fact("pam.su_limited", FLAG, "su 仅限特定组", "su is limited to a group", "/etc/pam.d/su")
def su_limited(host: Host) -> bool:
    if not host.pam.has("su"):
        raise NotSeen(Gap.ABSENT, "/etc/pam.d/su")
    for line in host.pam.stack("su", "auth"):
        if line.module == "pam_wheel" and line.binding and "deny" not in line.args:
            return True
        if line.module == "pam_succeed_if" and line.binding and "ingroup" in line.args:
            return True
    return False


@fact(
    "pam.loginuid", TEXTS, "记录登录身份的服务", "log-in services that fix the audit identity", "/etc/pam.d"
)
def loginuid(host: Host) -> list[str]:
    return [
        service
        for service in ("sshd", "login", "crond", "cron", "gdm-password", "lightdm", "remote")
        if any(line.module == "pam_loginuid" for line in host.pam.stack(service, "session"))
    ]


@fact("auth.second_factor", TEXTS, "第二鉴别因素", "second factors in use")
def second_factor(host: Host) -> Seen:
    found = [
        line.module
        for line in host.pam.stack("sshd", "auth")
        if any(word in line.module for word in _SECOND_FACTOR)
    ]
    methods = ""
    try:
        methods = host.sshd.candidates("authenticationmethods")[0][0]
    except NotSeen:
        methods = ""
    # a list of alternatives is as strong as its weakest one
    alternatives = methods.split()
    if alternatives and all({"publickey"} < {*one.split(",")} for one in alternatives):
        found.append(f"AuthenticationMethods {methods}")
    return Seen(found, "sshd, /etc/pam.d/sshd")
