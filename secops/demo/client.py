"""A small browser for the demo: real HTTP, cookies, forms with their tokens; nothing behind the pages' back."""

from __future__ import annotations

import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from http.cookiejar import CookieJar

from secops.errors import NotReady

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class PageFailed(NotReady):
    """A page did not answer as a person needs it; ``status`` is 0 when it did not answer at all."""

    def __init__(self, method: str, path: str, status: int) -> None:
        what_zh = f"返回了 {status}" if status else "没有应答"
        what_en = f"answered {status}" if status else "did not answer"
        super().__init__(
            f"页面 {method} {path} {what_zh}。请查看 logs/web.log；再次运行同一命令会从中断处继续。",
            f"{method} {path} {what_en}. See logs/web.log; the same command goes on from here.",
        )
        self.args = (method, path, status)
        self.method, self.path, self.status = method, path, status


class Browser:
    """Follows links of one origin on loopback; proxies of the environment are not used."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )

    def get(self, path: str) -> str:
        """The page at *path*, after redirects."""
        return self._send("GET", path, None, {})

    def submit(self, path: str, fields: Mapping[str, str | Sequence[str]], page: str | None = None) -> str:
        """Fill in the form at *path* and send it with the token of *page* (read first when not given)."""
        body = [("csrf_token", self._token(page if page is not None else self.get(path)))]
        for name, value in fields.items():
            body.extend((name, one) for one in ([value] if isinstance(value, str) else value))
        data = urllib.parse.urlencode(body).encode()
        return self._send("POST", path, data, {"Content-Type": "application/x-www-form-urlencoded"})

    def upload(
        self, path: str, fields: Sequence[tuple[str, str]], name: str, content: bytes, page: str | None = None
    ) -> str:
        """Send a form with one file."""
        border = secrets.token_hex(16)
        parts: list[bytes] = []
        token = self._token(page if page is not None else self.get(path))
        for key, value in [("csrf_token", token), *fields]:
            head = f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n'
            parts.append(head.encode() + value.encode() + b"\r\n")
        head = (
            f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
        parts.append(f"--{border}--\r\n".encode())
        kind = f"multipart/form-data; boundary={border}"
        return self._send("POST", path, b"".join(parts), {"Content-Type": kind})

    @staticmethod
    def _token(page: str) -> str:
        found = _TOKEN.search(page)
        return found.group(1) if found else ""

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> str:
        request = urllib.request.Request(
            self.base_url + path,
            data=data,
            headers={**headers, "Referer": self.base_url + path},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=60) as answer:
                text: str = answer.read().decode()
                return text
        except urllib.error.HTTPError as error:
            raise PageFailed(method, path, error.code) from error
        except (OSError, HTTPException) as error:
            raise PageFailed(method, path, 0) from error
