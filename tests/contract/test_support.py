"""What the other tests rely on does what it says: network guard, own environment, builders, counters, clients."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from secops.accounts.models import Role
from secops.config import Settings
from secops.findings.models import Finding
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from secops.scans.models import Outcome
from secops.scope import Principal, scoped_classes
from tests.conftest import OutsideNetwork
from tests.support.builders import Rows, build_district
from tests.support.platforms import ClientAs, account_of
from tests.support.queries import recorded_queries


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "0.0.0.1", "mlps.example.test"])
def test_no_connection_leaves_this_machine(address: str) -> None:
    """A connection to another machine is refused before a packet is sent, by address and by name."""
    with socket.socket() as probe, pytest.raises(OutsideNetwork):
        probe.connect((address, 80))
    with pytest.raises(OutsideNetwork):
        socket.create_connection(("mlps.example.test", 80))


def test_no_datagram_leaves_this_machine() -> None:
    """Sending without a connection is held to the same rule, on both families."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, pytest.raises(OutsideNetwork):
        probe.sendto(b"x", ("192.0.2.1", 53))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe, pytest.raises(OutsideNetwork):
        probe.sendto(b"x", ("2001:db8::1", 53))


def test_loopback_and_unix_sockets_are_open(tmp_path: Path) -> None:
    """Peers on this machine are reached: by address, by name, by path."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, port), timeout=5) as client:
                assert client.getpeername()[1] == port
    path = os.path.relpath(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
        assert client.getpeername() == path


def test_settings_of_the_person_who_runs_the_tests_are_not_seen() -> None:
    """Only the variables of the build are left, and the home is an empty folder of its own."""
    settings = Settings.from_env()

    assert settings.home.name.startswith("secops-tests-")
    assert settings == Settings(home=settings.home)


def test_every_platform_is_fresh(platform: Platform, tmp_path: Path) -> None:
    """A platform has its first rows and nothing of another test, and lives in this test's folder."""
    with platform.work("test") as session:
        assert session.scalar(select(func.count()).select_from(System)) == 1
        assert session.scalar(select(func.count()).select_from(Department)) == 1
    assert platform.settings.home.is_relative_to(tmp_path)


def test_a_private_postgres_listens_on_no_port(pg_platform: Platform) -> None:
    """The server of the tests is reached through its own folder only, and is not the machine's."""
    with pg_platform.engine.connect() as connection:
        assert connection.scalar(text("SHOW listen_addresses")) == ""
        assert "secops-pg-" in connection.scalar(text("SHOW data_directory"))


@pytest.mark.parametrize(
    "model", sorted(scoped_classes(), key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__
)
def test_a_builder_fills_every_table(rows: Rows, model: type) -> None:
    """One row of any table can be had without naming its parents, and one more in another system."""
    first = rows.one(model)
    system = rows.one(System)
    second = system if model is System else rows.one(model, system_id=system)

    assert first != second


def test_parents_belong_to_the_same_system(platform: Platform, rows: Rows) -> None:
    """What a row needs is made in its own system and department."""
    department = rows.one(Department)
    system = rows.one(System, department_id=department)

    outcome = rows.one(Outcome, system_id=system)

    with platform.work("test") as session:
        found = session.get_one(Outcome, outcome)
        asset = session.get_one(Asset, found.asset_id)
        assert (found.department_id, asset.system_id, asset.department_id) == (department, system, department)


def test_a_district_has_its_size(platform: Platform) -> None:
    """As many systems as asked for, spread over the departments, each with its findings."""
    district = build_district(platform.engine, systems=30, departments=3, findings=2)

    with platform.work("test") as session:
        assert len(district.systems) == 30
        per_department = session.scalars(
            select(func.count())
            .where(System.department_id.in_(district.departments))
            .group_by(System.department_id)
        )
        assert per_department.all() == [10, 10, 10]
        assert session.scalar(select(func.count()).select_from(Finding)) == 60


def test_queries_are_counted(platform: Platform) -> None:
    """Each statement counts once, those of other engines do not, and the block ends the counting."""
    with recorded_queries(platform.engine) as queries, Session(platform.engine) as session:
        session.execute(text("SELECT 1"))
        session.execute(text("SELECT 2"))
    with platform.engine.connect() as connection:
        connection.execute(text("SELECT 3"))

    assert queries.count == 2
    assert "SELECT 2" in queries.told()


def test_a_client_is_signed_in_as_its_role(client_as: ClientAs, platform: Platform) -> None:
    """A client went through the log-in page, holds its one role, and need not change its password."""
    client = client_as(Role.SYSTEM_ADMIN)

    assert client.get("/users/").status_code == 200
    assert client.get("/audit/").status_code in (403, 404)
    assert not account_of(platform, client.username).must_change_password
    assert client_as(None).get("/users/").status_code == 302


def test_a_grant_can_be_narrow(client_as: ClientAs, platform: Platform, rows: Rows) -> None:
    """A person of one department is not one of the root."""
    department = rows.one(Department)
    client = client_as(Role.OFFICER, department_id=department)

    from flask_appbuilder.security.sqla.models import User

    from secops.accounts.services import principal_for
    from tests.support.platforms import NOW

    with platform.work("test") as session:
        user = session.scalars(select(User).where(User.username == client.username)).one()
        who = principal_for(session, user, NOW)
    assert isinstance(who, Principal)
    assert not who.everything
    assert who.department_ids == {department}
