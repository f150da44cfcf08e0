"""The running system in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from secops import __version__
from secops.jobs.overview import Overview

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Figures(Collector):
    def __init__(self, found: Overview) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        found = self._found
        yield _gauge("secops_info", "The version that runs.", [({"version": __version__}, 1)])
        yield _gauge(
            "secops_jobs", "Open jobs: waiting, waiting for a later attempt, running.",
            [
                ({"queue": queue.name, "state": state}, count)
                for queue in found.queues
                for state, count in (("waiting", queue.waiting), ("later", queue.later), ("running", queue.running))
            ],
        )  # fmt: skip
        yield _gauge(
            "secops_broker_messages", "Messages that wait in the broker; no sample while it can't be seen.",
            [({"queue": queue.name}, queue.messages) for queue in found.queues if queue.messages is not None],
        )  # fmt: skip
        yield _gauge(
            "secops_oldest_waiting_seconds", "Age of the oldest job that could start; 0 when none waits.",
            [
                ({"queue": queue.name}, (found.now - queue.oldest).total_seconds() if queue.oldest else 0)
                for queue in found.queues
            ],
        )  # fmt: skip
        yield _gauge("secops_jobs_dead", "Jobs that gave up and wait for a person.", [({}, found.dead)])
        yield _gauge(
            "secops_jobs_finished_last_hour", "Jobs that ended within the last hour.",
            [({"kind": one.kind, "state": one.state}, one.last_hour) for one in found.done],
        )  # fmt: skip
        yield _gauge("secops_workers_alive", "Workers with a sign of life.", [({}, len(found.alive))])
        yield _gauge(
            "secops_worker_processes", "Processes of living workers.", [({}, sum(one.processes for one in found.alive))]
        )  # fmt: skip
        yield _gauge(
            "secops_queues_unserved", "Queues with waiting jobs and no worker.", [({}, len(found.unserved))]
        )
        if found.tick_at is not None:
            age = (found.now - found.tick_at).total_seconds()
            yield _gauge("secops_tick_age_seconds", "Since the last look at what is due.", [({}, age)])
        yield _gauge(
            "secops_schedules_late", "Schedules that should have started.", [({}, found.schedules_late)]
        )
        yield _gauge(
            "secops_schedule_runs_last_day", "What became of due moments within a day.",
            [({"state": state}, found.runs.get(state, 0)) for state in ("started", "skipped", "missed", "failed")],
        )  # fmt: skip
        seen = [place for place in found.places if not place.fault]
        yield _gauge(
            "secops_disk_free_bytes", "Free space.", [({"place": one.name}, one.free) for one in seen]
        )
        yield _gauge(
            "secops_disk_size_bytes", "Whole space.", [({"place": one.name}, one.total) for one in seen]
        )
        if found.database_bytes is not None:
            yield _gauge("secops_database_bytes", "Size of the database.", [({}, found.database_bytes)])
        yield _gauge("secops_evidence_files", "Sealed files of the vault.", [({}, found.blobs)])
        yield _gauge("secops_evidence_bytes", "Their size before sealing.", [({}, found.blob_bytes)])


def _gauge(name: str, text: str, samples: list[tuple[dict[str, str], float]]) -> Metric:
    labels = list(samples[0][0]) if samples else []
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, figure in samples:
        family.add_metric([values[label] for label in labels], figure)
    return family


def exposition(found: Overview) -> bytes:
    """The answer to a scrape."""
    # A registry of its own: the default one would add figures of this one web process.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(found))
    return generate_latest(registry)
