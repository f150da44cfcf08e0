"""The keys of the installation that a session works on; services know no settings, so they ask here."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from secops.errors import NotReady
from smcrypto.errors import SmCryptoError
from smcrypto.keys import FileKeyProvider, KeyProvider


def keys_of(session: Session) -> KeyProvider:
    """The keys; what needs them is done with them or not at all.

    Raises:
        NotReady: they are not there or not safe.
    """
    folder: Any = session.get_bind().get_execution_options().get("key_folder")
    try:
        return _open_keys(folder, folder.stat().st_mtime_ns)
    except (SmCryptoError, OSError, AttributeError) as error:
        raise NotReady(
            f"密钥不可用，操作未执行：{error}", f"The keys are not available, so nothing was done: {error}"
        ) from error


@lru_cache(maxsize=8)
def _open_keys(folder: Path, changed: int) -> KeyProvider:
    # A new key changes the folder, and with it the second argument.
    return FileKeyProvider(folder)
