"""One's own tokens."""

from __future__ import annotations

from flask import g, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.api import tokens
from secops.clock import utc_now
from secops.errors import BadInput
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import t


class TokenView(PageView):
    """Tokens of the signed-in person."""

    route_base = "/account/tokens"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        return self._page(Form(days=30))

    def _page(self, form: Form) -> str:
        areas = [(area, t(*words), area) for area, words in tokens.AREAS.items()]
        rows = tokens.open_tokens(self.db, g.account, now=utc_now())
        return self.page(
            "account_tokens.html",
            form=form,
            rows=rows,
            areas=areas,
            most=tokens.MAX_DAYS,
            names=dict(tokens.AREAS),
        )

    @expose("/create", methods=["POST"])
    def create(self) -> str | tuple[str, int]:
        """Make one; it is shown on this page and nowhere again."""
        form = Form(request.form)
        name = form.text("name", required=True, limit=80)
        days = form.number("days", least=1, most=tokens.MAX_DAYS)
        areas = form.values("areas")
        token = ""
        if form.ok and days is not None:
            try:
                token = tokens.create_token(
                    self.db, g.account, name=name, areas=areas, days=days, now=utc_now()
                )
                self.db.commit()
            except BadInput as error:
                self.db.rollback()
                form.take(error)
        if not token:
            return self._page(form), 400
        return self.page("account_token_created.html", name=name, token=token, days=days)

    @expose("/<int:token_id>/end", methods=["POST"])
    def end(self, token_id: int) -> Response:
        tokens.end_token(self.db, g.account.user_id, token_id, now=utc_now())
        return self.done(url_for("TokenView.index"), "令牌已作废。", "The token is worthless now.")


VIEWS = (TokenView,)
