"""The component page: every macro with invented sample content, to look at and to test.

Its list runs over an in-memory SQLite table of its own, so that search, sorting and export are the real ones; nothing
here reads or writes the store.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from sqlalchemy import DateTime, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool
from werkzeug.wrappers import Response

from reports.charts import conformity_radar, finding_bars, trend_lines, verdict_bars, verdict_donut
from reports.read_model import CountRow, Counts, Layer, Severity, Text, TrendPoint
from secops.clock import utc_now
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import LABELS, label
from secops.web.lang import language, t
from secops.web.table_export import export_table
from secops.web.table_filters import Choice, Days, Flag
from secops.web.table_filters import Text as TextFilter
from secops.web.tables import BulkAction, Column, Table


class _SampleBase(DeclarativeBase):
    """Tables of the sample; they share nothing with the store's."""


class Sample(_SampleBase):
    """An invented system."""

    __tablename__ = "sample"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    department: Mapped[str]
    level: Mapped[int]
    verdict: Mapped[str]
    severity: Mapped[str]
    examined: Mapped[int]
    size: Mapped[int]
    open_findings: Mapped[int]
    seen_at: Mapped[datetime] = mapped_column(DateTime)


_NAMES = (
    "门户网站",
    "一网通办",
    "公文交换",
    "入学报名",
    "集体资产",
    "应急指挥",
    "城运中心",
    "知识产权",
    "企业开办",
    "数据共享",
)
_DEPARTMENTS = ("区大数据中心", "区教育局", "区应急管理局", "区农业农村委")
_VERDICTS = tuple(LABELS["verdict"])
_SEVERITIES = tuple(LABELS["severity"])


@lru_cache(maxsize=1)
def _sample_engine() -> Any:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    _SampleBase.metadata.create_all(engine)
    start = datetime(2026, 11, 1, 1, 30)
    with Session(engine) as session:
        session.add_all(
            Sample(
                id=number,
                name=f"{_NAMES[number % 10]}系统 {number:02}",
                department=_DEPARTMENTS[number % 4],
                level=2 + number % 2,
                verdict=_VERDICTS[number % 5],
                severity=_SEVERITIES[number % 3],
                examined=(number * 37) % 101,
                size=number**4 * 7,
                open_findings=(number * 13) % 29,
                seen_at=start + timedelta(hours=7 * number),
            )
            for number in range(1, 61)
        )
        session.commit()
    return engine


def _aware(row: Sample) -> datetime:
    return row.seen_at.replace(tzinfo=UTC)


TABLE = Table(
    "components",
    (
        Column(
            "name",
            "名称",
            "Name",
            lambda r: r.name,
            sort=Sample.name,
            note=lambda r: f"SAMPLE-{r.id:03}",
            width="wide",
        ),
        Column("department", "部门", "Department", lambda r: r.department, sort=Sample.department),
        Column("level", "等级", "Level", lambda r: r.level, sort=Sample.level, kind="number"),
        Column(
            "verdict",
            "判定",
            "Verdict",
            lambda r: r.verdict,
            sort=Sample.verdict,
            kind="badge",
            label="verdict",
        ),
        Column("severity", "严重程度", "Severity", lambda r: r.severity, kind="badge", label="severity"),
        Column("examined", "已检查", "Examined", lambda r: r.examined, sort=Sample.examined, kind="progress"),
        Column(
            "findings",
            "问题数",
            "Findings",
            lambda r: r.open_findings,
            sort=Sample.open_findings,
            kind="number",
        ),
        Column("seen", "最近检查", "Last seen", _aware, sort=Sample.seen_at, kind="time"),
        Column("bytes", "证据大小", "Evidence", lambda r: r.size, sort=Sample.size, kind="size", shown=False),
        Column(
            "code", "编号", "Code", lambda r: f"SAMPLE-{r.id:03}", sort=Sample.id, kind="code", shown=False
        ),
        Column("third", "三级", "Level 3", lambda r: r.level == 3, kind="flag", shown=False),
    ),
    filters=(
        Choice("verdict", "判定", "Verdict", Sample.verdict, label="verdict"),
        Choice("level", "等级", "Level", Sample.level, options=(("2", "2"), ("3", "3")), cast=int),
        Days("seen", "最近检查", "Last seen", Sample.seen_at),
        TextFilter("department", "部门", "Department", Sample.department),
        Flag("many", "问题多于 20", "Over 20 findings", Sample.open_findings > 20),
    ),
    search=(Sample.name, Sample.department),
    default_sort="name",
    row_url=lambda r: url_for("ComponentView.panel", number=r.id),
    row_id=lambda r: r.id,
    row_tone=lambda r: "bad" if r.open_findings > 25 else "",
    bulk=(BulkAction("mark", "标记", "Mark", lambda: url_for("ComponentView.index"), icon="flag"),),
    search_hint=("搜索名称、部门", "Search name, department"),
)

