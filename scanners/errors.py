"""What this package can raise.

A target that does not answer, refuses or lies is never an exception: it is a ``Failed`` value
(see ``scanners.base``). Exceptions are for wrong use and broken installations.

::

    ScannersError
    ├── InvalidTarget        the text is not an address, network or port list we accept
    ├── InvalidScope         an authorisation that contradicts itself
    ├── InvalidProbe         a probe folder or plug-in that breaks the rules of the registry
    ├── DuplicateProbe       two probes with one id
    ├── UnknownProbe         no probe of that id
    ├── InvalidResult        JSON that is not the result it claims to be
    └── PolicyError
        ├── InvalidRule      a rule file that is not a rule
        ├── DuplicateRule    two rules with one id
        ├── InvalidPolicy    a policy file that is not a policy
        └── UnknownProfile   no profile of that name
"""

from __future__ import annotations


class ScannersError(Exception):
    """Base of all errors raised by ``scanners``."""


class InvalidTarget(ScannersError, ValueError):
    """The text does not name something that may be scanned."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text, why)
        self.text = text
        self.why = why

    def __str__(self) -> str:
        return f"{self.text[:100]!r}: {self.why}"


class InvalidScope(ScannersError, ValueError):
    """The authorisation contradicts itself or asks for what is never given."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class InvalidProbe(ScannersError):
    """A probe folder or plug-in breaks the rules of the registry."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name, why)
        self.name = name
        self.why = why

    def __str__(self) -> str:
        return f"probe {self.name}: {self.why}"


class DuplicateProbe(ScannersError):
    """Two probes claim one id; neither may silently win."""

    def __init__(self, probe_id: str, first: str, second: str) -> None:
        super().__init__(probe_id, first, second)
        self.probe_id = probe_id
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return f"probe id {self.probe_id!r} is claimed by {self.first} and by {self.second}"


class UnknownProbe(ScannersError, KeyError):
    """No probe of that id is installed."""

    def __init__(self, probe_id: str, known: tuple[str, ...]) -> None:
        super().__init__(probe_id, known)
        self.probe_id = probe_id
        self.known = known

    def __str__(self) -> str:
        return f"no probe {self.probe_id!r}; known: {', '.join(self.known)}"


class InvalidResult(ScannersError, ValueError):
    """JSON that cannot be read back as the result type asked for."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


class PolicyError(ScannersError):
    """Base of the errors in rules and policies."""


class InvalidRule(PolicyError):
    """A rule file is not a rule; names file, line and key."""

    def __init__(self, path: str, line: int, where: str, why: str) -> None:
        super().__init__(path, line, where, why)
        self.path = path
        self.line = line
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.where}: {self.why}"


class DuplicateRule(PolicyError):
    """Two files claim one rule id."""

    def __init__(self, rule_id: str, first: str, second: str) -> None:
        super().__init__(rule_id, first, second)
        self.rule_id = rule_id
        self.first = first
        self.second = second

    def __str__(self) -> str:
        return f"rule {self.rule_id!r} is in {self.first} and in {self.second}"


class InvalidPolicy(PolicyError):
    """A policy file is not a policy; names file, line and key."""

    def __init__(self, path: str, line: int, where: str, why: str) -> None:
        super().__init__(path, line, where, why)
        self.path = path
        self.line = line
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.where}: {self.why}"


class UnknownProfile(PolicyError, KeyError):
    """No profile of that name; a wrong name must never mean "defaults"."""

    def __init__(self, profile: str, known: tuple[str, ...]) -> None:
        super().__init__(profile, known)
        self.profile = profile
        self.known = known

    def __str__(self) -> str:
        return f"no profile {self.profile!r}; known: {', '.join(self.known)}"
