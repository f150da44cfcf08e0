"""The long sheets: items by targets, gaps and findings, evidence, scans, versions."""

from __future__ import annotations

from reports.posture.shapes import View
from reports.posture.view import target_codes
from reports.posture.words import word
from reports.read_model import WHOLE_SYSTEM, Cell, ItemResult, PostureReport, Text, Verdict
from reports.terms import LAYER_NAMES, ORIGIN_NAMES, SEVERITY_NAMES, STATE_NAMES
from reports.xlsx_posture.book import MAX_COLUMNS, Book, Sheet

_GAPS = (Verdict.NON_COMPLIANT, Verdict.PARTIAL)


class Tables:
    """Writes the sheets of one report."""

    def __init__(self, book: Book, report: PostureReport, view: View) -> None:
        self.book = book
        self.report = report
        self.view = view
        self.lang = book.language
        self.codes = target_codes(report)
        self.names = {target.id: target.name for target in report.targets}
        self.comma = "、" if self.lang == "zh" else ", "

    def say(self, key: str, **values: object) -> str:
        return word(key, self.lang, **values)

    def text(self, text: Text | None) -> str:
        return "" if text is None else text.in_(self.lang)

    def sheet(self, key: str) -> Sheet:
        return self.book.sheet(self.say(key), self.view.head_system)

    def target(self, target_id: str) -> str:
        """Print a target by code and name, as both are known to different readers."""
        if target_id == WHOLE_SYSTEM:
            return self.say("whole_system")
        return f"{self.codes[target_id]} {self.names[target_id]}" if target_id in self.codes else target_id

    def state(self, verdict: Verdict | None, reason: Text | None) -> str:
        if verdict is None:
            return self.say("not_examined_because", reason=self.text(reason))
        return STATE_NAMES[verdict.value].in_(self.lang)

    def write_items(self) -> None:
        """Write one row per item and one column per target; what was not examined says why in its cell."""
        sheet = self.sheet("sheet_items")
        keys = ("unit", "clause", "class", "control_point", "mark", "layer", "summary", "overall")
        widths = [14.0, 12, 14, 16, 6, 11, 48, 26]
        everywhere = any(cell.target_id == WHOLE_SYSTEM for item in self.report.items for cell in item.cells)
        targets = [WHOLE_SYSTEM] if everywhere else []
        targets = [*targets, *(target.id for target in self.report.targets)][: MAX_COLUMNS - len(keys)]
        sheet.widths([*widths, *(18.0 for _ in targets)])
        head = sheet.heads([*(self.say(key) for key in keys), *(self.target(each) for each in targets)])
        for item in self.report.items:
            by_target = {cell.target_id: cell for cell in item.cells}
            sheet.line([*self._item(item), *(self._cell(by_target.get(each)) for each in targets)])
        sheet.freeze(head, 1, len(keys) + len(targets) - 1)
        sheet.colour_states(head + 1, len(keys) - 1, len(keys) + len(targets) - 1)

    def _item(self, item: ItemResult) -> list[object]:
        clause = f"{item.clause} {item.letter})" if item.letter else item.clause
        return [
            item.unit_id,
            clause,
            self.text(item.class_name),
            self.text(item.control_point),
            item.mark,
            LAYER_NAMES[item.layer].in_(self.lang),
            self.text(item.summary),
            self.state(item.verdict, item.not_examined),
        ]

    def _cell(self, cell: Cell | None) -> str:
        return "" if cell is None else self.state(cell.verdict, cell.not_examined)

    def write_gaps(self) -> None:
        """Write findings first, then each check that is not fully compliant, in one table to filter."""
        sheet = self.sheet("sheet_findings")
        keys = (
            *("kind", "number", "finding", "severity", "layer", "units", "targets", "state", "opened"),
            *("age_days", "due", "overdue", "owner", "why_or_measure", "advice", "evidence"),
        )
        sheet.widths([12, 13, 34, 14, 11, 22, 26, 12, 12, 9, 12, 9, 12, 44, 44, 18])
        head = sheet.heads([self.say(key) for key in keys])
        self._findings(sheet)
        findings_end = sheet.row
        self._gap_cells(sheet)
        sheet.freeze(head, 2, len(keys) - 1)
        if findings_end > head + 1:
            sheet.colour_severities(head + 1, 3)
        sheet.colour_states(findings_end, 3, 3)

    def _findings(self, sheet: Sheet) -> None:
        for each in self.report.findings:
            sheet.line(
                [
                    self.say("finding"),
                    each.number,
                    self.text(each.title),
                    SEVERITY_NAMES[each.severity].in_(self.lang),
                    LAYER_NAMES[each.layer].in_(self.lang),
                    self.comma.join(each.units),
                    "\n".join(self.target(t) for t in each.target_ids) or self.say("whole_system"),
                    self.text(each.state),
                    each.opened_on,
                    each.age_days,
                    each.due_on,
                    self.say("yes" if each.is_overdue and not each.is_closed else "no"),
                    each.owner,
                    each.measure,
                    self.text(each.remediation),
                    "",
                ]
            )

    def _gap_cells(self, sheet: Sheet) -> None:
        for item in self.report.items:
            for cell in item.cells:
                if cell.verdict not in _GAPS:
                    continue
                grounds = "\n".join(self.text(reason) for reason in cell.reasons) or self.say("no_grounds")
                origin = ORIGIN_NAMES[cell.origin].in_(self.lang)
                sheet.line(
                    [
                        self.say("check"),
                        item.unit_id,
                        self.text(item.summary),
                        STATE_NAMES[cell.verdict.value].in_(self.lang),
                        LAYER_NAMES[item.layer].in_(self.lang),
                        item.unit_id,
                        self.target(cell.target_id),
                        origin,
                        *("",) * 5,
                        grounds,
                        "",
                        self.comma.join(cell.evidence),
                    ]
                )

    def write_evidence(self) -> None:
        """Write the evidence index."""
        sheet = self.sheet("sheet_evidence")
        keys = (
            "number",
            "evidence_name",
            "source",
            "sm3",
            "size_bytes",
            "uploaded_by",
            "uploaded_at",
            "units",
        )
        sheet.widths([12, 40, 14, 70, 14, 16, 18, 44])
        head = sheet.heads([self.say(key) for key in keys])
        for row in self.report.evidence:
            values = [
                row.number,
                row.name,
                self.text(row.source),
                row.sm3_hex,
                row.size_bytes,
                row.uploaded_by,
                row.uploaded_at,
                self.comma.join(row.units),
            ]
            sheet.line(values, [None, None, None, self.book.mono, None, None, None, None])
        sheet.freeze(head, 1, len(keys) - 1)

    def write_scans(self) -> None:
        """Write the scans with the reasons of those that saw nothing."""
        sheet = self.sheet("sheet_scans")
        keys = ("scan", "probe", "target", "started", "finished", "state", "failure")
        sheet.widths([16, 18, 28, 18, 18, 14, 60])
        head = sheet.heads([self.say(key) for key in keys])
        for row in self.report.scans:
            sheet.line(
                [
                    row.id,
                    row.probe,
                    self.target(row.target),
                    row.started_at,
                    row.finished_at,
                    self.text(row.state),
                    self.text(row.failure),
                ]
            )
        sheet.freeze(head, 1, len(keys) - 1)

    def write_versions(self) -> None:
        """Write sources, rule sets, method, limits and what is not official."""
        sheet = self.sheet("sheet_versions")
        sheet.widths([30, 90, 14])
        head = sheet.heads([self.say("item"), self.say("content"), self.say("nature")])
        for fact in self.view.sources:
            sheet.line([fact.label, fact.value, ""])
        for rule_set in self.view.rule_sets:
            sheet.line([f"{self.say('rule_set')}：{rule_set.name}", rule_set.version, rule_set.nature])
        for key in ("method_1", "method_2", "method_3", "method_4"):
            sheet.line([self.say("ch8_method"), self.say(key), ""])
        for key in ("disclaimer", "limit_1", "limit_2"):
            sheet.line([self.say("ch8_limits"), self.say(key), ""])
        for note in self.view.notes:
            sheet.line([self.say("unofficial_title"), note, self.say("unofficial")])
        sheet.freeze(head, 1, 2)
