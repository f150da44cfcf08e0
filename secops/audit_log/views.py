"""The audit log, for the audit administrator: search, one event, export, verification."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from secops.audit_log import checkpoints, syslog
from secops.audit_log.models import AuditEvent, AuditHead
from secops.clock import utc_now
from secops.errors import NotFound
from secops.web.base import PageView
from secops.web.filters import thousands
from secops.web.labels import LABELS, label
from secops.web.lang import listed, t
from secops.web.people import shown
from secops.web.table_export import export_table
from secops.web.table_filters import Choice, Days, Text
from secops.web.tables import Column, Table


def _actions(session: Session) -> list[tuple[str, str]]:
    """Actions that stand in the log; the index on the column answers it."""
    found = session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action))
    return [(action, _action_words(action)) for action in found]


def _action_words(action: str) -> str:
    known = label("audit_action", action).text
    return known if known == action else t(f"{known}（{action}）", f"{known} ({action})")


def _action_note(row: AuditEvent) -> str | None:
    return row.action if row.action in LABELS["audit_action"] else None


def _reason(row: AuditEvent) -> str:
    return label("login_reason", row.reason).text if row.action == "login" else row.reason


def _roles(row: AuditEvent) -> str:
    return listed(label("role", role).text for role in row.roles.split(",") if role and role != "platform")


def _actor(row: AuditEvent) -> str:
    return shown(row.actor)


def _actor_note(row: AuditEvent) -> str:
    """The roles of a person; of the platform itself, which part of it acted."""
    return row.actor.partition(":")[2] if row.actor.startswith("platform:") else _roles(row)


def _object(row: AuditEvent) -> str:
    """What the event is about; a list that was exported is named in words."""
    return label("audit_table", row.object_id).text if row.object_type == "table" else row.object_id


TABLE = Table(
    "audit",
    (
        Column("at", "时间", "Time", lambda r: r.at, sort=AuditEvent.seq, kind="time", width="fit"),
        Column(
            "actor",
            "操作者",
            "Actor",
            _actor,
            sort=AuditEvent.actor,
            note=_actor_note,
            export=lambda r: r.actor,
        ),
        Column(
            "action",
            "动作",
            "Action",
            lambda r: label("audit_action", r.action).text,
            sort=AuditEvent.action,
            note=_action_note,
        ),
        Column(
            "object",
            "对象",
            "Object",
            _object,
            sort=AuditEvent.object_id,
            note=lambda r: label("audit_object", r.object_type).text,
            export=lambda r: f"{r.object_type} {r.object_id}".strip(),
        ),
        Column(
            "result",
            "结果",
            "Result",
            lambda r: r.result,
            sort=AuditEvent.result,
            kind="badge",
            label="audit_result",
        ),
        Column("reason", "理由", "Reason", _reason, width="wide"),
        Column("address", "来源地址", "Address", lambda r: r.address, sort=AuditEvent.address, kind="code"),
        Column("seq", "序号", "Number", lambda r: r.seq, sort=AuditEvent.seq, kind="number"),
        Column("request", "请求编号", "Request", lambda r: r.request_id, kind="code", shown=False),
        Column("session", "会话", "Session", lambda r: r.session_ref, kind="code", shown=False),
        Column(
            "detail",
            "详细",
            "Detail",
            lambda r: json.dumps(r.detail, ensure_ascii=False, sort_keys=True) if r.detail else "",
            shown=False,
            width="wide",
        ),
        Column("hash", "链上摘要", "Chain digest", lambda r: r.hash, kind="code", shown=False),
    ),
    filters=(
        Days("at", "时间", "Time", AuditEvent.at),
        Choice("action", "动作", "Action", AuditEvent.action, options=_actions),
        Choice("result", "结果", "Result", AuditEvent.result, label="audit_result"),
        Text("actor", "操作者", "Actor", AuditEvent.actor),
        Text("object", "对象", "Object", AuditEvent.object_id),
    ),
    search=(
        AuditEvent.actor,
        AuditEvent.action,
        AuditEvent.object_id,
        AuditEvent.object_type,
        AuditEvent.reason,
        AuditEvent.address,
        AuditEvent.request_id,
    ),
    default_sort="-at",
    page_sizes=(50, 100, 200),
    row_url=lambda r: url_for("AuditView.show", seq=r.seq),
    row_tone=lambda r: "" if r.result == "ok" else "bad",
    search_hint=("搜索操作者、对象、理由、地址", "Search actor, object, reason, address"),
)


class AuditView(PageView):
    """Reads the log; the one thing that can be done here is to check it."""

    route_base = "/audit"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = TABLE.load(self.db, select(AuditEvent), request.args, export_url=url_for("AuditView.export"))
        return self.page(
            "audit.html",
            state=state,
            head=self.db.get(AuditHead, 1),
            checked=self._last_check(),
            signed=checkpoints.state_of(self.platform, now=utc_now()),
            shipped=syslog.state_of(self.platform),
        )

    def _last_check(self) -> AuditEvent | None:
        query = (
            select(AuditEvent)
            .where(AuditEvent.action == "audit.verify")
            .order_by(AuditEvent.seq.desc())
            .limit(1)
        )
        return self.db.scalar(query)

    @expose("/<int:seq>")
    def show(self, seq: int) -> str:
        event = self.db.get(AuditEvent, seq)
        if event is None:
            raise NotFound
        return self.page(
            "audit_event.html",
            event=event,
            actor=_actor(event) if _actor(event) == event.actor else f"{_actor(event)} ({event.actor})",
            action=_action_words(event.action),
            about=f"{label('audit_object', event.object_type).text} {_object(event)}".strip(),
            roles=_roles(event),
            reason=_reason(event),
            detail=_pairs(event.detail),
        )

    @expose("/export")
    def export(self) -> Response:
        title = t("审计日志", "audit log")
        return export_table(TABLE, self.db, select(AuditEvent), request.args, now=utc_now(), title=title)

    @expose("/verify", methods=["POST"])
    def verify(self) -> Response:
        """Walk the whole chain; what was found becomes an event itself."""
        found = checkpoints.verify_with(self.platform, self.db)
        checkpoints.note_check(self.db, found, now=utc_now())
        if found.ok:
            count = thousands(found.records)
            return self.done(
                url_for("AuditView.index"),
                f"{count} 条记录完整，链条未断。",
                f"{count} records are intact; the chain holds.",
            )
        self.db.commit()
        flash(
            t(
                f"审计日志从第 {found.first_bad} 条起不可信：{found.detail}",
                f"The audit log can't be trusted from record {found.first_bad} on: {found.detail}",
            ),
            "danger",
        )
        return self.done(
            url_for("AuditView.index"),
            "请保留现场，并通知安全管理员。",
            "Keep everything as it is and tell the security administrator.",
            "warning",
        )


def _pairs(detail: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in sorted(detail.items())
    ]


VIEWS: tuple[type, ...] = (AuditView,)
