"""Load on a running installation: people of several roles who walk its pages, and how long each page took.

For installations that hold an invented district only (``secops bench seed``). The people are made for the run and
disabled after it. Every person has a connection and a session of their own, as browsers have; times are those of the
whole answer, from asking to the last byte.
"""

from __future__ import annotations

import http.client
import random
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode, urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from secops.accounts import administration, services
from secops.accounts.models import Account, Role
from secops.accounts.passwords import one_time_password
from secops.clock import utc_now
from secops.errors import NotReady, Refused
from secops.findings.models import Finding
from secops.installation import root_department
from secops.objects.models import System
from secops.platform import Platform

LIST_MS, BOARD_MS = 150, 200
# (page, whether it is a dashboard); {system} and {finding} are drawn anew each time.
WALKS: dict[Role, tuple[tuple[str, bool], ...]] = {
    Role.OFFICER: (
        ("/inbox/", False), ("/dashboard/", True), ("/systems/?level=3", False), ("/systems/{system}", False),
        ("/systems/{system}/items", False), ("/findings/?open=1&severity=high", False), ("/findings/{finding}", False),
        ("/findings/board", False), ("/calendar/", False), ("/findings/?q=" + quote("口令"), False),
    ),
    Role.CONTACT: (
        ("/inbox/", False), ("/systems/", False), ("/systems/{system}/assets", False), ("/evidence/", False),
        ("/findings/", False), ("/findings/{finding}", False), ("/registers/assets/", False),
    ),
    Role.INSPECTOR: (
        ("/findings/?sort=due&page=40", False), ("/systems/{system}", False), ("/reports/", False),
        ("/layers/data/", True), ("/scans/", False),
    ),
    Role.LEADER: (("/dashboard/", True), ("/layers/", True), ("/systems/", False)),
}  # fmt: skip
_MIX = (Role.OFFICER, Role.CONTACT, Role.CONTACT, Role.INSPECTOR, Role.LEADER)


@dataclass(frozen=True, slots=True)
class Answer:
    """One page that one person asked for. ``milliseconds`` of the whole answer; ``status`` 0: the connection broke."""

    page: str
    board: bool
    status: int
    milliseconds: float


@dataclass
class Load:
    """What a run gave; ``seconds`` as long as it really took."""

    users: int
    seconds: float
    answers: list[Answer] = field(default_factory=list)

    @property
    def failed(self) -> list[Answer]:
        return [one for one in self.answers if one.status != 200]

    def rows(self) -> list[dict[str, object]]:
        """Per page: how many, p50, p95, worst, the limit of its kind, whether it held."""
        found = []
        for page in sorted({one.page for one in self.answers}):
            mine = [one for one in self.answers if one.page == page]
            times = sorted(one.milliseconds for one in mine if one.status == 200)
            if not times:
                continue
            limit = BOARD_MS if mine[0].board else LIST_MS
            p95 = _at(times, 0.95)
            found.append(
                {
                    "page": page, "number": len(times), "p50": round(_at(times, 0.5)), "p95": round(p95),
                    "worst": round(times[-1]), "limit": limit, "held": p95 <= limit,
                }
            )  # fmt: skip
        return found


