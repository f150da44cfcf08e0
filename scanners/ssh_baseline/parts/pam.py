"""Stacks of authentication modules, with includes resolved and in the order in which they act."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanners.baseline.model import Gap
from scanners.ssh_baseline.factkit import NotSeen, key_values, readable, settings
from scanners.ssh_baseline.pack import Block

if TYPE_CHECKING:
    from scanners.ssh_baseline.host import Host

_FOLDER = "/etc/pam.d/"
_LINE_RE = re.compile(r"-?(auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", re.IGNORECASE)
_MAX_DEPTH = 8

COMPLEXITY_MODULES = ("pam_pwquality", "pam_cracklib", "pam_passwdqc", "pam_deepin_pw_check", "pam_pwcheck")
_STORING_MODULES = ("pam_unix", "pam_unix2", "pam_tcb")
_FALLBACK_SERVICES = ("common-password", "system-auth", "password-auth")
_HASH_ARGUMENTS = ("md5", "bigcrypt", "sha256", "sha512", "blowfish", "gost_yescrypt", "yescrypt", "sm3")


@dataclass(frozen=True, slots=True)
class PamLine:
    """One module in a stack. ``module`` without folder and ending, ``control`` in lower case."""

    kind: str
    control: str
    module: str
    args: tuple[str, ...]

    def arg(self, name: str) -> str | None:
        """Give the value of ``name=value``, the last one when it stands twice."""
        found = [arg.partition("=")[2] for arg in self.args if arg.partition("=")[0] == name and "=" in arg]
        return found[-1] if found else None

    def number(self, name: str) -> int | None:
        """Give ``name=value`` as a number."""
        value = self.arg(name)
        return int(value) if value is not None and value.lstrip("-").isdigit() else None

    @property
    def binding(self) -> bool:
        """Whether a "no" of this module ends in a "no" of the stack."""
        if self.control.startswith("["):
            actions = dict(part.split("=", 1) for part in self.control.strip("[]").split() if "=" in part)
            return actions.get("default", "bad") in ("die", "bad")
        return self.control in ("required", "requisite")


@dataclass(frozen=True, slots=True)
class Complexity:
    """What a new password must be like, for one service."""

    module: str
    enforced: bool
    for_root: bool
    min_length: int
    classes: int


@dataclass(frozen=True, slots=True)
class Lockout:
    """What happens after wrong passwords, for one service. ``unlock_s`` 0 means until an administrator acts."""

    service: str
    module: str
    wired: bool
    deny: int
    unlock_s: int
    root: bool


class PamFiles:
    """The files of ``/etc/pam.d`` and the settings files of the modules."""

    def __init__(self, files: Mapping[str, Block], conf: Callable[[str], Mapping[str, str]]) -> None:
        self._files = files
        self._conf = conf

    def services(self) -> list[str]:
        """Give the names of all files."""
        return sorted(self._files)

    def has(self, service: str) -> bool:
        """Say whether a service has its own file."""
        return service in self._files

    def own_lines(self, service: str) -> list[PamLine]:
        """Give the modules of one file without those that it includes."""
        return self._parse(service, ("auth", "account", "password", "session"), depth=_MAX_DEPTH)

    def stack(self, service: str, kind: str) -> list[PamLine]:
        """Give the modules of one kind in order, includes resolved."""
        return self._parse(service, (kind,), depth=0)

    def _parse(self, service: str, kinds: tuple[str, ...], depth: int) -> list[PamLine]:
        block = self._files.get(service)
        if block is None or depth > _MAX_DEPTH:
            return []
        if readable(block) is None:
            return []
        lines: list[PamLine] = []
        for raw in settings(block):
            text = raw.partition(" #")[0].strip()
            if text.lower().startswith("@include"):
                lines += self._parse(text.split()[-1], kinds, depth + 1)
                continue
            match = _LINE_RE.fullmatch(text)
            if match is None or match[1].lower() not in kinds:
                continue
            control = match[2].lower()
            if control in ("include", "substack"):
                lines += self._parse(match[3], kinds, depth + 1)
            else:
                module = match[3].rpartition("/")[2].removesuffix(".so")
                lines.append(PamLine(match[1].lower(), control, module, tuple(match[4].split())))
        return lines

    # what is asked of new passwords

    def password_services(self) -> list[str]:
        """Give the services through which a password is changed."""
        direct = [name for name in ("passwd", "sshd", "login") if self.stack(name, "password")]
        return direct or [name for name in _FALLBACK_SERVICES if self.stack(name, "password")]

    def complexity(self, service: str) -> Complexity:
        """Work out what one service asks of a new password."""
        stack = self.stack(service, "password")
        storing = _index(stack, _STORING_MODULES)
        place = _index(stack, COMPLEXITY_MODULES)
        if place is None:
            unix = stack[storing] if storing is not None else None
            return Complexity("", False, False, (unix.number("minlen") if unix else None) or 6, 0)
        line = stack[place]
        enforced = line.binding and (storing is None or place < storing)
        if line.module == "pam_passwdqc":
            return self._passwdqc(line, enforced)
        if line.module == "pam_deepin_pw_check":
            return self._deepin(line, enforced)
        return self._pwquality(line, enforced)

    def _pwquality(self, line: PamLine, enforced: bool) -> Complexity:
        conf = self._conf("pwquality") if line.module == "pam_pwquality" else {}
        cracklib = line.module != "pam_pwquality"

        def number(name: str, default: int) -> int:
            own = line.number(name)
            text = conf.get(name, "")
            return own if own is not None else int(text) if text.lstrip("-").isdigit() else default

        credits = [
            number(name, 1 if cracklib else 0) for name in ("dcredit", "ucredit", "lcredit", "ocredit")
        ]
        length = number("minlen", 9 if cracklib else 8) - sum(credit for credit in credits if credit > 0)
        classes = max(number("minclass", 0), sum(1 for credit in credits if credit < 0))
        for_root = "enforce_for_root" in line.args or "enforce_for_root" in conf
        return Complexity(line.module, enforced, for_root, max(length, 6 if not cracklib else 0), classes)

    def _passwdqc(self, line: PamLine, enforced: bool) -> Complexity:
        conf = self._conf("passwdqc")
        text = line.arg("min") or conf.get("min", "disabled,24,11,8,7")
        lengths = [None if part == "disabled" else int(part) for part in text.split(",") if part]
        usable = [length for length in lengths if length is not None]
        # places: one class, two classes, phrases, three classes, four classes
        per_class = [lengths[n] for n in (0, 1, 3, 4) if n < len(lengths)]
        classes = next((n + 1 for n, length in enumerate(per_class) if length is not None), 4)
        everyone = (line.arg("enforce") or conf.get("enforce", "everyone")) == "everyone"
        return Complexity(line.module, enforced, everyone, min(usable, default=0), classes)

    def _deepin(self, line: PamLine, enforced: bool) -> Complexity:
        conf = self._conf("deepin")
        strong = conf.get("strong_password", "true").lower() == "true"
        length = int(conf.get("password_min_length", "0") or 0)
        classes = int(conf.get("validate_required", "0") or 0)
        return Complexity(
            line.module, enforced and strong, False, length if strong else 0, classes if strong else 0
        )

    def history(self, service: str) -> int:
        """Give how many old passwords one service refuses."""
        best = 0
        stack = self.stack(service, "password")
        storing = _index(stack, _STORING_MODULES)
        for n, line in enumerate(stack):
            remember = line.number("remember")
            if line.module == "pam_pwhistory" and (storing is None or n < storing):
                text = self._conf("pwhistory").get("remember", "")
                own = remember if remember is not None else int(text) if text.isdigit() else 10
                best = max(best, own)
            elif line.module in _STORING_MODULES and remember is not None:
                best = max(best, remember)
        return best

    def hash_argument(self) -> str:
        """Give the algorithm that the storing module is told to use for new passwords, empty when not told."""
        for service in self.password_services():
            for line in self.stack(service, "password"):
                if line.module in _STORING_MODULES:
                    return next((arg for arg in line.args if arg in _HASH_ARGUMENTS), "")
        return ""

    # what happens after wrong passwords

    def lockout(self, service: str) -> Lockout:
        """Work out what one service does after wrong passwords."""
        stack = self.stack(service, "auth")
        unix = _index(stack, ("pam_unix", "pam_unix2", "pam_sss", "pam_ldap", "pam_winbind"))
        faillock = [n for n, line in enumerate(stack) if line.module == "pam_faillock"]
        if faillock:
            return self._faillock(service, stack, faillock, unix)
        tally = next((n for n, line in enumerate(stack) if line.module in ("pam_tally2", "pam_tally")), None)
        if tally is None:
            return Lockout(service, "", False, 0, 0, False)
        line = stack[tally]
        deny = line.number("deny") or 0
        wired = deny > 0 and line.binding and (unix is None or tally < unix)
        root = "even_deny_root" in line.args or line.number("root_unlock_time") is not None
        return Lockout(service, line.module, wired, deny, line.number("unlock_time") or 0, root)

    def _faillock(self, service: str, stack: list[PamLine], places: list[int], unix: int | None) -> Lockout:
        conf = self._conf("faillock")
        lines = [stack[n] for n in places]

        def number(name: str, default: int) -> int:
            own = [value for line in lines if (value := line.number(name)) is not None]
            text = conf.get(name, "")
            return own[0] if own else int(text) if text.isdigit() else default

        counting = [n for n in places if "authfail" in stack[n].args]
        refusing = [n for n in places if "preauth" in stack[n].args and stack[n].binding]
        deny = number("deny", 3)
        wired = (
            deny > 0
            and any(unix is None or n > unix for n in counting)
            and any(unix is None or n < unix for n in refusing)
        )
        never = (
            any(line.arg("unlock_time") == "never" for line in lines) or conf.get("unlock_time") == "never"
        )
        root = any("even_deny_root" in line.args for line in lines) or "even_deny_root" in conf
        return Lockout(service, "pam_faillock", wired, deny, 0 if never else number("unlock_time", 600), root)


def _index(stack: Iterable[PamLine], modules: tuple[str, ...]) -> int | None:
    return next((n for n, line in enumerate(stack) if line.module in modules), None)


def read_pam(host: Host) -> PamFiles:
    """Read the files of authentication modules.

    Raises:
        NotSeen: the folder was not collected, does not exist or could not be read.
    """
    section = host.section("pam")
    files = {block.name.removeprefix(_FOLDER): block for block in section.files(_FOLDER)}
    if not files:
        block = section.block("/etc/pam.d")
        if block is not None:
            readable(block)
            raise NotSeen(Gap.ABSENT, "/etc/pam.d")
        raise NotSeen(Gap.MISSING_SECTION if section.closed else Gap.TRUNCATED, "/etc/pam.d")
    if not section.closed:
        raise NotSeen(Gap.TRUNCATED, "/etc/pam.d")
    return PamFiles(files, lambda module: _conf_of(host, module))


def _conf_of(host: Host, module: str) -> Mapping[str, str]:
    """Give the settings file of a module; read only when a stack needs it."""
    if module == "faillock":
        return key_values(host.file_if_listed("pam", "/etc/security/faillock.conf"))
    if module == "pwhistory":
        return key_values(host.file_if_listed("pwquality", "/etc/security/pwhistory.conf"))
    if module == "passwdqc":
        return key_values(host.file_if_listed("pwquality", "/etc/passwdqc.conf"))
    if module == "deepin":
        return key_values(host.file_if_listed("pwquality", "/etc/deepin/dde.conf"))
    # the drop-in files are read first, so the main file has the last word
    merged: dict[str, str] = {}
    for block in host.section("pwquality").files("/etc/security/pwquality.conf.d/"):
        merged |= key_values(readable(block))
    return merged | key_values(host.file_if_listed("pwquality", "/etc/security/pwquality.conf"))