EMPTY = Table(
    "nothing",
    (Column("name", "名称", "Name", lambda r: r.name),),
    prefix="n_",
    empty=(
        "还没有扫描。",
        "No scan yet.",
        "先申请扫描授权，再从系统页面发起扫描。",
        "Ask for an authorisation, then start a scan.",
    ),
)


class ComponentView(PageView):
    """Everything that a page can be made of."""

    route_base = "/components"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> str | Response:
        if request.method == "POST":
            flash(
                t("示例表单已收到，没有改变任何数据。", "The sample form arrived; nothing was changed."),
                "info",
            )
            return redirect(url_for("ComponentView.index"))
        with Session(_sample_engine()) as session:
            state = TABLE.load(
                session, select(Sample), request.args, export_url=url_for("ComponentView.export")
            )
        return self.page(
            "components.html",
            state=state,
            nothing=EMPTY.of_rows([], {}),
            kinds=LABELS,
            charts=_charts(),
            form=_form(),
            history=_history(),
            parts=_parts(),
            running=label("job_state", "running"),
            states=[label("job_state", value) for value in ("running", "done", "failed")],
        )

    @expose("/<int:number>")
    def panel(self, number: int) -> str:
        """One sample row, for the side panel and as a page."""
        with Session(_sample_engine()) as session:
            row = session.get(Sample, number) or session.get_one(Sample, 1)
        return self.page("component.html", row=row, history=_history())

    @expose("/progress")
    def progress(self) -> str:
        """A bar that moves by itself, three seconds per tenth, and ends; the same for everybody."""
        step = int(utc_now().timestamp() // 3) % 11
        return self.page("component_progress.html", step=step)

    @expose("/export")
    def export(self) -> ResponseReturnValue:
        title = t("组件示例", "components")
        with Session(_sample_engine()) as session:
            response = export_table(TABLE, session, select(Sample), request.args, now=utc_now(), title=title)
            response.get_data()
        return response


def _parts() -> list[tuple[str, str, int, str]]:
    numbers = {"compliant": 121, "partial": 24, "non_compliant": 31, "na": 12, "not_examined": 23}
    found = []
    for value, number in numbers.items():
        item = label("verdict", value)
        found.append((item.tone, item.text, number, url_for("ComponentView.index", verdict=value)))
    return found


def _form() -> Form:
    form = Form(
        {
            "name": "",
            "note": t("已经填写的内容会保留。", "What was typed is kept."),
            "level": "3",
            "until": "2026-13-01",
        }
    )
    form.text("name", required=True)
    form.day("until")
    return form


def _history() -> list[SimpleNamespace]:
    start = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    words = (
        (
            "good",
            "复测通过，问题关闭",
            "Retest passed, closed",
            "同一规则在同一对象上再次运行，结果为通过。",
            "The same rule ran again and passed.",
        ),
        ("info", "已提交整改", "Fix submitted", "", ""),
        (
            "warn",
            "制定整改计划",
            "Planned",
            "计划在两周内关闭 root 远程登录。",
            "Root log-in over SSH ends within two weeks.",
        ),
        ("bad", "发现问题", "Found", "", ""),
    )
    return [
        SimpleNamespace(
            time=start - timedelta(days=3 * number),
            title=t(zh, en),
            text=t(more_zh, more_en),
            tone=tone,
            who=t("示例用户", "sample user"),
        )
        for number, (tone, zh, en, more_zh, more_en) in enumerate(words)
    ]


def _charts() -> list[tuple[str, str]]:
    words = language()
    rows = [
        CountRow.of(f"C{number}", Text(zh, en), Counts(*counts))
        for number, (zh, en, counts) in enumerate(
            (
                ("安全物理环境", "Physical environment", (16, 2, 1, 1, 2)),
                ("安全通信网络", "Communication network", (4, 1, 2, 0, 1)),
                ("安全区域边界", "Area boundary", (9, 4, 4, 1, 2)),
                ("安全计算环境", "Computing environment", (18, 5, 8, 1, 2)),
                ("安全管理中心", "Management centre", (7, 2, 2, 0, 1)),
            )
        )
    ]
    total = Counts(54, 14, 17, 3, 8)
    findings = {
        layer: {Severity.HIGH: 2 + number, Severity.MEDIUM: 5 - number, Severity.LOW: 3}
        for number, layer in enumerate(Layer)
    }
    days = [
        TrendPoint(
            date(2026, 11, number), Decimal(40 + 4 * number), Decimal(50 + 3 * number), 40 - 2 * number
        )
        for number in range(1, 13)
    ]
    return [
        ("", verdict_donut(total, language=words)),
        ("", conformity_radar(rows, language=words)),
        ("", verdict_bars(rows, language=words)),
        ("", finding_bars(findings, language=words)),
        ("", trend_lines(days, language=words)),
    ]
