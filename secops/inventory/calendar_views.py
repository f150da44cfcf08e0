"""What is due when for every system: filing, evaluation, certificate, protection plan, contracts, registers."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from secops.catalogue.rows import RowChoice, RowTable
from secops.clock import utc_now
from secops.inventory.clocks import Entry, entries
from secops.objects.tables import today
from secops.web.base import PageView
from secops.web.labels import Label
from secops.web.lang import pick, t
from secops.web.links import LINKS, link
from secops.web.scope_filters import scoped_departments
from secops.web.table_export import export_table
from secops.web.tables import Column

STATES = {
    "overdue": Label("已逾期", "Overdue", "bad", "calendar-x"),
    "soon": Label("90 天内", "Within 90 days", "warn", "calendar-event"),
    "later": Label("以后", "Later", "good"),
    "unknown": Label("日期未知", "Unknown", "open"),
}


def _department_options(session: Session) -> list[tuple[str, str]]:
    return scoped_departments(session)


def _matters(session: Session) -> list[tuple[str, str]]:
    return [
        ("filing", t("备案", "Filing")),
        ("evaluation", t("等级测评", "Evaluation")),
        ("certificate", t("备案证明", "Certificate")),
        ("protection-plan", t("保护工作方案", "Protection plan")),
        ("maintenance", t("运维合同", "Maintenance")),
        ("evaluation-contract", t("测评合同", "Evaluation contract")),
    ]


def _matter_of(entry: Entry) -> str:
    return "certificate" if entry.key.startswith("certificate") else entry.key


TABLE = RowTable(
    "calendar",
    (
        Column("due", "期限", "Due", lambda r: r.due, sort=lambda r: r.due or date.max, kind="day", width="fit"),
        Column("state", "状态", "State", lambda r: STATES[r.state], sort=lambda r: list(STATES).index(r.state), kind="badge", width="fit"),
        Column("matter", "事项", "Matter", lambda r: pick(r.title), sort=lambda r: pick(r.title), note=lambda r: pick(r.source), width="wide"),
        Column("system", "系统", "System", lambda r: r.name, sort=lambda r: r.name, note=lambda r: r.code, kind="link", url=lambda r: link("SystemView.show", system_id=r.system_id), width="wide"),
        Column("code", "系统编码", "System code", lambda r: r.code, sort=lambda r: r.code, kind="code", shown=False),
        Column("source", "依据", "Source", lambda r: pick(r.source), shown=False),
        Column("level", "等级", "Level", lambda r: r.level, sort=lambda r: r.level or 0, kind="number", width="fit"),
        Column("department", "部门", "Department", lambda r: r.department, sort=lambda r: r.department),
    ),
    filters=(
        RowChoice("state", "状态", "State", options=lambda s: [(key, one.text) for key, one in STATES.items()], of=lambda r: r.state),
        RowChoice("matter", "事项", "Matter", options=_matters, of=_matter_of),
        RowChoice("department", "部门", "Department", options=_department_options, of=lambda r: str(r.department_id)),
        RowChoice("level", "等级", "Level", options=lambda s: [(str(n), str(n)) for n in (1, 2, 3, 4)], of=lambda r: str(r.level or "")),
    ),
    search=(lambda r: f"{r.name} {r.code} {r.title.zh} {r.title.en}".casefold(),),
    default_sort="due",
    row_url=lambda r: link("SystemView.show", system_id=r.system_id),
    row_tone=lambda r: {"overdue": "bad", "soon": "warn"}.get(r.state, ""),
    empty=("没有到期事项。", "Nothing is due.", "系统定级后，备案和测评的期限会列在这里。", "Once systems are classified their dates stand here."),
)  # fmt: skip


class CalendarView(PageView):
    """The clocks of the district in one list."""

    route_base = "/calendar"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        rows = entries(self.db, today())
        state = TABLE.load(self.db, rows, request.args, export_url=url_for("CalendarView.export"))
        counts = {key: sum(1 for row in rows if row.state == key) for key in STATES}
        return self.page("calendar.html", state=state, states=STATES, counts=counts, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        rows: Any = entries(self.db, today())
        return export_table(
            TABLE, self.db, rows, request.args, now=utc_now(), title=t("到期日历", "due dates")
        )
