"""Browsing the catalogue: what each item asks, how it is examined, and what can evidence it."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from controls.catalog import CRYPTO, MLPS_EVALUATION
from controls.highrisk import high_risk_guide
from controls.loader import load_catalog
from secops.catalogue import words
from secops.catalogue.queries import RuleAnswer, catalogue_page, unit_rows
from secops.catalogue.tables import CATALOGUE
from secops.clock import utc_now
from secops.web.base import PageView
from secops.web.labels import Label, label
from secops.web.lang import listed, pick, t
from secops.web.links import LINKS
from secops.web.table_export import export_table

_CHANGES = {
    "first": Label("首次出现", "First asked here", "info", "plus-circle"),
    "more": Label("要求有变化", "Asks for more or else", "warn", "arrow-up-circle"),
    "steps": Label("要求相同，步骤有变化", "Same, other steps", "plain", "list-ol"),
    "same": Label("相同", "The same", "mute"),
}


class CatalogView(PageView):
    """Requirement items and assessment units of the frameworks; files only, no database."""

    route_base = "/catalogue"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = CATALOGUE.load(self.db, unit_rows(), request.args, export_url=url_for("CatalogView.export"))
        catalog = load_catalog()
        frameworks = [catalog.framework(name) for name in (MLPS_EVALUATION, CRYPTO)]
        return self.page("catalogue.html", state=state, frameworks=frameworks, counts=_counts(), **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("控制项目录", "catalogue")
        return export_table(CATALOGUE, self.db, unit_rows(), request.args, now=utc_now(), title=title)  # type: ignore[arg-type]

    @expose("/<string:unit_id>")
    def item(self, unit_id: str) -> str:
        found = catalogue_page(unit_id)
        return self.page(
            "catalogue_item.html",
            found=found,
            unit=found.unit,
            framework=load_catalog().framework(found.unit.framework),
            words=words,
            changes=_CHANGES,
            rules=[_rule(answer, str(found.unit.id)) for answer in found.answers],
            guide=high_risk_guide(),
            **LINKS,
        )


def _counts() -> list[dict[str, Any]]:
    """Units per level of the grading standard and of the crypto standard."""
    rows = unit_rows()
    found = []
    for level in (1, 2, 3, 4):
        mlps = [row for row in rows if row.unit.framework == MLPS_EVALUATION and row.unit.level == level]
        general = sum(1 for row in mlps if row.unit.scope.value == "general")
        found.append(
            {
                "title": words.level_words(level),
                "value": general,
                "note": t(
                    f"通用；另有扩展要求 {len(mlps) - general}",
                    f"general; {len(mlps) - general} more in extensions",
                ),
                "url": url_for("CatalogView.index", framework=MLPS_EVALUATION, level=level, scope="general"),
            }
        )
    crypto = sum(1 for row in rows if row.unit.framework == CRYPTO)
    found.append(
        {
            "title": t("密码应用", "Cryptography"),
            "value": crypto,
            "note": t("四个等级合计", "over four levels"),
            "url": url_for("CatalogView.index", framework=CRYPTO),
        }
    )
    return found


def _rule(answer: RuleAnswer, unit_id: str) -> dict[str, Any]:
    rule = answer.rule
    written = t(f"按 {answer.written_for} 编写", f"written for {answer.written_for}")
    return {
        "step": answer.step,
        "id": rule.id,
        "title": pick(rule.title),
        "strength": words.strength_words(answer.strength),
        "severity": label("severity", rule.severity),
        "platforms": listed(rule.platforms),
        "written": written if answer.written_for != unit_id else "",
    }


VIEWS: tuple[type, ...] = (CatalogView,)
