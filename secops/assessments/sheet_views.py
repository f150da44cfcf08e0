"""Download the work sheets, and take filled ones back with a preview of each change."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import delete, select
from werkzeug.wrappers import Response

from secops.assessments.context import assessment_context
from secops.assessments.deciding import get_assessment, load_frame
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentState
from secops.assessments.planning import ROLES
from secops.assessments.sheets import SheetRow, apply_sheet, plan_sheet, read_rows, write_sheets
from secops.assessments.words import target_words
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused
from secops.inventory.models import ImportDraft
from secops.inventory.sheets import read_sheets
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import language, t
from secops.web.people import names_of, shown
from smcrypto.sm3 import hexdigest

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 300


class AssessmentSheets(PageView):
    """The Excel round trip."""

    route_base = "/assessments"
    default_view = "index"

    @expose("/<int:assessment_id>/sheets", methods=["GET", "POST"])
    def index(self, assessment_id: int) -> str | Response | tuple[str, int]:
        """Download, or upload a filled workbook: it is read and shown, nothing is written yet."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        form = Form(request.form) if request.method == "POST" else Form()
        if request.method == "POST":
            try:
                draft = self._read(found, frame)
                return redirect(
                    url_for("AssessmentSheets.preview", assessment_id=assessment_id, draft_id=draft)
                )
            except (BadInput, Refused) as error:
                self.db.rollback()
                form.errors.setdefault("file", error.text(language()))
        page = self.page(
            "assessment_sheets.html",
            **assessment_context(self.db, found, "sheets"),
            form=form,
            may_decide=found.state is AssessmentState.RUNNING and self.who.has(*ROLES),
            targets=len(frame.targets),
        )
        return (page, 400) if form.errors else page

    def _read(self, found: Assessment, frame: Frame) -> int:
        if found.state is not AssessmentState.RUNNING:
            raise Refused("测评已关闭，不能导入。", "The assessment is closed.")
        upload = request.files.get("file")
        if upload is None or not upload.filename:
            raise BadInput("请选择文件。", "Choose a file.", "file")
        content = upload.read()
        rows = read_rows(found, frame, read_sheets(content))
        plan_sheet(self.db, found, frame, rows)
        self.db.execute(
            delete(ImportDraft).where(
                ImportDraft.user_id == self.who.user_id, ImportDraft.register == _key(found)
            )
        )
        draft = ImportDraft(
            user_id=self.who.user_id, register=_key(found), file_name=upload.filename[:255],
            sm3=hexdigest(content), rows=[row.as_list() for row in rows], created_at=utc_now(),
        )  # fmt: skip
        self.db.add(draft)
        self.db.flush()
        draft_id = draft.id
        self.db.commit()
        return draft_id

    @expose("/<int:assessment_id>/sheets/download")
    def download(self, assessment_id: int) -> Response:
        found = get_assessment(self.db, assessment_id)
        now = utc_now()
        content = write_sheets(self.db, found, load_frame(self.db, found), now=now)
        record(self.db, "assessment.export", found, now=now, detail={"form": "sheets"})
        self.db.commit()
        answer = make_response(content)
        answer.headers["Content-Type"] = _XLSX
        answer.headers["Content-Disposition"] = f'attachment; filename="{found.number}.xlsx"'
        return answer

    def _draft(self, found: Assessment, draft_id: int) -> tuple[ImportDraft, list[SheetRow]]:
        draft = self.db.scalar(
            select(ImportDraft).where(
                ImportDraft.id == draft_id,
                ImportDraft.user_id == self.who.user_id,
                ImportDraft.register == _key(found),
            )
        )
        if draft is None:
            raise NotFound
        return draft, [SheetRow(*row) for row in draft.rows]

    @expose("/<int:assessment_id>/sheets/<int:draft_id>", methods=["GET", "POST"])
    def preview(self, assessment_id: int, draft_id: int) -> str | Response:
        """Each change, and each conflict with a choice; a POST takes them over."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        draft, rows = self._draft(found, draft_id)
        if request.method == "POST":
            return self._apply(found, frame, draft, rows)
        plan = plan_sheet(self.db, found, frame, rows)
        names = names_of(self.db, [one.before["assessor"] for one in plan.conflicts])
        return self.page(
            "assessment_sheet_preview.html",
            **assessment_context(self.db, found, "sheets"),
            draft=draft,
            plan=plan,
            changes=[_shown_row(frame, one.row, one.before) for one in plan.changes[:SHOWN]],
            conflicts=[
                _shown_row(frame, one.row, one.before) | {"by": shown(one.before["assessor"], names)}
                for one in plan.conflicts
            ],
            more=max(0, len(plan.changes) - SHOWN),
        )  # fmt: skip

    def _apply(self, found: Assessment, frame: Frame, draft: ImportDraft, rows: list[SheetRow]) -> Response:
        take = frozenset(
            (row.unit_id, row.target_id) for row in rows
            if request.form.get(f"take-{row.unit_id}-{row.target_id}") == "sheet"
        )  # fmt: skip
        try:
            count = apply_sheet(self.db, found, frame, rows, take=take, now=utc_now())
        except (BadInput, Refused) as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(url_for("AssessmentSheets.index", assessment_id=found.id))
        self.db.delete(draft)
        return self.done(
            url_for("AssessmentGrid.index", assessment_id=found.id),
            f"已由表格更新 {count} 格。",
            f"{count} cells were taken from the sheets.",
        )


def _key(found: Assessment) -> str:
    return f"assessment:{found.id}"


def _shown_row(frame: Frame, row: SheetRow, before: dict[str, Any]) -> dict[str, Any]:
    return {
        "row": row,
        "target": target_words(frame.target_of[row.target_id]),
        "before": label("verdict", before["verdict"] or "not_examined"),
        "after": label("verdict", row.verdict or "not_examined"),
        "text_before": before["text"],
        "text_changed": before["text"] != row.text,
        "where": t(f"“{row.sheet}”第 {row.row} 行", f"“{row.sheet}” row {row.row}"),
    }
