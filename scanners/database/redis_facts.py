"""What Redis told, as facts that rules can judge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from scanners.baseline.model import FactInfo, Facts, FactValue, Gap
from scanners.database.answers import Answers, Row, make_facts, sample_facts
from scanners.database.redis import DANGEROUS
from scanners.database.result import DatabaseKind, DatabaseResult
from scanners.ssh_baseline.factkit import FLAG, NUMBER, TEXT, TEXTS, FactTable, NotSeen, Seen

PLATFORM = "redis"
TABLE = FactTable()
fact = TABLE.fact
FACTS: Mapping[str, FactInfo] = TABLE.infos
"""Everything that can be told of a Redis server, by id."""

# groups of commands that the dangerous ones belong to, as ACL rules name them
_GROUPS: Mapping[str, frozenset[str]] = {
    "FLUSHALL": frozenset({"keyspace", "write", "slow", "dangerous"}),
    "FLUSHDB": frozenset({"keyspace", "write", "slow", "dangerous"}),
    "CONFIG": frozenset({"admin", "slow", "dangerous"}),
    "KEYS": frozenset({"keyspace", "read", "slow", "dangerous"}),
    "EVAL": frozenset({"slow", "scripting"}),
    "SHUTDOWN": frozenset({"admin", "slow", "dangerous"}),
    "DEBUG": frozenset({"admin", "slow", "dangerous"}),
    "MODULE": frozenset({"admin", "slow", "dangerous"}),
}
_EVERYWHERE = frozenset({"*", "-::*", "::*", "0.0.0.0", "-0.0.0.0", "::", "-::", "[::]"})


def setting(host: Answers, name: str) -> str:
    """Give one setting.

    Raises:
        NotSeen: it was not told, because the account may not ask or the command was renamed away.
    """
    found = host.settings()
    if name not in found:
        raise NotSeen(Gap.ABSENT, name)
    return found[name]


def may(command: str, rights: str) -> bool:
    """Whether a list of ACL rules leaves a command to a user; rules count from left to right.

    A rule for one sub-command alone (``+config|get``) grants no more than that.
    """
    allowed = False
    for rule in rights.lower().split():
        if rule in ("allcommands", "nocommands"):
            allowed = rule == "allcommands"
            continue
        sign, name = rule[0], rule[1:]
        group = name[1:] if name.startswith("@") else None
        if name == command.lower() or group == "all" or (group is not None and group in _GROUPS[command]):
            allowed = sign == "+"
    return allowed


@fact("redis.asks_login", FLAG, "访问前要求登录", "a log-in is asked for", "PING")
def _asks_login(host: Answers) -> FactValue:
    return bool(host.row("login")["asked"])


@fact(
    "redis.open_users", TEXTS, "已启用且无需口令的用户", "users that are on and need no password", "ACL LIST"
)
def _open_users(host: Answers) -> FactValue:
    if not host.knows("users") and int(str(host.row("server")["redis_version"]).split(".")[0]) < 6:
        return Seen([], "no users before version 6")
    # a user that is off cannot log in, whatever its flags are
    rows = [str(row["user"]) for row in host.rows("users") if row["enabled"] and row["nopass"]]
    return host.listed(rows, "users")


@fact(
    "redis.given_length",
    NUMBER,
    "所用口令的长度（取偶数，16 及以上计 16）",
    "length of the password used (even, at most 16)",
    "credentials",
)
def _given_length(host: Answers) -> FactValue:
    return host.row("given")["length"]


@fact(
    "redis.given_classes",
    NUMBER,
    "所用口令的字符种类",
    "kinds of characters in the password used",
    "credentials",
)
def _given_classes(host: Answers) -> FactValue:
    return host.row("given")["classes"]


@fact(
    "redis.other_users",
    TEXTS,
    "口令未受检查的其他已启用用户",
    "other users whose passwords were not looked at",
    "ACL LIST",
)
def _other_users(host: Answers) -> FactValue:
    own = host.result.account
    rows = [
        str(r["user"]) for r in host.rows("users") if r["enabled"] and not r["nopass"] and r["user"] != own
    ]
    return host.listed(rows, "users")


@fact("redis.timeout", NUMBER, "空闲超时（秒，0 为不限）", "idle time-out (s, 0: none)", "timeout")
def _timeout(host: Answers) -> FactValue:
    return int(setting(host, "timeout"))


@fact("redis.tls_port", NUMBER, "TLS 端口（0 为未启用）", "TLS port (0: none)", "tls-port")
def _tls_port(host: Answers) -> FactValue:
    return int(setting(host, "tls-port"))


@fact("redis.plain_port", FLAG, "开放不加密的端口", "a port without TLS is open", "port")
def _plain_port(host: Answers) -> FactValue:
    # what the look itself went through needs no setting to be known
    if not host.row("login")["encrypted"]:
        return Seen(True, "PING")
    return setting(host, "port") != "0"


@fact("redis.bound_everywhere", TEXTS, "监听所有地址的绑定项", "bindings that listen everywhere", "bind")
def _bound_everywhere(host: Answers) -> FactValue:
    given = setting(host, "bind").split()
    # nothing at all means every address
    return [one for one in given if one in _EVERYWHERE] if given else ["(empty)"]


@fact("redis.bound_locally", FLAG, "只监听本机地址", "listens to this machine alone", "bind")
def _bound_locally(host: Answers) -> FactValue:
    given = [one.lstrip("-") for one in setting(host, "bind").split()]
    return bool(given) and all(one.startswith("127.") or one in ("::1", "localhost") for one in given)


@fact("redis.protected", FLAG, "保护模式开启", "protected mode is on", "protected-mode")
def _protected(host: Answers) -> FactValue:
    return setting(host, "protected-mode") == "yes"


@fact(
    "redis.dangerous",
    TEXTS,
    "用户可执行的危险命令",
    "dangerous commands that users may run",
    "ACL LIST, COMMAND INFO",
)
def _dangerous(host: Answers) -> FactValue:
    there = {str(row["command"]) for row in host.rows("commands") if row["there"]}
    found = [
        f"{row['user']}: {command}"
        for row in host.rows("users")
        if row["enabled"]
        for command in DANGEROUS
        if command in there and may(command, str(row["rights"]))
    ]
    return host.listed(found, "users", "commands")


@fact("redis.files", TEXTS, "程序、配置与数据文件位置", "places of program, settings and data", "INFO server")
def _files(host: Answers) -> FactValue:
    row = host.row("server")
    found = [f"{key}={row[key]}" for key in ("executable", "config_file") if row.get(key)]
    known = host.settings() if host.knows("settings") else {}
    return [*found, *(f"{key}={known[key]}" for key in ("dir", "dbfilename", "aclfile") if known.get(key))]


@fact("redis.log_file", TEXT, "日志去向", "where the log goes", "logfile, syslog-enabled")
def _log_file(host: Answers) -> FactValue:
    if setting(host, "logfile"):
        return setting(host, "logfile")
    return "syslog" if host.settings().get("syslog-enabled") == "yes" else "stdout"


@fact("redis.log_level", TEXT, "日志级别", "level of the log", "loglevel")
def _log_level(host: Answers) -> FactValue:
    return setting(host, "loglevel")


@fact("redis.key", TEXT, "版本", "version", "INFO server")
def _key(host: Answers) -> FactValue:
    row = host.row("server")
    name, version = (
        ("valkey", row["valkey_version"]) if row.get("valkey_version") else ("redis", row["redis_version"])
    )
    return f"{name} {'.'.join(str(version).split('.')[:2])}"


@fact("redis.version", TEXT, "完整版本号", "version in full", "INFO server")
def _version(host: Answers) -> FactValue:
    row = host.row("server")
    return str(row.get("valkey_version") or row["redis_version"])


@fact("redis.time", NUMBER, "采集时间", "time of the look", "INFO server")
def _time(host: Answers) -> FactValue:
    # older servers do not tell their time
    told = host.row("server").get("server_time_usec")
    return int(str(told)) // 1_000_000 if told else round(host.now.timestamp())


@fact("redis.persistence", TEXTS, "持久化方式", "ways of keeping data", "appendonly, save")
def _persistence(host: Answers) -> FactValue:
    found = ["appendonly"] if setting(host, "appendonly") == "yes" else []
    return [*found, "snapshots"] if setting(host, "save").strip('" ') else found


@fact(
    "redis.persistence_fails",
    TEXTS,
    "最近失败的持久化",
    "ways of keeping data that failed last time",
    "INFO persistence",
)
def _persistence_fails(host: Answers) -> FactValue:
    row = host.row("persistence")
    names = {"rdb_last_bgsave_status": "snapshot", "aof_last_write_status": "appendonly"}
    return [word for key, word in names.items() if row.get(key) not in (None, "ok")]


@fact("redis.replicas", NUMBER, "在线副本数", "replicas connected", "INFO replication")
def _replicas(host: Answers) -> FactValue:
    row = host.row("replication")
    if row["role"] != "master":
        return 1 if row.get("master_link_status") == "up" else 0
    return int(str(row["connected_slaves"]))


def facts_of(result: DatabaseResult, now: datetime) -> Facts:
    """Turn a look into facts; *now* stands in where the server does not tell its time."""
    return make_facts(PLATFORM, TABLE, result, now)


# -- samples in rules -------------------------------------------------------------------------------------

SAMPLE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which samples in rules are judged."""

