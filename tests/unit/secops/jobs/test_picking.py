"""Whose turn it is: departments in turn, networks not overrun, heavy work one at a time, zones by their own workers."""

from __future__ import annotations

from datetime import timedelta

from secops.clock import utc_now
from secops.config import Settings
from secops.jobs import picking, services
from secops.jobs.models import Job
from secops.jobs.runner import run_next
from secops.objects.models import Department, System
from secops.platform import Platform
from secops.scans.reach import network_of, zone_of
from secops.supervisor import plan
from tests.support.builders import Rows

LEASE = timedelta(seconds=45)


def _add(platform: Platform, system: int, kind: str = "scan", count: int = 1, network: str = "") -> list[int]:
    with platform.work("test") as session:
        department = session.get_one(System, system).department_id
        return [
            services.enqueue(
                session, kind=kind, department_id=department, system_id=system, payload={}, actor="test",
                now=utc_now(), network=network,
            ).id
            for _ in range(count)
        ]  # fmt: skip


def _take(platform: Platform, queue: str = "scan", per_network: int = 2) -> int | None:
    """Start the job whose turn it is."""
    now = utc_now()
    with platform.work("test") as session:
        found = picking.pick(session, queue, now=now, per_network=per_network)
        if not found:
            return None
        assert services.claim(session, found[0], owner="test", now=now, lease=LEASE) is not None
        return found[0]


def test_a_flood_of_one_department_delays_another_by_one_job(platform: Platform, rows: Rows) -> None:
    """Fifty jobs wait for one department; the single one of another, queued last, is second."""
    many, few = (rows.one(System, department_id=rows.one(Department)) for _ in range(2))
    flood = _add(platform, many, count=50)
    (single,) = _add(platform, few)

    assert [_take(platform) for _ in range(3)] == [flood[0], single, flood[1]]


def test_whoever_was_served_longest_ago_is_next(platform: Platform, rows: Rows) -> None:
    """With one worker, departments take turns also when nothing else runs."""
    systems = [rows.one(System, department_id=rows.one(Department)) for _ in range(3)]
    jobs = [_add(platform, system, count=2) for system in systems]
    order = []
    for _ in range(6):
        taken = _take(platform)
        assert taken is not None
        order.append(taken)
        with platform.work("test") as session:
            job = session.get_one(Job, taken)
            claim = services.Claim(
                job.id, job.attempt, job.kind, {}, job.department_id, job.system_id, "test"
            )
            services.finish(session, claim, result={}, now=utc_now())

    assert order == [jobs[0][0], jobs[1][0], jobs[2][0], jobs[0][1], jobs[1][1], jobs[2][1]]


def test_a_network_is_not_overrun(platform: Platform, rows: Rows) -> None:
    """Beyond the limit of one network, work for another goes first; jobs without a network are not held."""
    system = rows.one(System)
    inside = _add(platform, system, count=3, network="192.0.2.0/24")
    (other,) = _add(platform, system, network="198.51.100.0/24")
    (local,) = _add(platform, system)

    taken = [_take(platform) for _ in range(5)]
    assert taken == [inside[0], inside[1], other, local, None]


def test_heavy_work_is_done_one_at_a_time(platform: Platform, rows: Rows) -> None:
    """Beside a scrub of the vault no verification starts, but a recompute does."""
    system = rows.one(System)
    (scrub,) = _add(platform, system, "vault-scrub")
    (verify,) = _add(platform, system, "audit-verify")
    (small,) = _add(platform, system, "posture")

    assert [_take(platform, "housekeeping") for _ in range(3)] == [scrub, small, None]
    with platform.work("test") as session:
        services.finish(
            session, services.Claim(scrub, 1, "vault-scrub", {}, 0, 0, "test"), result={}, now=utc_now()
        )
    assert _take(platform, "housekeeping") == verify


def test_a_forged_message_does_nothing(platform: Platform, rows: Rows) -> None:
    """A message for a job that there is not runs nothing, though others wait."""
    waiting = _add(platform, rows.one(System))

    assert run_next(platform, 987654321) == (987654321, "skipped")
    with platform.work("test") as session:
        assert session.get_one(Job, waiting[0]).attempt == 0


def test_a_replayed_message_does_nothing(platform: Platform, rows: Rows) -> None:
    """The message of a job that is over runs it no second time."""
    (job_id,) = _add(platform, rows.one(System))
    now = utc_now()
    with platform.work("test") as session:
        claim = services.claim(session, job_id, owner="test", now=now, lease=LEASE)
        assert claim is not None
        services.finish(session, claim, result={"n": 1}, now=now)

    for _ in range(5):
        assert run_next(platform, job_id) == (job_id, "skipped")
    with platform.work("test") as session:
        assert session.get_one(Job, job_id).attempt == 1


def test_the_network_of_a_scan() -> None:
    """The /24 of most targets; this machine, names and loopback count for none."""
    plan_ = [
        {"probe": "local", "host": "203.0.113.1"},
        *({"probe": "nmap", "host": f"192.0.2.{n}"} for n in (1, 2)),
        {"probe": "nmap", "host": "198.51.100.7"},
        {"probe": "tls", "host": "www.example.org"},
    ]
    assert network_of(plan_) == "192.0.2.0/24"
    assert network_of([{"probe": "nmap", "host": "127.0.0.1"}]) == ""
    assert network_of([{"probe": "nmap", "host": "2001:db8::5"}]) == "2001:db8::/64"


def test_zones(platform: Platform) -> None:
    """The narrowest network names the zone, a queue of its own carries the work, and that zone's worker takes it."""
    settings = Settings.from_env(
        {"SECOPS_NETWORK_ZONES": "10.0.0.0/8=office, 10.20.0.0/16=cloud", "SECOPS_WORKER_ZONES": "cloud"}
    )
    platform.engine.update_execution_options(network_zones=settings.network_zones)
    with platform.work("test") as session:
        assert zone_of(session, [{"probe": "nmap", "host": "10.20.1.1"}]) == "cloud"
        assert zone_of(session, [{"probe": "nmap", "host": "10.9.1.1"}]) == "office"
        assert zone_of(session, [{"probe": "nmap", "host": "192.0.2.1"}]) == ""
    assert plan.scan_queues(settings) == ("scan", "scan.cloud")
