"""Turns a posture into what a page shows: one language, strings only, grouped and in reading order.

Knows no format. Renderers for PDF and Word take a :class:`View`; the workbook, which wants single values to
sort and filter, takes the model itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reports.posture.shapes import (
    ClassView,
    EvidenceView,
    Fact,
    FindingCountView,
    FindingView,
    GroupView,
    ItemView,
    LineView,
    ReasonView,
    RuleSetView,
    ScanView,
    TargetView,
    View,
)
from reports.posture.words import word
from reports.read_model import (
    NOT_EXAMINED,
    STATES,
    WHOLE_SYSTEM,
    Cell,
    CountRow,
    EvidenceRow,
    FindingRow,
    ItemResult,
    Language,
    PostureReport,
    ScanRecord,
    Severity,
    SystemInfo,
    Text,
)
from reports.terms import (
    BASIS_NAMES,
    IMPORTANCE_NAMES,
    LAYER_NAMES,
    LEVEL_NAMES,
    ORIGIN_NAMES,
    SEVERITY_NAMES,
    STATE_NAMES,
)
from reports.text import clean, date_text, percent_text, shorten, size_text, time_text

#: Beyond this many targets a printed matrix no longer helps; the workbook has it whole.
MATRIX_MAX_TARGETS = 60
_MAX_REASONS = 12
_COVER_NOTES = 5


def build_view(report: PostureReport, language: Language) -> View:
    """Make the view of one report in one language."""
    maker = _Maker(report, language)
    return maker.view()


def target_codes(report: PostureReport) -> dict[str, str]:
    """Give each target id its short code, in the order of the list: ``T01``, ``T02``, …."""
    digits = max(2, len(str(len(report.targets))))
    return {target.id: f"T{place:0{digits}}" for place, target in enumerate(report.targets, 1)}


class _Maker:
    """Holds what every part needs: the report, the language, the codes."""

    def __init__(self, report: PostureReport, language: Language) -> None:
        self.report = report
        self.language = language
        self.codes = target_codes(report)
        self.order = {target.id: place for place, target in enumerate(report.targets)}
        self.indexed = {row.number for row in report.evidence}
        self.zone = report.meta.zone
        self.comma = "、" if language is Language.ZH else ", "

    def say(self, key: str, **values: object) -> str:
        return word(key, self.language, **values)

    def text(self, text: Text | None) -> str:
        return "" if text is None else clean(text.in_(self.language))

    def state_name(self, state: str) -> str:
        return STATE_NAMES[state].in_(self.language)

    def view(self) -> View:
        report, meta, summary = self.report, self.report.meta, self.report.summary
        notes = tuple(self.text(note) for note in meta.unofficial_notes)
        return View(
            language=self.language.value,
            title=self.text(meta.title),
            head_system=shorten(clean(report.system.name, keep_newlines=False), 34),
            report_number=clean(meta.report_number, keep_newlines=False),
            marking=self.text(meta.marking),
            generated_at=self.generated_at(),
            is_draft=summary.is_draft,
            draft_why=self.draft_why(),
            examined=self.examined(summary.total),
            cover=self.cover(),
            cover_notes=self.cover_notes(notes),
            key_points=self.key_points(),
            intro=self.intro(),
            system=self.system(report.system),
            basis=BASIS_NAMES[summary.basis].in_(self.language),
            states=tuple(self.state_name(state) for state in STATES),
            classes=tuple(self.group(row) for row in summary.by_class),
            layers=tuple(self.group(row) for row in summary.by_layer),
            total=self.group(summary.total),
            reasons=self.reasons(),
            scope=self.say("scope_sentence", items=len(report.items), targets=len(report.targets)),
            targets=self.targets(),
            items=self.classes(),
            matrix_fits=0 < len(report.targets) <= MATRIX_MAX_TARGETS,
            findings=tuple(self.finding(finding) for finding in report.findings),
            severities=tuple(SEVERITY_NAMES[each].in_(self.language) for each in Severity),
            finding_counts=self.finding_counts(),
            evidence=tuple(self.evidence(row) for row in report.evidence),
            scans=tuple(self.scan(row) for row in report.scans),
            rule_sets=self.rule_sets(),
            sources=self.sources(),
            notes=notes,
        )

    def generated_at(self) -> str:
        zone = self.zone.tzname(None) or "UTC"
        return f"{time_text(self.report.meta.generated_at, self.zone)} ({zone})"

    def level(self) -> str:
        system = self.report.system
        profile = clean(system.profile, keep_newlines=False)
        name = LEVEL_NAMES[system.level].in_(self.language)
        return f"{name}（{profile}）" if self.language is Language.ZH else f"{name} ({profile})"

    def examined(self, row: CountRow) -> str:
        basis = BASIS_NAMES[self.report.summary.basis].in_(self.language)
        counts = row.counts
        if counts.total == 0:
            return self.say("examined_nothing", basis=basis)
        return self.say(
            "examined_sentence",
            basis=basis,
            total=counts.total,
            examined=counts.examined,
            rest=counts.not_examined,
            share=percent_text(counts.examined_percent),
        )

    def draft_why(self) -> str:
        summary = self.report.summary
        if not summary.is_draft:
            return ""
        return self.say("draft_why" if summary.total.counts.total else "draft_empty")

    def cover(self) -> tuple[Fact, ...]:
        report = self.report
        return (
            Fact(self.say("system"), clean(report.system.name)),
            Fact(self.say("department"), clean(report.system.department)),
            Fact(self.say("level"), self.level()),
            Fact(self.say("report_number"), clean(report.meta.report_number)),
            Fact(self.say("generated_at"), self.generated_at()),
        )

    def cover_notes(self, notes: tuple[str, ...]) -> tuple[str, ...]:
        if len(notes) <= _COVER_NOTES:
            return notes
        shown = notes[: _COVER_NOTES - 1]
        return (*shown, self.say("unofficial_more", count=len(notes) - len(shown)))

    def intro(self) -> str:
        return self.say(
            "key_intro",
            system=clean(self.report.system.name, keep_newlines=False),
            level=self.level(),
            time=self.generated_at(),
        )

    def key_points(self) -> tuple[str, ...]:
        total = self.report.summary.total
        points = [self.examined(total)]
        if total.counts.total:
            points.append(self.say("key_counts", **{state: total.counts.of(state) for state in STATES}))
            points.append(
                self.say(
                    "key_rate",
                    examined=percent_text(total.conformity_examined),
                    applicable=percent_text(total.conformity_applicable),
                )
            )
        points.append(self.finding_point())
        if scans := self.report.scans:
            failed = sum(scan.failure is not None for scan in scans)
            points.append(self.say("key_scans", all=len(scans), failed=failed))
        return tuple(points)

    def finding_point(self) -> str:
        findings = self.report.findings
        if not findings:
            return self.say("key_no_findings")
        still_open = [finding for finding in findings if not finding.is_closed]
        by_severity = Counter(finding.severity for finding in still_open)
        parts = [
            f"{SEVERITY_NAMES[each].in_(self.language)} {by_severity[each]}"
            for each in Severity
            if by_severity[each]
        ]
        return self.say(
            "key_findings",
            all=len(findings),
            open=len(still_open),
            severities=self.comma.join(parts) or self.say("none"),
            overdue=sum(finding.is_overdue for finding in still_open),
        )

    def system(self, system: SystemInfo) -> tuple[Fact, ...]:
        filing = system.filing
        example = (
            f"（{self.say('example')}）" if self.language is Language.ZH else f" ({self.say('example')})"
        )
        mark = example if filing and filing.is_example else ""
        facts = [
            Fact(self.say("system"), clean(system.name)),
            Fact(self.say("system_code"), clean(system.code)),
            Fact(self.say("department"), clean(system.department)),
            Fact(self.say("level"), self.level()),
            Fact(self.say("hosting"), self.text(system.hosting)),
            Fact(self.say("filing"), clean(filing.number) + mark if filing else self.say("not_filed")),
            Fact(
                self.say("filed_on"), date_text(filing.filed_on) + mark if filing and filing.filed_on else ""
            ),
            Fact(
                self.say("extensions"),
                self.comma.join(self.text(each) for each in system.extensions) or self.say("only_general"),
            ),
            Fact(self.say("boundary"), clean(system.boundary)),
            Fact(self.say("business"), clean(system.business)),
        ]
        return tuple(fact for fact in facts if fact.value)

    def group(self, row: CountRow) -> GroupView:
        counts = row.counts
        return GroupView(
            clean(row.code),
            self.text(row.label),
            tuple(str(counts.of(state)) for state in STATES),
            str(counts.total),
            percent_text(counts.examined_percent),
            percent_text(row.conformity_examined),
            percent_text(row.conformity_applicable),
        )

    def reasons(self) -> tuple[ReasonView, ...]:
        counted: Counter[str] = Counter()
        for item in self.report.items:
            for reason in (cell.not_examined for cell in item.cells) if item.cells else (item.not_examined,):
                if reason is not None:
                    counted[self.text(reason)] += 1
        ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        whole = sum(counted.values())
        shown, rest = ranked[:_MAX_REASONS], ranked[_MAX_REASONS:]
        if rest:
            shown.append((self.say("other_reasons", count=len(rest)), sum(count for _, count in rest)))
        return tuple(ReasonView(reason, str(count), f"{count / whole:.1%}") for reason, count in shown)

    def targets(self) -> tuple[TargetView, ...]:
        return tuple(
            TargetView(
                self.codes[target.id],
                clean(target.name),
                self.text(target.kind),
                clean(target.address),
                IMPORTANCE_NAMES[target.importance].in_(self.language),
                clean(target.note),
            )
            for target in self.report.targets
        )

    def classes(self) -> tuple[ClassView, ...]:
        rows = {row.code: row for row in self.report.summary.by_class}
        grouped: dict[str, list[ItemResult]] = {}
        for item in self.report.items:
            grouped.setdefault(item.class_code, []).append(item)
        basis = BASIS_NAMES[self.report.summary.basis].in_(self.language)
        views = []
        for code, items in grouped.items():
            name = self.text(items[0].class_name)
            counts = rows[code].counts if code in rows else None
            intro = ""
            if counts is not None:
                intro = self.say(
                    "class_intro",
                    name=name,
                    items=len(items),
                    basis=basis,
                    total=counts.total,
                    examined=counts.examined,
                    share=percent_text(counts.examined_percent),
                )
            views.append(ClassView(clean(code), name, intro, tuple(self.item(item) for item in items)))
        return tuple(views)

    def item(self, item: ItemResult) -> ItemView:
        state = NOT_EXAMINED if item.verdict is None else item.verdict.value
        by_target = {cell.target_id: cell for cell in item.cells}
        signs = tuple(
            "" if (cell := by_target.get(target_id)) is None else _state(cell) for target_id in self.codes
        )
        clause = clean(item.clause)
        return ItemView(
            clean(item.unit_id),
            f"{clause} {clean(item.letter)})" if item.letter else clause,
            self.text(item.control_point),
            clean(item.mark),
            LAYER_NAMES[item.layer].in_(self.language),
            self.text(item.summary),
            state,
            self.state_name(state),
            tuple(self.lines(item)),
            signs,
        )

    def lines(self, item: ItemResult) -> Iterable[LineView]:
        """Join the cells that say the same; an item without cells is one line for the whole system."""
        if not item.cells:
            state = NOT_EXAMINED if item.verdict is None else item.verdict.value
            why = self.text(item.not_examined) or self.say("no_grounds")
            yield LineView(self.say("whole_system"), state, self.state_name(state), why, "", ())
            return
        groups: dict[tuple[str, str, str], list[Cell]] = {}
        ordered = sorted(
            item.cells, key=lambda cell: (STATES.index(_state(cell)), self.order.get(cell.target_id, -1))
        )
        for cell in ordered:
            key = (_state(cell), self.grounds(cell), self.cell_origin(cell))
            groups.setdefault(key, []).append(cell)
        for (state, why, origin), cells in groups.items():
            codes = self.code_ranges([cell.target_id for cell in cells])
            proof = dict.fromkeys(self.proof(number) for cell in cells for number in cell.evidence)
            yield LineView(codes, state, self.state_name(state), why, origin, tuple(proof))

    def proof(self, number: str) -> str:
        """Cite evidence; a number that the index does not list says so instead of leading nowhere."""
        cited = clean(number, keep_newlines=False)
        return cited if number in self.indexed else self.say("not_indexed", number=cited)

    def grounds(self, cell: Cell) -> str:
        if cell.not_examined is not None:
            return self.text(cell.not_examined)
        return "\n".join(self.text(reason) for reason in cell.reasons) or self.say("no_grounds")

    def cell_origin(self, cell: Cell) -> str:
        return "" if cell.verdict is None else ORIGIN_NAMES[cell.origin].in_(self.language)

    def code_ranges(self, ids: Sequence[str]) -> str:
        """Print codes, runs of three or more as a range: ``T01、T04–T09``."""
        places = sorted(self.order[each] for each in ids if each in self.order)
        others = [
            self.say("whole_system") if each == WHOLE_SYSTEM else clean(each)
            for each in ids
            if each not in self.order
        ]
        names = list(self.codes.values())
        parts: list[str] = []
        start = 0
        for place in range(1, len(places) + 1):
            if place < len(places) and places[place] == places[place - 1] + 1:
                continue
            run = places[start:place]
            if len(run) >= 3:
                parts.append(f"{names[run[0]]}–{names[run[-1]]}")
            else:
                parts.extend(names[each] for each in run)
            start = place
        return self.comma.join([*others, *parts])

    def finding(self, finding: FindingRow) -> FindingView:
        return FindingView(
            clean(finding.number),
            self.text(finding.title),
            finding.severity.value,
            SEVERITY_NAMES[finding.severity].in_(self.language),
            LAYER_NAMES[finding.layer].in_(self.language),
            tuple(clean(each) for each in finding.units),
            self.code_ranges(finding.target_ids) or self.say("whole_system"),
            self.text(finding.state),
            date_text(finding.opened_on),
            self.say("age", days=finding.age_days),
            date_text(finding.due_on),
            self.say("overdue") if finding.is_overdue and not finding.is_closed else "",
            clean(finding.owner),
            clean(finding.measure),
            self.text(finding.remediation),
        )

    def finding_counts(self) -> tuple[FindingCountView, ...]:
        still_open = [finding for finding in self.report.findings if not finding.is_closed]
        rows = []
        for layer, name in LAYER_NAMES.items():
            here = Counter(finding.severity for finding in still_open if finding.layer is layer)
            numbers = (*(here[each] for each in Severity), sum(here.values()))
            rows.append(FindingCountView(name.in_(self.language), tuple(map(str, numbers))))
        everything = Counter(finding.severity for finding in still_open)
        sums = (*(everything[each] for each in Severity), len(still_open))
        return (*rows, FindingCountView(self.say("total"), tuple(map(str, sums))))

    def evidence(self, row: EvidenceRow) -> EvidenceView:
        return EvidenceView(
            clean(row.number),
            clean(row.name),
            self.text(row.source),
            clean(row.sm3_hex),
            size_text(row.size_bytes),
            clean(row.uploaded_by),
            time_text(row.uploaded_at, self.zone),
            tuple(clean(each) for each in row.units),
        )

    def scan(self, row: ScanRecord) -> ScanView:
        return ScanView(
            clean(row.id),
            clean(row.probe),
            self.code_ranges((row.target,)),
            time_text(row.started_at, self.zone),
            time_text(row.finished_at, self.zone),
            self.text(row.state),
            self.text(row.failure),
        )

    def rule_sets(self) -> tuple[RuleSetView, ...]:
        return tuple(
            RuleSetView(
                self.text(each.name),
                clean(each.version),
                self.say("official" if each.official else "unofficial"),
            )
            for each in self.report.meta.rule_sets
        )

    def sources(self) -> tuple[Fact, ...]:
        meta = self.report.meta
        return (
            Fact(self.say("catalogue"), clean(meta.catalogue_edition)),
            Fact(self.say("generator"), clean(meta.generator)),
            Fact(self.say("report_number"), clean(meta.report_number)),
            Fact(self.say("generated_at"), self.generated_at()),
            Fact(self.say("source_scans"), clean(self.comma.join(meta.scan_ids)) or self.say("none")),
        )


def _state(cell: Cell) -> str:
    return NOT_EXAMINED if cell.verdict is None else cell.verdict.value
