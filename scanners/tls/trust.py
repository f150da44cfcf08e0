"""Whether a presented chain ends at an anchor, by OpenSSL's own path building. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from OpenSSL import crypto

from scanners.tls.result import Trust
from scanners.tls.text import printable


def judge_chain(
    chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate] | None, now: datetime
) -> tuple[Trust, str]:
    """Verify a chain, leaf first, at a given time; host names are not looked at.

    Args:
        anchors: Roots to trust; ``None`` where there are none, which gives ``UNKNOWN``.

    Returns:
        The answer, and OpenSSL's words for an untrusted chain.
    """
    if anchors is None:
        return Trust.UNKNOWN, "no trust anchors"
    if not chain:
        return Trust.UNKNOWN, "no certificates"
    store = crypto.X509Store()
    for anchor in anchors:
        store.add_cert(crypto.X509.from_cryptography(anchor))
    store.set_time(now.astimezone(UTC))  # pyOpenSSL reads the wall clock of the value as UTC
    leaf, *others = (crypto.X509.from_cryptography(certificate) for certificate in chain)
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as problem:
        return Trust.UNTRUSTED, printable(str(problem), 160)
    return Trust.TRUSTED, ""
