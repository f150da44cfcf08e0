"""Uploads piece by piece, for the script of the upload form; see ``uploads.py`` for the protocol."""

from __future__ import annotations

from flask import jsonify, request
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import BadInput
from secops.evidence import uploads
from secops.evidence.uploads import Place
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.paths import file_name


class EvidenceUploadView(PageView):
    """Begin, continue, ask how far it is."""

    route_base = "/evidence/uploads"
    default_view = "begin"

    @expose("/", methods=["POST"])
    def begin(self) -> Response:
        form = Form(request.form)
        system, size = form.value("system"), form.value("size")
        if not (system.isdecimal() and size.isdecimal() and len(system) < 10 and len(size) < 16):
            raise BadInput("缺少系统或文件大小。", "System or size is missing.", "file")
        place = uploads.begin(
            self.platform,
            self.db,
            system_id=int(system),
            file_name=file_name(form.value("name")),
            size=int(size),
            stamp=form.value("stamp"),
            actor=self.who.name,
            now=utc_now(),
        )
        self.db.commit()
        return _answer(place, 201)

    @expose("/<string:upload>", methods=["PATCH"])
    def piece(self, upload: str) -> Response:
        row = uploads.find(self.db, upload, self.who.name)
        offset = request.headers.get("Upload-Offset", "")
        if not offset.isdecimal() or len(offset) > 15:
            raise BadInput("缺少偏移。", "The offset is missing.", "file")
        if (request.content_length or 0) > uploads.PIECE:
            raise BadInput("分片过大。", "The piece is too large.", "file")
        data = request.stream.read(uploads.PIECE + 1)
        place = uploads.add_piece(self.platform, self.db, row, int(offset), data, now=utc_now())
        self.db.commit()
        return _answer(place, 200)

    @expose("/<string:upload>")
    def place(self, upload: str) -> Response:
        row = uploads.find(self.db, upload, self.who.name)
        return _answer(Place(row.token, row.received, row.size), 200)


def _answer(place: Place, status: int) -> Response:
    response = jsonify(
        {"token": place.token, "received": place.received, "size": place.size, "piece": uploads.PIECE}
    )
    response.status_code = status
    response.headers["Upload-Offset"] = str(place.received)
    return response
