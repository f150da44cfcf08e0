"""Writes the posture report as CSV files for other programs, packed in one archive.

Heads are stable English keys and closed lists keep their spelling, in either language; sentences are in the
language asked for. Files are UTF-8 with a byte-order mark, so that spreadsheets read Chinese, and every string
passes :func:`reports.text.neutral`, so that they take none for a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from reports.base import RenderedFile
from reports.posture.check import check
from reports.posture.naming import file_name
from reports.read_model import NOT_EXAMINED, STATES, CountRow, Language, PostureReport, Text, Verdict
from reports.text import neutral
from reports.zipping import pack

Table = tuple[str, Sequence[str], Iterable[Sequence[object]]]


class CsvPosture:
    """Renders :class:`~reports.read_model.PostureReport` to CSV files in a zip."""

    renderer_id: ClassVar[str] = "csv_posture"
    kind: ClassVar[str] = "posture"
    format: ClassVar[str] = "csv.zip"

    def render(self, model: PostureReport, language: str | None = None) -> RenderedFile:
        """Write the archive; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        check(model)
        content = pack((f"{name}.csv", _file(heads, rows)) for name, heads, rows in _tables(model, lang))
        return RenderedFile(file_name(model, lang, self.format), "application/zip", content)


def _file(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([_value(value) for value in row])
    return buffer.getvalue().encode("utf-8-sig")


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple):
        return neutral(";".join(map(str, value)))
    return neutral(str(value))


def _tables(model: PostureReport, language: Language) -> Iterable[Table]:
    yield _report(model, language)
    yield _summary(model, language)
    yield _targets(model, language)
    yield from _results(model, language)
    yield _findings(model, language)
    yield _evidence(model, language)
    yield _scans(model, language)
    yield _trend(model)


def _words(text: Text | None, language: Language) -> str:
    return "" if text is None else text.in_(language)


def _state(verdict: Verdict | None) -> str:
    return NOT_EXAMINED if verdict is None else verdict.value


def _report(model: PostureReport, language: Language) -> Table:
    meta, system = model.meta, model.system
    filing = system.filing
    rows: list[tuple[str, object]] = [
        ("title", _words(meta.title, language)),
        ("report_number", meta.report_number),
        ("generated_at", meta.generated_at),
        ("generator", meta.generator),
        ("catalogue_edition", meta.catalogue_edition),
        ("system", system.name),
        ("code", system.code),
        ("department", system.department),
        ("level", system.level),
        ("profile", system.profile),
        ("hosting", _words(system.hosting, language)),
        ("filing_number", filing.number if filing else None),
        ("filing_is_example", filing.is_example if filing else None),
        ("basis", model.summary.basis.value),
        ("is_draft", model.summary.is_draft),
        *(("rule_set", f"{_words(each.name, language)} {each.version}") for each in meta.rule_sets),
        *(("unofficial", _words(note, language)) for note in meta.unofficial_notes),
        *(("source_scan", scan_id) for scan_id in meta.scan_ids),
    ]
    return "report", ("key", "value"), rows


def _summary(model: PostureReport, language: Language) -> Table:
    summary = model.summary

    def line(group: str, row: CountRow) -> list[object]:
        counts = row.counts
        return [
            group,
            row.code,
            _words(row.label, language),
            *(counts.of(state) for state in STATES),
            counts.total,
            counts.examined,
            counts.examined_percent,
            row.conformity_examined,
            row.conformity_applicable,
        ]

    heads = (
        *("group", "code", "label", *STATES),
        *("total", "examined", "examined_percent", "conformity_examined", "conformity_applicable"),
    )
    rows = [line("all", summary.total)]
    rows += [line("class", row) for row in summary.by_class]
    rows += [line("layer", row) for row in summary.by_layer]
    return "summary", heads, rows


def _targets(model: PostureReport, language: Language) -> Table:
    heads = ("id", "name", "kind", "address", "importance", "note")
    rows = [
        (t.id, t.name, _words(t.kind, language), t.address, t.importance.value, t.note) for t in model.targets
    ]
    return "targets", heads, rows


def _results(model: PostureReport, language: Language) -> Iterable[Table]:
    item_heads = (
        *("unit", "clause", "letter", "class", "class_name", "control_point", "mark", "layer"),
        *("summary", "state", "not_examined_because"),
    )
    items = [
        (
            *(item.unit_id, item.clause, item.letter, item.class_code, _words(item.class_name, language)),
            *(
                _words(item.control_point, language),
                item.mark,
                item.layer.value,
                _words(item.summary, language),
            ),
            *(_state(item.verdict), _words(item.not_examined, language)),
        )
        for item in model.items
    ]
    yield "items", item_heads, items
    cell_heads = ("unit", "target_id", "state", "origin", "not_examined_because", "grounds", "evidence")
    cells = (
        (
            *(item.unit_id, cell.target_id, _state(cell.verdict)),
            cell.origin.value if cell.verdict is not None else None,
            _words(cell.not_examined, language),
            "\n".join(_words(reason, language) for reason in cell.reasons),
            cell.evidence,
        )
        for item in model.items
        for cell in item.cells
    )
    yield "results", cell_heads, cells


def _findings(model: PostureReport, language: Language) -> Table:
    heads = (
        *("number", "title", "severity", "layer", "units", "target_ids", "state", "is_closed", "opened_on"),
        *("age_days", "due_on", "is_overdue", "owner", "measure", "remediation"),
    )
    rows = [
        (
            *(f.number, _words(f.title, language), f.severity.value, f.layer.value, f.units, f.target_ids),
            *(_words(f.state, language), f.is_closed, f.opened_on, f.age_days, f.due_on, f.is_overdue),
            *(f.owner, f.measure, _words(f.remediation, language)),
        )
        for f in model.findings
    ]
    return "findings", heads, rows


def _evidence(model: PostureReport, language: Language) -> Table:
    heads = ("number", "name", "source", "sm3", "size_bytes", "uploaded_by", "uploaded_at", "units")
    rows = [
        (
            *(e.number, e.name, _words(e.source, language), e.sm3_hex),
            *(e.size_bytes, e.uploaded_by, e.uploaded_at, e.units),
        )
        for e in model.evidence
    ]
    return "evidence", heads, rows


def _scans(model: PostureReport, language: Language) -> Table:
    heads = ("id", "probe", "target", "started_at", "finished_at", "state", "failure")
    rows = [
        (
            *(s.id, s.probe, s.target, s.started_at, s.finished_at),
            *(_words(s.state, language), _words(s.failure, language)),
        )
        for s in model.scans
    ]
    return "scans", heads, rows


def _trend(model: PostureReport) -> Table:
    heads = ("on", "examined_percent", "conformity_examined", "open_findings")
    rows = [(p.on, p.examined_percent, p.conformity_examined, p.open_findings) for p in model.trend]
    return "trend", heads, rows


RENDERER = CsvPosture()
