"""The job row is the truth; a Celery message only wakes a worker."""
