"""What production demands of people and of copies: separate administrators, second factor, backups, the outside log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from secops.doctor.base import unreachable
from secops.doctor.result import Check, Site, State

_BACKUP_AGE = timedelta(hours=26)


@contextmanager
def _store(site: Site) -> Iterator[Session | None]:
    """A session of the store; None when there is no store yet, or it can't be reached."""
    from secops import models  # noqa: F401
    from secops.platform import Platform

    settings = site.settings
    no_file = not settings.database_url and not (settings.home / "secops.db").is_file()
    if no_file or unreachable(settings.database_url):
        yield None
        return
    platform = Platform.open(settings)
    try:
        with platform.work("doctor") as session:
            yield session
    finally:
        platform.engine.dispose()


def _setting(site: Site, *parts: str) -> dict[str, Any]:
    """Settings whose name holds one of *parts*: what this version of the platform knows of the matter."""
    names = [name for name in site.settings.__dataclass_fields__ if any(part in name for part in parts)]
    return {name: getattr(site.settings, name) for name in names}


def administrators(site: Site) -> Check:
    """Does each of the three administrators exist, and does nobody hold two roles?"""
    from flask_appbuilder.security.sqla.models import User

    from secops.accounts.models import ADMINISTRATORS, RoleGrant
    from secops.clock import utc_now

    fix = "secops user create NAME --role security-admin"
    held: dict[int, set[str]] = {}
    try:
        with _store(site) as session:
            if session is None:
                return Check("administrators", State.WARN, "数据库尚不可用，未查看管理员", "The store is not there, so administrators were not looked at", "secops init")  # fmt: skip
            now = utc_now()
            query = select(RoleGrant).join(User, User.id == RoleGrant.user_id).where(User.active.is_(True))
            for grant in session.scalars(query.where(RoleGrant.revoked_at.is_(None))):
                if grant.valid_until is None or grant.valid_until > now:
                    held.setdefault(grant.user_id, set()).add(grant.role.value)
    except SQLAlchemyError:
        return Check("administrators", State.FAIL, "数据库打不开，无法核对管理员", "The store can't be opened, so administrators could not be looked at", "secops init")  # fmt: skip
    three = {role.value for role in ADMINISTRATORS}
    double = sum(1 for roles in held.values() if roles & three and len(roles) > 1)
    if double:
        return Check("administrators", State.FAIL, f"{double} 人兼任管理员与其他角色", f"{double} people hold an administrator's role beside another", "secops user list")  # fmt: skip
    empty = sorted(three - set[str]().union(*held.values()))
    if empty:
        names = ", ".join(empty)
        return Check("administrators", State.WARN, f"无人担任：{names}", f"Nobody holds: {names}", fix)
    return Check("administrators", State.OK, "三个管理员角色分别有人担任", "Each of the three administrators' roles is held, by different people")  # fmt: skip


def second_factor(site: Site) -> Check:
    """Does the policy ask everybody for a second factor?"""
    value = site.settings.factor_policy
    chosen = site.settings.second_factor
    if chosen == "off":
        return Check("second-factor", State.FAIL, "双因素登录未启用（SECOPS_SECOND_FACTOR=off）", "No second factor is asked for (SECOPS_SECOND_FACTOR=off)", "unset SECOPS_SECOND_FACTOR")  # fmt: skip
    if chosen == "administrators":
        return Check("second-factor", State.WARN, "仅管理员使用双因素登录", "Only administrators show a second factor", "unset SECOPS_SECOND_FACTOR")  # fmt: skip
    if chosen == "auto":
        return Check("second-factor", State.OK, "双因素策略：生产模式下所有用户", "Second factor: everybody, in production mode")  # fmt: skip
    return Check("second-factor", State.OK, f"双因素策略：{value}", f"Second factor: {value}")


def admin_networks(site: Site) -> Check:
    """Are management pages open to known addresses only?"""
    found = _setting(site, "admin_networks", "admin_ranges", "admin_addresses", "management")
    if not found:
        return Check("admin-networks", State.WARN, "本版本不能限制管理页面的来源地址；请在前置代理限制", "This version can't limit the addresses of administrators; let the proxy in front do it", "less docs/selfcheck.md")  # fmt: skip
    name, value = next(iter(found.items()))
    if not value:
        return Check("admin-networks", State.WARN, "未限制管理页面的来源地址", "Management pages are open to every address", f"export SECOPS_{name.upper()}=10.0.0.0/24")  # fmt: skip
    return Check(
        "admin-networks", State.OK, f"管理页面只从 {value} 访问", f"Management pages answer to {value}"
    )


def backup_age(site: Site) -> Check:
    """Is the newest backup of this day?"""
    from secops.audit_log.models import AuditEvent
    from secops.clock import utc_now

    try:
        with _store(site) as session:
            last: datetime | None = None
            if session is not None:
                done = AuditEvent.action.in_(("backup.create", "backup.done", "backup.made"))
                last = session.scalar(select(func.max(AuditEvent.at)).where(done))
    except SQLAlchemyError:
        return Check("backup", State.WARN, "数据库打不开，未查看备份时间", "The store can't be opened, so the age of the backup is not known", "secops init")  # fmt: skip
    if last is None:
        return Check("backup", State.WARN, "没有备份记录", "No backup is on record", "less docs/running.md")
    hours = int((utc_now() - last).total_seconds() // 3600)
    if utc_now() - last > _BACKUP_AGE:
        return Check("backup", State.WARN, f"最近一次备份在 {hours} 小时前", f"The newest backup is {hours} hours old", "less docs/running.md")  # fmt: skip
    return Check(
        "backup", State.OK, f"最近一次备份在 {hours} 小时前", f"The newest backup is {hours} hours old"
    )


def audit_copies(site: Site) -> Check:
    """Does the audit log go to another machine too?"""
    found = {
        name: value for name, value in _setting(site, "audit_sink", "syslog", "audit_copy").items() if value
    }
    if not found:
        return Check("audit-copies", State.WARN, "审计日志没有外部副本", "The audit log is not copied outside", "less docs/audit-log.md")  # fmt: skip
    names = ", ".join(f"{name}={value}" for name, value in found.items())
    return Check(
        "audit-copies",
        State.OK,
        f"审计日志有外部副本（{names}）",
        f"The audit log is copied outside ({names})",
    )
