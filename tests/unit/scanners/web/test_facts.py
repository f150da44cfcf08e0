"""Web observations as facts."""

from __future__ import annotations

import pytest

from scanners.baseline.model import FactState
from scanners.web.facts import cookie_faults, facts_from_sample, hsts_seconds, missing_headers
from scanners.web.result import CookieFacts, HeaderFacts


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=31536000; includeSubDomains", 31536000),
        ('includeSubDomains; MAX-AGE = "60"', 60),
        ("max-age=-1", 0),
        ("max-age=", 0),
        ("max-age=9999999999999", 0),
        ("", 0),
    ],
)
def test_hsts(header: str, seconds: int) -> None:
    """The time is read in every spelling that the standard allows, and nothing else counts."""
    assert hsts_seconds(header) == seconds


def test_cookies_without_a_session_have_no_faults() -> None:
    """Only cookies that carry a session are judged, Secure only where it can be set."""
    cookies = (
        CookieFacts("lang", False, False, "", False),
        CookieFacts("sid", False, True, "lax", True),
    )

    assert cookie_faults(cookies, is_https=True) == ["sid: no Secure"]
    assert cookie_faults(cookies, is_https=False) == []


def test_a_frame_policy_may_stand_in_either_header() -> None:
    """frame-ancestors replaces X-Frame-Options; nosniff must be spelled so."""
    headers = HeaderFacts(
        content_security_policy="frame-ancestors 'none'",
        x_content_type_options="sniff",
        referrer_policy="no-referrer",
    )

    assert missing_headers(headers) == ["X-Content-Type-Options"]


def test_a_page_without_a_log_in_proves_no_safe_log_in() -> None:
    """The log-in may be elsewhere: its absence on the start page is not a pass."""
    fact = facts_from_sample({"result": {"login_forms": []}}).facts["web.login_in_clear"]

    assert (fact.state, fact.value) == (FactState.INCOMPLETE, [])
