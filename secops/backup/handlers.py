"""A backup as a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from secops.backup import services
from secops.clock import utc_now
from secops.errors import NotReady
from secops.jobs.runner import JobContext


def run(context: JobContext) -> dict[str, Any]:
    """Job kind ``backup``: into the folder of the settings, sealed with the passphrase in the file of the settings."""
    settings = context.platform.settings
    if not settings.backup_folder or not settings.backup_passphrase_file:
        raise NotReady(
            "请设置 SECOPS_BACKUP_FOLDER 和 SECOPS_BACKUP_PASSPHRASE_FILE。",
            "Set SECOPS_BACKUP_FOLDER and SECOPS_BACKUP_PASSPHRASE_FILE.",
        )
    secret = services.read_passphrase(Path(settings.backup_passphrase_file))
    context.progress(0.0, "")
    return services.backup(context.platform, Path(settings.backup_folder), secret, now=utc_now()).to_json()
