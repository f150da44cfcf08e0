"""The chapters of the Word document, from the view that all formats share."""

from __future__ import annotations

from collections.abc import Sequence

from docx.shared import Mm

from reports.docx_posture.writer import Band, Tag, Writer
from reports.pdf_posture.drawings import draw_charts
from reports.posture.shapes import ClassView, GroupView, View
from reports.posture.words import word
from reports.rasterise import png
from reports.read_model import Language, PostureReport, Severity
from reports.terms import SEVERITY_LOOKS, STATE_LOOKS

_ALARM = STATE_LOOKS["non_compliant"].ink


class Chapters:
    """Writes all of one report."""

    def __init__(self, writer: Writer, view: View, report: PostureReport, language: Language) -> None:
        self.writer = writer
        self.view = view
        self.report = report
        self.language = language
        self.charts = draw_charts(report, language)

    def say(self, key: str, **values: object) -> str:
        return word(key, self.language, **values)

    def write(self) -> None:
        """Write cover, contents and chapters."""
        view, writer = self.view, self.writer
        draft = f"{self.say('draft_short')}　" if view.is_draft else ""
        writer.head_and_foot(
            f"{view.head_system}　{view.title}", draft + view.marking, view.report_number, self.say("page_of")
        )
        self._cover()
        place = self._contents()
        self._summary()
        self._system_and_scope()
        self._results()
        self._findings()
        self._evidence_and_scans()
        self._method()
        writer.fill_contents(place)

    def _cover(self) -> None:
        view, writer = self.view, self.writer
        if view.is_draft:
            writer.paragraph(self.say("draft"), centre=True, bold=True, size=26, colour=_ALARM)
        for _ in range(3):
            writer.paragraph("")
        writer.paragraph(view.title, style="Title", centre=True)
        writer.paragraph(self.report.system.name, centre=True, bold=True, size=17)
        writer.paragraph("")
        for fact in view.cover:
            made = writer.paragraph("")
            made.paragraph_format.left_indent = Mm(25)
            writer.run(made, f"{fact.label}　", colour="5B6678")
            writer.run(made, fact.value, bold=True)
        writer.paragraph("")
        writer.paragraph(self.say("examined_title"), bold=True)
        writer.paragraph(view.examined)
        if view.is_draft:
            writer.paragraph(view.draft_why, bold=True, colour=_ALARM)
        writer.paragraph(self.say("disclaimer_title"), bold=True)
        writer.paragraph(self.say("disclaimer"), bold=True)
        if view.cover_notes:
            writer.paragraph(self.say("unofficial_title"), bold=True)
            writer.bullets(view.cover_notes)

    def _contents(self) -> object:
        writer = self.writer
        made = writer.paragraph(self.say("contents"), centre=True, bold=True, size=16, colour="1F4E79")
        made.paragraph_format.page_break_before = True
        place = writer.contents_here()
        return place

    def _chart(self, name: str, caption: str, share: float) -> None:
        writer = self.writer
        writer.picture(png(self.charts[name].decode()), writer.width_mm() * share, caption)
        writer.caption("figure", self.say("figure"), caption)

    def _table(
        self, caption: str, widths: Sequence[float], heads: Sequence[str], rows: Sequence[object]
    ) -> None:
        self.writer.caption("table", self.say("table"), caption)
        self.writer.table(widths, heads, rows)  # type: ignore[arg-type]

    def _counts(self, caption: str, head: str, groups: Sequence[GroupView]) -> None:
        heads = [
            head,
            *self.view.states,
            *map(self.say, ("total", "examined_share", "rate_examined", "rate_applicable")),
        ]
        rows = [
            [each.name, *each.counts, each.total, each.examined, each.rate_examined, each.rate_applicable]
            for each in (*groups, self.view.total)
        ]
        self._table(caption, [2.2, *[1] * 9], heads, rows)

    def _summary(self) -> None:
        view, writer = self.view, self.writer
        writer.document.add_page_break()
        writer.heading(1, self.say("ch1"))
        writer.heading(2, self.say("ch1_key"))
        writer.paragraph(view.intro)
        writer.bullets(view.key_points)
        writer.heading(2, self.say("ch1_distribution"))
        self._chart("donut.svg", self.say("ch1_distribution"), 0.62)
        writer.heading(2, self.say("ch1_classes"))
        if view.classes:
            self._chart("classes.svg", self.say("cap_classes", basis=view.basis), 1.0)
        else:
            writer.paragraph(self.say("no_data"))
        writer.heading(2, self.say("ch1_layers"))
        if view.layers and view.total.total != "0":
            self._chart("layers.svg", self.say("cap_layers", basis=view.basis), 1.0)
            self._counts(self.say("cap_layers", basis=view.basis), self.say("layer"), view.layers)
        else:
            writer.paragraph(self.say("no_data"))
        writer.heading(2, self.say("ch1_reasons"))
        if view.reasons:
            rows = [[each.reason, each.count, each.share] for each in view.reasons]
            heads = [self.say("reason"), self.say("checks"), self.say("share")]
            self._table(self.say("cap_reasons"), [6, 1, 1], heads, rows)
        else:
            writer.paragraph(self.say("none"))
        writer.heading(2, self.say("ch1_trend"))
        if self.report.trend:
            self._chart("trend.svg", self.say("ch1_trend"), 1.0)
        else:
            writer.paragraph(self.say("no_data"))

    def _system_and_scope(self) -> None:
        view, writer = self.view, self.writer
        writer.heading(1, self.say("ch2"))
        rows = [[fact.label, fact.value] for fact in view.system]
        self._table(self.say("cap_system"), [1, 4], [self.say("item"), self.say("content")], rows)
        writer.heading(1, self.say("ch3"))
        writer.paragraph(view.scope)
        if not view.targets:
            writer.paragraph(self.say("no_targets"))
            return
        heads = list(map(self.say, ("code", "name", "kind", "address", "importance", "note")))
        targets = [[t.code, t.name, t.kind, t.address, t.importance, t.note] for t in view.targets]
        self._table(self.say("cap_targets"), [1, 2.6, 1.6, 2, 1.2, 1.6], heads, targets)

    def _results(self) -> None:
        view, writer = self.view, self.writer
        writer.heading(1, self.say("ch4"))
        writer.heading(2, self.say("ch4_counts"))
        if not view.classes:
            writer.paragraph(self.say("no_data"))
            return
        self._counts(self.say("cap_classes", basis=view.basis), self.say("class"), view.classes)
        if len(view.classes) >= 3:
            self._chart("radar.svg", self.say("cap_rates"), 0.8)
        writer.turn(wide=True)
        writer.heading(2, self.say("ch4_items"))
        for group in view.items:
            self._class(group)

    def _class(self, group: ClassView) -> None:
        writer = self.writer
        writer.heading(3, group.name)
        if group.intro:
            writer.paragraph(group.intro).paragraph_format.keep_with_next = True
        rows: list[object] = []
        for item in group.items:
            mark = f" ({item.mark})" if item.mark else ""
            rows.append(
                Band(
                    f"{item.unit}　{item.clause}　{item.point}{mark}　{item.layer}",
                    item.summary,
                    Tag(item.state_name, STATE_LOOKS[item.state], self.say("overall")),
                )
            )
            rows.extend(
                [
                    line.targets,
                    Tag(line.state_name, STATE_LOOKS[line.state], line.origin),
                    line.why,
                    self._join(line.evidence),
                ]
                for line in item.lines
            )
        heads = list(map(self.say, ("targets", "verdict", "why", "evidence")))
        self._table(self.say("cap_items", name=group.name), [2, 2, 5.5, 2], heads, rows)

    def _join(self, values: Sequence[str]) -> str:
        return ("、" if self.language is Language.ZH else ", ").join(values)

    def _findings(self) -> None:
        view, writer = self.view, self.writer
        writer.turn(wide=False)
        writer.heading(1, self.say("ch5"))
        writer.heading(2, self.say("ch5_counts"))
        if not view.findings:
            writer.paragraph(self.say("no_findings"))
            return
        self._chart("findings.svg", self.say("cap_finding_counts"), 1.0)
        counts = [[row.layer, *row.counts] for row in view.finding_counts]
        heads = [self.say("layer"), *view.severities, self.say("total")]
        self._table(self.say("cap_finding_counts"), [2, *[1] * (len(heads) - 1)], heads, counts)
        writer.turn(wide=True)
        writer.heading(2, self.say("ch5_list"))
        keys = (
            "number",
            "finding",
            "severity",
            "layer",
            "concerns",
            "state",
            "opened",
            "due",
            "owner",
            "measure_and_advice",
        )
        rows = []
        for each in view.findings:
            plan = [f"{self.say('measure')}：{each.measure}" if each.measure else ""]
            plan.append(f"{self.say('advice')}：{each.advice}" if each.advice else "")
            rows.append(
                [
                    each.number,
                    each.title,
                    Tag(each.severity_name, SEVERITY_LOOKS[Severity(each.severity)]),
                    each.layer,
                    f"{self._join(each.units)}\n{each.targets}",
                    each.state,
                    f"{each.opened}\n{each.age}",
                    "\n".join(part for part in (each.due, each.overdue) if part),
                    each.owner,
                    "\n".join(part for part in plan if part),
                ]
            )
        widths = [1.2, 2.4, 1.2, 1.3, 2.2, 1.2, 1.4, 1.4, 1.1, 3.8]
        self._table(self.say("cap_findings"), widths, list(map(self.say, keys)), rows)

    def _evidence_and_scans(self) -> None:
        view, writer = self.view, self.writer
        writer.turn(wide=bool(view.evidence or view.scans))
        writer.heading(1, self.say("ch6"))
        if view.evidence:
            keys = ("number", "evidence_name", "source", "sm3", "size", "uploaded", "units")
            rows = [
                [
                    e.number,
                    e.name,
                    e.source,
                    e.sm3,
                    e.size,
                    f"{e.uploaded_by}\n{e.uploaded_at}",
                    self._join(e.units),
                ]
                for e in view.evidence
            ]
            self._table(
                self.say("cap_evidence"), [1.1, 2.4, 1, 3.6, 1.1, 1.9, 2.4], list(map(self.say, keys)), rows
            )
        else:
            writer.paragraph(self.say("no_evidence"))
        writer.heading(1, self.say("ch7"))
        if view.scans:
            keys = ("scan", "probe", "target", "started", "finished", "state", "failure")
            scans = [[s.id, s.probe, s.target, s.started, s.finished, s.state, s.failure] for s in view.scans]
            self._table(
                self.say("cap_scans"), [1.4, 1.4, 1.4, 1.7, 1.7, 1.2, 3.6], list(map(self.say, keys)), scans
            )
        else:
            writer.paragraph(self.say("no_scans"))

    def _method(self) -> None:
        view, writer = self.view, self.writer
        writer.turn(wide=False)
        writer.heading(1, self.say("ch8"))
        writer.heading(2, self.say("ch8_method"))
        writer.bullets(self.say(f"method_{number}") for number in range(1, 5))
        writer.heading(2, self.say("ch8_versions"))
        rows = [[fact.label, fact.value, ""] for fact in view.sources]
        rows.extend([each.name, each.version, each.nature] for each in view.rule_sets)
        heads = list(map(self.say, ("item", "version", "nature")))
        self._table(self.say("cap_versions"), [2, 3, 1], heads, rows)
        writer.heading(2, self.say("ch8_limits"))
        writer.bullets([self.say("disclaimer"), self.say("limit_1"), self.say("limit_2"), *view.notes])
