"""``secops bench load`` against a served application: answers of every role, accounts closed afterwards, refusals."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from secops.accounts.services import User
from secops.errors import NotReady, Refused
from secops.objects.models import System
from secops.platform import Platform
from secops.seed.district import SIZES, seed
from secops.seed.load import run
from tests.support import platforms
from tests.support.builders import Rows
from tests.support.services import free_port


@pytest.fixture
def served(platform: Platform) -> Iterator[str]:
    app = platforms.application(platform)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()
    app.extensions["secops"].engine.dispose()


def test_people_walk_and_are_gone_afterwards(platform: Platform, served: str) -> None:
    """Five people of four roles: every page answers, and nobody can sign in with their accounts later."""
    seed(platform.engine, SIZES["S"])
    for _ in range(2):
        found = run(platform, users=5, seconds=1.5, think=0, url=served)
        assert found.failed == []
        assert len(found.answers) >= 5
        assert {row["number"] for row in found.rows()} != {0}
        assert all(0 < row["p50"] <= row["p95"] <= row["worst"] for row in found.rows())  # type: ignore[operator]
    with platform.work("test") as session:
        users = session.scalars(select(User).where(User.username.startswith("load-"))).all()
        assert len(users) == 5
        assert not any(user.active for user in users)


def test_an_installation_with_real_systems_is_left_alone(platform: Platform, rows: Rows) -> None:
    """Load is for invented data; an installation without any is refused too."""
    with pytest.raises(Refused):
        run(platform, users=1, seconds=1, think=0)
    rows.one(System, is_example=False)
    with pytest.raises(Refused):
        run(platform, users=1, seconds=1, think=0)


def test_a_server_that_is_not_there_is_named(platform: Platform) -> None:
    """The sentence says how to start it, and the accounts are closed all the same."""
    seed(platform.engine, SIZES["S"])
    with pytest.raises(NotReady, match="secops up"):
        run(platform, users=2, seconds=1, think=0, url=f"http://127.0.0.1:{free_port()}")
    with platform.work("test") as session:
        assert not any(
            user.active for user in session.scalars(select(User).where(User.username.startswith("load-")))
        )
