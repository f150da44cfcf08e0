"""Light, dark, or as the system is: kept by the browser, asked of nobody."""

from __future__ import annotations

import pytest

from secops.accounts.models import Role
from tests.support.platforms import ClientAs


@pytest.mark.parametrize(
    ("code", "sheet"),
    [("light", None), ("dark", 'dark.css">'), ("auto", 'dark.css" media="(prefers-color-scheme: dark)">')],
)
def test_the_choice_is_kept_and_leads_back(client_as: ClientAs, code: str, sheet: str | None) -> None:
    """The page one was on comes again, in the theme that was chosen; the menu marks it."""
    client = client_as(Role.OFFICER)
    answer = client.get(f"/theme/{code}?next=/findings/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/findings/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    text = client.get("/findings/").text
    assert ("dark.css" in text) == (sheet is not None)
    if sheet:
        assert sheet in text
    assert f"/theme/{code}?next=" in text
    assert text.count('aria-current="true"') >= 1


def test_before_anybody_signed_in(client_as: ClientAs) -> None:
    """The log-in page follows too; an unknown theme is not found, and leads nowhere else."""
    client = client_as(None)
    assert client.get("/theme/neon").status_code == 404
    assert client.get("/theme/dark?next=https://example.org/").headers["Location"] == "/"
    assert "dark.css" in client.get("/login/").text
