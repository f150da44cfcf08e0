"""What production mode demands beyond a working installation; each line that fails stops ``secops up``."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from secops.doctor.base import session_key, unreachable
from secops.doctor.result import Check, Site, State

MIN_SECRET = 32
_DEBUG_VARIABLES = ("FLASK_DEBUG", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "PYTHONINSPECT")
_OFF = ("", "0", "false", "no", "off")


def mode(site: Site) -> Check:
    """Is the platform told that it is in production?"""
    if site.settings.production:
        return Check("mode", State.OK, "运行模式：production", "Mode: production")
    return Check("mode", State.WARN, "运行模式：standard", "Mode: standard", "export SECOPS_MODE=production")


def secret_key(site: Site) -> Check:
    """Is the key of the session cookies long and closed to others?"""
    path = session_key(site)
    make = f"(umask 077; openssl rand -hex 32 > {path})"
    try:
        text = path.read_text(encoding="ascii").strip()
        found = path.stat().st_mode
    except FileNotFoundError:
        fix = make if site.settings.secret_key_file else "secops up"
        # Without a file of its own the home gets a random key at the first start.
        state = State.FAIL if site.settings.secret_key_file else State.OK
        return Check("secret-key", state, f"会话密钥文件 {path} 尚不存在", f"The session key {path} is not there yet", fix if state is State.FAIL else "")  # fmt: skip
    except (OSError, ValueError) as error:
        return Check(
            "secret-key",
            State.FAIL,
            f"会话密钥读不出（{error}）",
            f"The session key can't be read ({error})",
            make,
        )
    if len(text) < MIN_SECRET or len(set(text)) < 8:
        return Check(
            "secret-key", State.FAIL, f"会话密钥过短或过于简单（至少 {MIN_SECRET} 个随机字符）",
            f"The session key is too short or too simple ({MIN_SECRET} random characters or more)", make,
        )  # fmt: skip
    if found & 0o077:
        return Check("secret-key", State.FAIL, f"会话密钥 {path} 对其他用户开放", f"The session key {path} is open to others", f"chmod 600 {path}")  # fmt: skip
    return Check(
        "secret-key",
        State.OK,
        "会话密钥长度与权限合格",
        "The session key is long enough and closed to others",
    )


def tls(site: Site) -> Check:
    """Do people reach the pages through TLS only?"""
    if site.settings.behind_tls:
        return Check(
            "tls", State.OK, "页面经由 TLS 反向代理访问", "The pages are reached through a TLS proxy"
        )
    return Check(
        "tls", State.FAIL, "未声明 TLS：口令与会话会明文传输；请先配置反向代理（见 docs/running.md）",
        "No TLS is declared: passwords would travel in the clear; set up a reverse proxy first (docs/running.md)",
        "export SECOPS_BEHIND_TLS=yes",
    )  # fmt: skip


def hosts(site: Site) -> Check:
    """Does the platform answer to its own names only?"""
    if site.settings.allowed_hosts:
        names = site.settings.allowed_hosts
        return Check("allowed-hosts", State.OK, f"只接受主机名：{names}", f"Answers to: {names}")
    return Check(
        "allowed-hosts", State.FAIL, "未限定主机名，伪造的 Host 头会被接受", "No host names are set, so a forged Host header is accepted",
        "export SECOPS_ALLOWED_HOSTS=mlps.example.gov.cn",
    )  # fmt: skip


def example_accounts(site: Site) -> Check:
    """Are accounts of the demonstration still usable?"""
    settings = site.settings
    if not settings.database_url and not (settings.home / "secops.db").is_file():
        return Check("example-accounts", State.OK, "没有演示账号", "There are no example accounts")
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    from secops import models  # noqa: F401
    from secops.accounts.models import Account
    from secops.platform import Platform

    if unreachable(settings.database_url):
        return _unknown_accounts()
    platform = Platform.open(settings)
    try:
        with platform.work("doctor") as session:
            query = select(User.username).join(Account, Account.user_id == User.id)
            names = list(session.scalars(query.where(Account.is_example.is_(True), User.active.is_(True))))
    except SQLAlchemyError:
        return _unknown_accounts()
    finally:
        platform.engine.dispose()
    if names:
        shown = ", ".join(sorted(names)[:12])
        return Check(
            "example-accounts", State.FAIL, f"有 {len(names)} 个可登录的演示账号：{shown}；请为正式使用另建安装目录",
            f"{len(names)} example accounts can log in: {shown}; use a home of its own for real work",
            "SECOPS_HOME=/srv/secops secops init",
        )  # fmt: skip
    return Check("example-accounts", State.OK, "没有可登录的演示账号", "No example account can log in")


def _unknown_accounts() -> Check:
    return Check(
        "example-accounts", State.FAIL, "数据库打不开，无法核对演示账号",
        "The store can't be opened, so accounts could not be looked at", "secops init",
    )  # fmt: skip


def closed_files(site: Site) -> Check:
    """Are home, store, keys and logs closed to everybody else?"""
    home = site.settings.home
    if not home.is_dir():
        return Check(
            "closed-files", State.FAIL, f"目录 {home} 不存在", f"{home} does not exist", "secops init"
        )
    open_ones = [path for path in _guarded(home) if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    # Inside a closed home nobody gets at a file, whatever its own mode.
    if not stat.S_IMODE(home.stat().st_mode) & 0o077:
        return Check("closed-files", State.OK, "安装目录仅属主可访问", "The home is its owner's alone")
    names = ", ".join(path.name for path in [home, *open_ones][:5])
    return Check(
        "closed-files",
        State.FAIL,
        f"对其他用户开放：{names}",
        f"Open to other users: {names}",
        f"chmod -R go-rwx {home}",
    )


def _guarded(home: Path) -> list[Path]:
    names = ("secops.db", "keys", "vault", "logs", "reports", "run")
    return [home / name for name in names if (home / name).exists()]


def debug_off(site: Site) -> Check:
    """Are all debugging aids off? They show memory to whoever provokes an error."""
    on = [name for name in _DEBUG_VARIABLES if site.environ.get(name, "").strip().lower() not in _OFF]
    if sys.flags.dev_mode and "PYTHONDEVMODE" not in on:
        on.append("-X dev")
    if on:
        names = " ".join(on)
        return Check(
            "debug", State.FAIL, f"调试开关已打开：{names}", f"Debugging is on: {names}", f"unset {names}"
        )
    return Check("debug", State.OK, "调试开关均已关闭", "Debugging is off")


def ordinary_user(site: Site) -> Check:
    """Does the platform run without root?"""
    if os.geteuid() == 0:
        return Check("user", State.WARN, "正以 root 运行，平台不需要 root", "Running as root, which is not needed", "useradd --system --create-home secops")  # fmt: skip
    return Check("user", State.OK, "以普通用户运行", "Runs as an ordinary user")


def database_server(site: Site) -> Check:
    """Is the store on a server that can be backed up while it works?"""
    if site.settings.database_url and not site.settings.database_url.startswith("sqlite"):
        return Check("database", State.OK, "使用数据库服务器", "The store is a database server")
    return Check(
        "database", State.WARN, "使用 SQLite：适合单机，约十个并发用户以内；更多用户请用 PostgreSQL",
        "The store is SQLite: fit for one machine and about ten people at once; use PostgreSQL for more",
        "export SECOPS_DATABASE_URL=postgresql+psycopg://secops@db/secops",
    )  # fmt: skip
