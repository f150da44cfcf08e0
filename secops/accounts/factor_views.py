"""One's own second factor: set up, recovery codes, removal."""

from __future__ import annotations

import io

import segno
from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.accounts import factors, services, throttle, totp
from secops.accounts.door import admit
from secops.accounts.factors import FACTOR
from secops.accounts.models import TotpFactor
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import t

Page = str | Response | tuple[str, int]
ISSUER = "secops"


class FactorView(PageView):
    """The second factor of the signed-in person."""

    route_base = "/account/factor"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        return self._page(Form())

    def _page(self, form: Form) -> str:
        factor = self.db.get(TotpFactor, g.account.user_id)
        waiting = factor is not None and factor.confirmed_at is None
        seed = factors.seed_of(self.db, factor) if factor is not None and waiting else b""
        return self.page(
            "account_factor.html",
            form=form,
            factor=factor,
            waiting=waiting,
            required=factors.is_required(self.platform.settings, self.who.roles),
            key=totp.spelled(seed) if seed else "",
            code=_drawn(totp.address(seed, self.who.name, ISSUER)) if seed else "",
            left=factors.codes_left(self.db, g.account.user_id) if factor is not None else 0,
        )

    @expose("/begin", methods=["POST"])
    def begin(self) -> Response:
        """Make a seed; it counts once its first code was shown."""
        factors.begin(self.db, g.account.user_id, now=utc_now())
        self.db.commit()
        return redirect(url_for("FactorView.index"))

    @expose("/confirm", methods=["POST"])
    def confirm(self) -> Page:
        """The first code takes the factor into use; the recovery codes are shown this once."""
        form = Form(request.form)
        now = utc_now()
        try:
            codes = factors.confirm(self.db, g.account, form.value("code"), now=now)
        except BadInput as error:
            self.db.rollback()
            form.take(error)
            return self._page(form), 400
        admit(self.db, g.account, self.platform.settings, now=now, factor_at=now)
        self.db.commit()
        return self.page("account_codes.html", codes=codes)

    @expose("/codes", methods=["POST"])
    def codes(self) -> Page:
        if not FACTOR.is_enrolled(self.db, g.account.user_id):
            raise NotFound("尚未启用动态口令。", "One-time codes are not set up.")
        codes = factors.renew_codes(self.db, g.account, now=utc_now())
        self.db.commit()
        return self.page("account_codes.html", codes=codes)

    @expose("/remove", methods=["POST"])
    def remove(self) -> Page:
        """Take it away with a code of it; not where the policy demands one."""
        if factors.is_required(self.platform.settings, self.who.roles):
            raise Refused(
                "策略要求使用第二因素，不能移除。", "The policy demands a second factor; it can't be removed."
            )
        now = utc_now()
        if not self._checks(request.form.get("code", "")):
            self.db.commit()
            form = Form(request.form)
            form.fail("code", *factors.WRONG)
            return self._page(form), 400
        factors.remove(self.db, g.account, now=now, action="factor.remove")
        admit(self.db, g.account, self.platform.settings, now=now)
        self.db.commit()
        flash(t("动态口令已移除。", "One-time codes are removed."), "success")
        return redirect(url_for("FactorView.index"))

    def _checks(self, answer: str) -> bool:
        return services.check_factor(
            self.db,
            g.account,
            answer,
            now=utc_now(),
            address=request.remote_addr or "",
            path=throttle.Path.REAUTH,
        )


def _drawn(address: str) -> str:
    """The address as a QR code, an SVG for the page itself: no other program ever sees the seed."""
    stream = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        stream,
        kind="svg",
        xmldecl=False,
        svgns=False,
        scale=5,
        light="#fff",
        svgclass=None,
        lineclass=None,
        omitsize=True,
    )
    return stream.getvalue().decode("ascii").strip()
