"""Imported by workers of fault tests (``celery worker --include``): makes the waiting job known there."""

from secops.jobs.kinds import KINDS
from tests.support.waiting_job import KIND, SPEC

KINDS[KIND] = SPEC