def _at(times: Sequence[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]


def run(platform: Platform, *, users: int, seconds: float, think: float, url: str = "") -> Load:
    """Let *users* people walk for *seconds*, each waiting about *think* seconds between two pages.

    Raises:
        Refused: the installation holds systems that are no invented ones.
        NotReady: no server answers, or nobody can sign in there.
    """
    url = url or platform.settings.url
    with platform.work("bench:load") as session:
        _require_invented(session)
        systems = list(session.scalars(select(System.id).where(System.is_example.is_(True)).limit(200)))
        findings = list(session.scalars(select(Finding.id).order_by(Finding.id).limit(2000)))
    people = _make(platform, [(_MIX[number % len(_MIX)], f"load-{number:03}") for number in range(users)])
    try:
        walkers = [
            _Walker(url, role, name, word, systems, findings, think, number)
            for number, (role, name, word) in enumerate(people)
        ]
        for walker in walkers:
            walker.sign_in()
        for walker in walkers[: 2 * len(_MIX)]:
            walker.warm_up()
        began = time.monotonic()
        threads = [threading.Thread(target=walker.walk, args=(began + seconds,)) for walker in walkers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [one for walker in walkers for one in walker.answers]
        return Load(users, time.monotonic() - began, answers)
    finally:
        _close(platform, [name for _, name, _ in people])


def _require_invented(session: Session) -> None:
    real = session.scalar(
        select(func.count())
        .select_from(System)
        .where(System.is_platform.is_(False), System.is_example.is_(False))
    )
    made = session.scalar(select(func.count()).select_from(System).where(System.is_example.is_(True)))
    if real or not made:
        raise Refused(
            "压力测试只用于示例数据：请在空目录中先执行 secops init 和 secops bench seed。",
            "Load is for invented data only: run secops init and secops bench seed in an empty folder first.",
        )


def _make(platform: Platform, wanted: Sequence[tuple[Role, str]]) -> list[tuple[Role, str, str]]:
    """Accounts of these roles for the whole district, with a new password each; those of an earlier run again."""
    made = []
    with platform.work("bench:load") as session:
        root = root_department(session)
        for role, name in wanted:
            user = session.scalar(select(services.User).where(services.User.username == name))
            if user is None:
                word = one_time_password()
                account = services.create_account(
                    session, username=name, display_name=name, department=root, password=word, now=utc_now(),
                    is_example=True,
                )  # fmt: skip
                services.grant_role(
                    session, account=account, role=role, department=root, by="bench", now=utc_now()
                )
            else:
                account = session.get_one(Account, user.id)
                word = services.reset_password(session, name, now=utc_now())
                if not user.active:
                    administration.enable_account(session, account, by="bench", reason="load", now=utc_now())
            account.must_change_password = False
            account.password_changed_at = utc_now()
            made.append((role, name, word))
    return made


def _close(platform: Platform, names: Sequence[str]) -> None:
    with platform.work("bench:load") as session:
        for name in names:
            user = session.scalar(select(services.User).where(services.User.username == name))
            if user is not None and user.active:
                account = session.get_one(Account, user.id)
                administration.disable_account(session, account, by="bench", reason="load", now=utc_now())


class _Walker:
    """One person with a connection and cookies of their own."""

    def __init__(
        self, url: str, role: Role, name: str, word: str, systems: Sequence[int], findings: Sequence[int],
        think: float, seed: int,
    ) -> None:  # fmt: skip
        self._place = urlsplit(url)
        self._role, self._name, self._word = role, name, word
        self._systems, self._findings, self._think = systems, findings, think
        self._random = random.Random(seed)
        self._cookies: SimpleCookie = SimpleCookie()
        self._connection = self._connect()
        self.answers: list[Answer] = []

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._place.scheme == "https" else http.client.HTTPConnection
        return kind(self._place.hostname or "127.0.0.1", self._place.port, timeout=60)

    def _ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{key}={one.value}" for key, one in self._cookies.items())}
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"{self._place.scheme}://{self._place.netloc}",
            }
        self._connection.request("POST" if form is not None else "GET", path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for value in answer.headers.get_all("Set-Cookie") or ():
            self._cookies.load(value)
        return answer.status, text

    def sign_in(self) -> None:
        try:
            _, page = self._ask("/login/")
            found = re.search(r'name="csrf_token" value="([^"]+)"', page)
            form = {"csrf_token": found[1] if found else "", "username": self._name, "password": self._word}
            status, _ = self._ask("/login/", form)
        except (OSError, http.client.HTTPException) as error:
            raise NotReady(
                f"{self._place.geturl()} 没有应答，请先执行 secops up。",
                f"{self._place.geturl()} does not answer; start it with secops up.",
            ) from error
        if status != 302:
            raise NotReady(
                f"压力测试账号不能登录（{status}）：是否要求第二因素，或服务与本目录不是同一个安装？",
                f"The people of the load can't sign in ({status}): is a second factor demanded, or is it another installation?",
            )

    def _get(self, path: str) -> int:
        """The status of one page; a connection that was idle too long is opened again, as browsers do."""
        for _ in range(2):
            try:
                return self._ask(path)[0]
            except (OSError, http.client.HTTPException):
                self._connection.close()
                self._connection = self._connect()
        return 0

    def warm_up(self) -> None:
        """Every page of the walk once, untimed: what a process does the first time is no matter of the load."""
        for page, _ in WALKS[self._role]:
            self._get(page.format(system=self._systems[0], finding=self._findings[0]))

    def walk(self, until: float) -> None:
        walk = WALKS[self._role]
        while time.monotonic() < until:
            page, board = self._random.choice(walk)
            path = page.format(
                system=self._random.choice(self._systems), finding=self._random.choice(self._findings)
            )
            began = time.perf_counter()
            status = self._get(path)
            self.answers.append(Answer(page, board, status, 1000 * (time.perf_counter() - began)))
            if self._think:
                time.sleep(self._think * self._random.uniform(0.5, 1.5))
