"""The button that makes a register evidence."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.db import local_day
from secops.errors import BadInput, NotFound
from secops.evidence.services import store_bytes
from secops.inventory.snapshots import snapshot_of
from secops.objects.queries import system_head, units_of
from secops.web.base import PageView
from secops.web.lang import language, t


class SnapshotView(PageView):
    """Registers as evidence."""

    route_base = "/systems"

    @expose("/<int:system_id>/items/<string:unit_id>/register", methods=["POST"])
    def create(self, system_id: int, unit_id: str) -> Response:
        """Seal what the register says of a unit today; it is submitted like an upload and waits for its acceptance."""
        system = system_head(self.db, system_id).system
        unit = next((one for one in units_of(system) if str(one.id) == unit_id), None)
        if unit is None:
            raise NotFound
        back = url_for("SystemView.item", system_id=system_id, unit_id=unit_id)
        try:
            made = snapshot_of(
                self.db, system, unit, today=local_day(self.db, utc_now()), actor=self.who.name
            )
        except BadInput as error:
            flash(error.text(language()), "danger")
            return redirect(back)
        self.db.rollback()
        store_bytes(self.platform, self.who, made.new, made.content)
        flash(
            t(
                "已将登记册现状封存为证据，等待审核。",
                "The register as it stands is sealed as evidence and waits for its acceptance.",
            ),
            "success",
        )
        return redirect(back)