_SETTINGS = {
    "aclfile": "/etc/redis/users.acl", "appendonly": "yes", "bind": "10.0.0.5", "dbfilename": "dump.rdb",
    "dir": "/var/lib/redis", "logfile": "/var/log/redis/redis.log", "loglevel": "notice", "port": "0",
    "protected-mode": "yes", "save": "3600 1", "syslog-enabled": "no", "timeout": "600", "tls-port": "6379",
}  # fmt: skip
_SAFE = "+@all -@dangerous -@scripting"
_SOUND: Mapping[str, list[Row]] = {
    "server": [
        {
            "redis_version": "8.2.1",
            "executable": "/usr/bin/redis-server",
            "config_file": "/etc/redis/redis.conf",
        }
    ],
    "replication": [{"role": "master", "connected_slaves": "1"}],
    "persistence": [{"rdb_last_bgsave_status": "ok", "aof_last_write_status": "ok"}],
    "settings": [{"name": name, "setting": value} for name, value in _SETTINGS.items()],
    "users": [
        {"user": "default", "enabled": False, "nopass": False, "secrets": 0, "keys": "", "rights": "-@all"},
        {"user": "audit", "enabled": True, "nopass": False, "secrets": 1, "keys": "~*", "rights": _SAFE},
    ],
    "commands": [{"command": name, "there": True} for name in DANGEROUS],
    "login": [{"asked": True, "encrypted": True}],
    "given": [{"account": "audit", "length": 16, "classes": 4}],
}


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts; see :func:`scanners.database.answers.sample_facts`.

    ``users`` also takes ``lines``, users as ``ACL LIST`` shows them.
    """
    given = dict(sections)
    lines = given.get("users", {}).get("lines")
    if lines is not None:
        given["users"] = {"rows": [_user(str(line)) for line in lines]}
    return sample_facts(
        PLATFORM, TABLE, DatabaseKind.REDIS, _SOUND, given, lambda result: facts_of(result, SAMPLE_NOW)
    )


def _user(line: str) -> Row:
    _, name, *flags = line.split()
    rights = " ".join(word for word in flags if word[0] in "+-" or word in ("allcommands", "nocommands"))
    secrets = sum(word.startswith("#") for word in flags)
    return {
        "user": name,
        "enabled": "on" in flags,
        "nopass": "nopass" in flags,
        "secrets": secrets,
        "keys": "",
        "rights": rights,
    }
