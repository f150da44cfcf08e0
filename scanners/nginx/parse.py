"""The language of nginx settings: words, blocks, includes; and what inheritance leaves at each place. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from scanners.nginx.result import KeyFile, Listen, Location, LogFormat, NginxResult, Server
from scanners.tls.text import printable

MAX_DEPTH = 12
MAX_DIRECTIVES = 20_000
MAX_INCLUDES = 200

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[;{}])|(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<word>(?:\\.|\$\{[^}]*\}|[^\s;{}"'\\])+)""",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$\{?([a-z0-9_]+)\}?")
Find = Callable[[str], Sequence[tuple[str, str]]]
"""Gives name and text of the files that an include names; an empty list when there are none."""


class InvalidSettings(Exception):
    """The text is not a file of nginx; *where* says file and line."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


@dataclass(slots=True)
class Directive:
    """One directive with its block, and where it stands."""

    name: str
    args: list[str]
    place: str
    block: list[Directive] | None = None


@dataclass(slots=True)
class Tree:
    """All directives with includes put in, and what went wrong on the way."""

    directives: list[Directive] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_tree(name: str, text: str, find: Find) -> Tree:
    """Read a file and all that it includes.

    Raises:
        InvalidSettings: the first file is not one of nginx; later ones become problems.
    """
    tree = Tree(files=[name])
    budget = [MAX_DIRECTIVES, MAX_INCLUDES]
    tree.directives = _with_includes(_parse(name, text, budget), find, tree, budget, 0)
    return tree


def _parse(name: str, text: str, budget: list[int]) -> list[Directive]:
    top: list[Directive] = []
    stack: list[list[Directive]] = [top]
    words: list[str] = []
    line = started = 1
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidSettings(f"{name}:{line}")
        mark = match["mark"]
        if match["word"] is not None or match["quoted"] is not None:
            if not words:
                started = line
            words.append(_plain(match["quoted"]) if match["quoted"] is not None else match["word"])
        elif mark in (";", "{"):
            budget[0] -= 1
            if not words or budget[0] < 0 or len(stack) > MAX_DEPTH:
                raise InvalidSettings(f"{name}:{line}")
            block: list[Directive] | None = [] if mark == "{" else None
            stack[-1].append(Directive(words[0].lower(), words[1:], f"{name}:{started}", block))
            if block is not None:
                stack.append(block)
            words = []
        elif mark == "}":
            if words or len(stack) == 1:
                raise InvalidSettings(f"{name}:{line}")
            stack.pop()
        line += match[0].count("\n")
        position = match.end()
    if words or len(stack) != 1:
        raise InvalidSettings(f"{name}:{line}")
    return top


def _plain(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)


def _with_includes(
    directives: list[Directive], find: Find, tree: Tree, budget: list[int], depth: int
) -> list[Directive]:
    found: list[Directive] = []
    for one in directives:
        if one.name != "include" or not one.args:
            if one.block is not None:
                one.block = _with_includes(one.block, find, tree, budget, depth)
            found.append(one)
            continue
        budget[1] -= 1
        if depth >= MAX_DEPTH or budget[1] < 0:
            tree.problems.append(f"{one.place}: too many includes")
            continue
        files = find(one.args[0])
        if not files and not set(one.args[0]) & set("*?["):
            # a pattern that fits nothing is no fault, a name that is not there is
            tree.problems.append(f"{one.place}: not read: {printable(one.args[0], 120)}")
        for name, text in files:
            if name not in tree.files:
                tree.files.append(name)
            try:
                found += _with_includes(_parse(name, text, budget), find, tree, budget, depth + 1)
            except InvalidSettings as problem:
                tree.problems.append(f"{problem.where}: not understood")
    return found


# -- what takes effect ------------------------------------------------------------------------------------

Scope = tuple[list[Directive], ...]
"""Blocks from the outermost to the one at hand."""


def every(scope: Scope, name: str) -> list[Directive]:
    """Directives of this name at the innermost place that has any: one there hides all further out."""
    for block in reversed(scope):
        own = [one for one in block if one.name == name]
        if own:
            return own
    return []


def last(scope: Scope, name: str) -> list[str]:
    """Arguments of the directive that counts; empty when it is not set."""
    found = every(scope, name)
    return found[-1].args if found else []


def children(block: list[Directive], name: str) -> Iterator[Directive]:
    """Blocks of this name directly inside."""
    return (one for one in block if one.name == name and one.block is not None)


def understand(tree: Tree, key_mode: Callable[[str], str]) -> NginxResult:
    """Say what each server and location ends up with; *key_mode* gives the mode of a file, or ""."""
    main = tree.directives
    http = [one for parent in children(main, "http") for one in parent.block or []]
    # a file of conf.d alone has no http block around its servers
    http = http or (list(main) if any(children(main, "server")) else [])
    servers = [(one, (main, http, one.block or [])) for one in children(http, "server")]
    keys: dict[str, KeyFile] = {}
    for _, scope in servers:
        for name in ("ssl_certificate_key", "ssl_sign_certificate_key", "ssl_enc_certificate_key"):
            for one in every(scope, name):
                path = one.args[0] if one.args else ""
                if path and "$" not in path and not path.startswith(("data:", "engine:", "store:")):
                    keys[path] = KeyFile(printable(path, 200), key_mode(path))
    return NginxResult(
        files=tuple(printable(name, 200) for name in tree.files),
        complete=not tree.problems,
        problems=tuple(tree.problems[:50]),
        user=" ".join(last((main,), "user")),
        modules=tuple(printable(" ".join(one.args), 200) for one in main if one.name == "load_module"),
        error_logs=_error_logs(main, http, servers),
        servers=tuple(_server(one.place, scope) for one, scope in servers),
        formats=_formats(http),
        keys=tuple(keys.values()),
    )


def _error_logs(
    main: list[Directive], http: list[Directive], servers: Sequence[tuple[Directive, Scope]]
) -> tuple[str, ...]:
    found = [every((main, http), "error_log"), *(every(scope, "error_log") for _, scope in servers)]
    return tuple(dict.fromkeys(printable(" ".join(one.args), 200) for group in found for one in group))


def _formats(http: list[Directive]) -> tuple[LogFormat, ...]:
    combined = (
        "remote_addr remote_user time_local request status body_bytes_sent http_referer http_user_agent"
    )
    found = {"combined": LogFormat("combined", tuple(combined.split()))}
    for one in http:
        if one.name == "log_format" and one.args:
            variables = tuple(dict.fromkeys(_VARIABLE.findall(" ".join(one.args[1:]))))
            found[one.args[0]] = LogFormat(printable(one.args[0], 60), variables)
    return tuple(found.values())


def _server(place: str, scope: Scope) -> Server:
    block = scope[-1]
    old_switch = last(scope, "ssl") == ["on"]
    listens = tuple(_listen(one.args, tls=old_switch) for one in block if one.name == "listen" and one.args)
    limits = [name for name in ("limit_req", "limit_conn") if every(scope, name)]
    limits += ["client_max_body_size"] if last(scope, "client_max_body_size") not in (["0"], ["0m"]) else []
    return Server(
        names=tuple(printable(name, 100) for one in block if one.name == "server_name" for name in one.args)
        or ("",),
        place=place,
        listens=listens or (Listen("*:80", old_switch, False),),
        protocols=tuple(last(scope, "ssl_protocols")),
        ciphers=printable(" ".join(last(scope, "ssl_ciphers")), 500),
        only_redirects=_only_redirects(block),
        shows_version=last(scope, "server_tokens") in ([], ["on"], ["build"]),
        root=printable(" ".join(last(scope, "root")), 200),
        has_limits=tuple(limits),
        locations=(_location("/", place, scope), *_locations(scope)),
    )


def _listen(args: list[str], *, tls: bool) -> Listen:
    address = args[0]
    host = address.rsplit(":", 1)[0] if ":" in address.rsplit("]", 1)[-1] else address
    is_local = (
        host.startswith(("127.", "unix:", "[::1]"))
        or host in ("localhost", "unix")
        or address.startswith("unix:")
    )
    return Listen(printable(address, 100), tls or "ssl" in args or "quic" in args, is_local)


def _only_redirects(block: list[Directive]) -> bool:
    """Whether every request is sent on to TLS, or refused; a way for certificates to be renewed may stay open."""
    if any(_sends_on(one) for one in block):
        return True
    places = list(children(block, "location"))
    if not places:
        return False
    served = [one for one in places if not any(_sends_on(inner) for inner in one.block or [])]
    root = any(" ".join(one.args) in ("/", "^~ /") for one in places)
    return root and all("/.well-known/" in " ".join(one.args) for one in served)


def _sends_on(one: Directive) -> bool:
    words = " ".join(one.args)
    if one.name == "return":
        return "https://" in words or words.split(" ")[0] in ("403", "404", "410", "444")
    return one.name == "rewrite" and "https://" in words


def _locations(scope: Scope) -> Iterator[Location]:
    for one in children(scope[-1], "location"):
        inner = (*scope, one.block or [])
        yield _location(printable(" ".join(one.args), 200), one.place, inner)
        yield from _locations(inner)


def _location(path: str, place: str, scope: Scope) -> Location:
    block = scope[-1]
    rules: list[str] = []
    for outer in reversed(scope):
        own = [f"{one.name} {' '.join(one.args)}" for one in outer if one.name in ("allow", "deny")]
        if own:
            rules = own
            break
    guards = [name for name in ("auth_request", "auth_jwt") if last(scope, name) not in ([], ["off"])]
    guards += ["auth_basic"] if last(scope, "auth_basic") not in ([], ["off"]) else []
    guards += ["client certificate"] if last(scope, "ssl_verify_client") == ["on"] else []
    guards += ["internal"] if any(one.name == "internal" for one in block) else []
    returned = next((one.args[0] for one in block if one.name == "return" and one.args), "")
    logs = tuple(printable(" ".join(one.args), 200) for one in every(scope, "access_log"))
    return Location(
        path=path,
        place=place,
        autoindex=last(scope, "autoindex") == ["on"],
        access_log=logs,
        rules=tuple(printable(rule, 100) for rule in rules),
        guards=tuple(guards),
        limited_methods=any(one.name == "limit_except" for one in block),
        is_status_page=any(one.name in ("stub_status", "check_status", "status") for one in block),
        answer=printable(returned, 20),
    )
