"""Where a changing request comes from: a cookie counts only with a request of our own pages.

The token of each form is one lock against forged requests; this is the second, and it needs no form. Browsers send
``Sec-Fetch-Site`` or ``Origin`` with every such request; programs that send neither carry no victim's cookie.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request

from secops.errors import Refused

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})


def check_origin() -> None:
    """Refuse a request that changes something, carries cookies and comes from another site.

    Raises:
        Refused
    """
    if request.method in _SAFE or not request.cookies:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if (site is not None and site not in _OWN) or (origin is not None and not _is_ours(origin)):
        raise Refused(
            "请求来自其他网站，操作没有执行。", "The request came from another site; nothing was changed."
        )


def _is_ours(origin: str) -> bool:
    try:
        found = urlsplit(origin)
    except ValueError:
        return False
    # A proxy that was not declared changes the scheme, so without one only the host is compared.
    return found.netloc == request.host and (request.scheme != "https" or found.scheme == "https")
