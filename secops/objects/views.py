"""Systems: the list, one system at a glance, its items and its targets."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from controls.grading import GRADING_RULE_SETS, grading_rule_set
from controls.terms import Degree, HarmObject, LevelProfile, TargetKind
from reports.charts import verdict_bars
from reports.read_model import STATES, Counts, Text
from secops.catalogue import words as catalogue_words
from secops.catalogue.words import level_words, term
from secops.clock import utc_now
from secops.evidence.tables import title_words
from secops.findings.queries import overdue
from secops.findings.words import number as finding_number
from secops.findings.words import step_tone, step_words
from secops.inventory.notes import note_for
from secops.objects import parts, queries
from secops.objects.clock import STATES as CLOCK
from secops.objects.clock import duties, evaluation_state
from secops.objects.item_queries import item_page
from secops.objects.models import Classification
from secops.objects.queries import Head, Overview
from secops.objects.tables import ASSETS, ITEMS, SYSTEMS, today
from secops.scans.words import cause_label
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import Label, label
from secops.web.lang import language, pick, t
from secops.web.links import LINKS, link
from secops.web.people import names_of, shown
from secops.web.scope_filters import system_options
from secops.web.table_export import export_table

_STEP_STATES = {
    "passed": Label("成立", "Holds", "good"),
    "failed": Label("不成立", "Does not hold", "bad"),
    "partly_failed": Label("部分不成立", "Partly fails", "warn", "circle-half"),
    "na": Label("不适用", "Not applicable", "mute"),
    "open": Label("未检查", "Not examined", "open"),
}
_SCAN_TONES = {"done": "good", "failed": "bad", "running": "info", "queued": "mute", "cancelled": "mute"}


class SystemView(PageView):
    """Graded objects and where each of them stands."""

    route_base = "/systems"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = SYSTEMS.load(
            self.db, queries.system_statement(), request.args, export_url=url_for("SystemView.export")
        )
        return self.page("systems.html", state=state, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("定级对象", "systems")
        return export_table(
            SYSTEMS, self.db, queries.system_statement(), request.args, now=utc_now(), title=title
        )

    @expose("/suggest")
    def suggest(self) -> Response:
        """Systems whose name or code holds what was typed, for fields that name one."""
        found = system_options(
            self.db, classified=bool(request.args.get("classified")), like=request.args.get("q", "")[:80]
        )
        return jsonify([words for _, words in found])

    @expose("/<int:system_id>")
    def show(self, system_id: int) -> str:
        """One system at a glance."""
        now = utc_now()
        head = queries.system_head(self.db, system_id)
        found = queries.overview(self.db, head, now, today())
        people = [row.given_by for row in found.evidence] + [row[0].actor for row in found.events]
        people += [row.requested_by for row in found.scans] + [
            row.decided_by for row in found.classifications
        ]
        names = names_of(self.db, people)
        by_class, by_layer = (
            (found.summary.by_class, found.summary.by_layer)
            if found.summary
            else parts.open_groups(head.system.profile, tuple(head.system.extensions))
        )
        counts = parts.summary_counts(found.summary) or Counts(not_examined=head.items)
        return self.page(
            "system.html",
            **head_context(head, "show"),
            found=found,
            counts=counts,
            class_table=_group_table(parts.class_rows(by_class)),
            class_chart=_chart(head, parts.class_rows(by_class), "class"),
            layer_chart=_chart(head, parts.layer_rows(by_layer), "layer"),
            overdue=overdue,
            evidence_title=title_words,
            today=today(),
            dates=duties(head.system, _level_fixed(found.classifications)),
            clock=CLOCK[evaluation_state(head.system, today())],
            classifications=[_classification(row, names) for row in found.classifications],
            timeline=_timeline(found, names)[:14],
            start_form=Form(authorization_id=found.authorizations[0].id if found.authorizations else ""),
            cause=cause_label,
            step_chars=finding_number,
            state_words=parts.SYSTEM_STATES[head.system.state.value],
            term=term,
            TargetKind=TargetKind,
            share=parts.share_text,
        )

    @expose("/<int:system_id>/items")
    def items(self, system_id: int) -> str:
        """Every item that binds the system, and how it stands."""
        head = queries.system_head(self.db, system_id)
        rows = queries.item_rows(self.db, head.system)
        where = url_for("SystemView.items_export", system_id=system_id)
        state = ITEMS.load(self.db, rows, request.args, export_url=where)
        counts = Counts(**{name: sum(1 for row in rows if row.state == name) for name in STATES})
        stack = parts.verdict_parts(
            counts, lambda one: url_for("SystemView.items", system_id=system_id, state=one)
        )
        return self.page(
            "system_items.html", **head_context(head, "items"), state=state, parts=stack, counts=counts
        )

    @expose("/<int:system_id>/items/export")
    def items_export(self, system_id: int) -> Response:
        head = queries.system_head(self.db, system_id)
        rows: Any = queries.item_rows(self.db, head.system)
        title = t(f"{head.system.code} 控制项", f"{head.system.code} items")
        return export_table(ITEMS, self.db, rows, request.args, now=utc_now(), title=title)

    @expose("/<int:system_id>/items/<string:unit_id>")
    def item(self, system_id: int, unit_id: str) -> str:
        """One item: its steps, what answered each of them at each target, and what is still open."""
        head = queries.system_head(self.db, system_id)
        found = item_page(self.db, head.system, unit_id)
        names = names_of(self.db, [row.given_by for row in found.evidence])
        return self.page(
            "system_item.html",
            **head_context(head, "items"),
            found=found,
            note=note_for(self.db, head.system, found.unit, today()),
            unit=found.unit,
            words=catalogue_words,
            step_states=_STEP_STATES,
            names=names,
            shown=shown,
            finding_number=finding_number,
            evidence_title=title_words,
            kind=lambda value: term(TargetKind(value)),
        )

    @expose("/<int:system_id>/assets")
    def assets(self, system_id: int) -> str | Response:
        """Targets of the system; with ``format`` the same list as a file."""
        head = queries.system_head(self.db, system_id)
        statement = queries.asset_statement(system_id)
        if "format" in request.args:
            title = t(f"{head.system.code} 测评对象", f"{head.system.code} targets")
            return export_table(ASSETS, self.db, statement, request.args, now=utc_now(), title=title)
        where = url_for("SystemView.assets", system_id=system_id)
        state = ASSETS.load(self.db, statement, request.args, export_url=where)
        gaps = queries.kind_gaps(head.system, queries.kinds_of(self.db, system_id))
        missing = [(term(TargetKind(kind)), number) for kind, number in gaps]
        return self.page("system_assets.html", **head_context(head, "assets"), state=state, missing=missing)


def head_context(head: Head, here: str) -> dict[str, Any]:
    """What the top of every page of one system needs."""
    system = head.system
    one = {"system": system.id}
    wanted = (
        ("show", t("概览", "Overview"), link("SystemView.show", system_id=system.id), None),
        ("items", t("控制项", "Items"), link("SystemView.items", system_id=system.id), head.items),
        ("scope", t("适用性", "Applicability"), link("ScopeView.index", system_id=system.id), None),
        ("inheritance", t("继承", "Inheritance"), link("InheritanceView.index", system_id=system.id), None),
        ("layers", t("三层", "Layers"), link("LayerView.index", system=system.id), None),
        ("findings", t("问题", "Findings"), link("FindingView.index", open=1, **one), head.findings),
        ("evidence", t("证据", "Evidence"), link("EvidenceView.index", **one), head.evidence),
        ("scans", t("扫描", "Scans"), link("ScanView.index", **one), head.scans),
        ("assets", t("测评对象", "Targets"), link("SystemView.assets", system_id=system.id), head.assets),
        ("reports", t("报告", "Reports"), link("ReportView.index", **one), head.reports),
        ("profile", t("登记信息", "Registration"), link("SystemRegister.show", row_id=system.id), None),
    )
    tabs = [
        {"text": text, "url": url, "active": key == here, "count": count}
        for key, text, url, count in wanted
        if url
    ]
    return {
        "head": head,
        "system": system,
        "department": head.department,
        "tabs": tabs,
        "level": level_words(system.level),
        "flags": [parts.FLAGS[key] for key in parts.flags_of(system) if key != "example"],
        **LINKS,
    }


def _chart(head: Head, rows: Any, group: str) -> str:
    """Bars per class or per layer, each part leading to the items behind it."""
    titles = {
        "class": Text("各安全类判定", "Verdicts by class"),
        "layer": Text("各安全层面判定", "Verdicts by layer"),
    }

    def where(code: str, state: str) -> str | None:
        return link("SystemView.items", system_id=head.system.id, state=state, **{group: code}) or None

    width = {"class": 640, "layer": 400}[group]
    return verdict_bars(rows, language=language(), title=titles[group], link=where, width=width)


def _group_table(rows: Any) -> list[list[Any]]:
    found = []
    for row in rows:
        counts = row.counts
        rate = parts.share_text(counts.compliant, counts.judged)
        numbers = [counts.of(state) for state in STATES]
        found.append(
            [pick(row.label), *numbers, counts.total, parts.share_text(counts.examined, counts.total), rate]
        )
    return found


def _level_fixed(rows: Any) -> Any:
    return rows[0].decided_at.date() if rows else None


def _classification(row: Classification, names: Any) -> dict[str, Any]:
    profile = LevelProfile.parse(row.profile)
    name, _, version = row.rule_set.partition("@")
    title = pick(grading_rule_set(name).title) if name in GRADING_RULE_SETS else name
    return {
        "at": row.decided_at,
        "by": shown(row.decided_by, names),
        "level": level_words(row.level),
        "profile": str(profile),
        "s": _side(row.s_level, row.business),
        "a": _side(row.a_level, row.service),
        "rule_set": f"{title} {version}".strip(),
        "reason": row.reason,
    }


def _side(level: int, pairs: list[list[str]]) -> str:
    harm = "；".join(f"{term(HarmObject(one))} · {term(Degree(degree))}" for one, degree in pairs)
    return f"{level_words(level)}（{harm}）" if language() == "zh" else f"{level_words(level)} ({harm})"


def _timeline(found: Overview, names: Any) -> list[dict[str, Any]]:
    """Findings, scans and evidence in one line of time, newest first; what one scan did to many findings is one entry."""
    entries: list[dict[str, Any]] = []
    groups: dict[tuple[Any, str], list[Any]] = {}
    for event, title, _ in found.events:
        groups.setdefault((event.detail.get("scan") or f"e{event.id}", event.action), []).append(
            (event, title)
        )
    for (_, action), rows in groups.items():
        event, title = rows[0]
        many = t(f"{pick(title)} 等 {len(rows)} 个问题", f"{pick(title)} and {len(rows) - 1} more")
        text = many if len(rows) > 1 else pick(title)
        entries.append(
            {
                "time": event.at,
                "title": step_words(action),
                "text": text,
                "tone": step_tone(action),
                "who": shown(event.actor, names),
            }
        )
    for scan in found.scans:
        state = label("scan_state", scan.state)
        title = t(f"扫描 #{scan.id}：{state.text}", f"Scan #{scan.id}: {state.text}")
        tone = _SCAN_TONES[scan.state.value]
        entries.append(
            {
                "time": scan.finished_at or scan.requested_at,
                "title": title,
                "text": cause_label(scan.cause).text,
                "tone": tone,
                "who": shown(scan.requested_by, names),
            }
        )
    # Raw output comes with its scan, and a report in two forms is one report.
    given = {row.title: row for row in reversed(found.evidence) if row.source.value != "scan"}
    for row in given.values():
        title = t(
            f"证据：{label('evidence_source', row.source).text}",
            f"Evidence: {label('evidence_source', row.source).text}",
        )
        entries.append(
            {
                "time": row.given_at,
                "title": title,
                "text": title_words(row),
                "tone": "plain",
                "who": shown(row.given_by, names),
            }
        )
    return sorted(entries, key=lambda entry: entry["time"], reverse=True)


VIEWS: tuple[type, ...] = (SystemView,)
