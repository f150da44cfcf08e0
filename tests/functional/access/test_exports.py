"""An export gives its connection back: many in a row leave none behind."""

from __future__ import annotations

import gc

from secops.accounts.models import Role
from tests.support.platforms import ClientAs


def test_exports_leave_no_connection_behind(client_as: ClientAs) -> None:
    """More exports than the pool has connections, without a garbage collection to help."""
    client = client_as(Role.SECURITY_ADMIN)
    pool = client.app.extensions["secops"].engine.pool
    gc.disable()
    try:
        for _ in range(20):
            answer = client.get("/grants/export?format=csv")
            assert answer.status_code == 200
            answer.close()
            assert pool.checkedout() == 0
    finally:
        gc.enable()
