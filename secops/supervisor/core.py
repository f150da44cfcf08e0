"""The supervisor: starts the platform's processes, restarts what dies, stops in reverse order.

One thread starts and watches all children, because the kernel ties a child's life to the thread that made it.
The calling thread waits, or goes on with its own work over HTTP as ``secops demo`` does.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from secops.config import Settings
from secops.errors import NotReady
from secops.logs import JsonLines
from secops.supervisor import broker, guard, logfiles, orphans, plan, ports
from secops.supervisor.child import Child
from secops.supervisor.events import Event, EventKind
from secops.supervisor.lock import HomeLock, holder_of

log = logging.getLogger("secops.supervisor")

STATE_FILE = "supervisor.json"
_POLL_S = 0.2
_CHORES_EVERY_S = 10.0
_BROKER_READY_S = 10.0
_BROKER_TRIES = 2
_PREDECESSOR_S = 5.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class NotAnswering(NotReady):
    """The pages did not come up in time; ``detail`` holds the last words of the web server."""

    def __init__(self, url: str, seconds: float, log_file: Path, detail: str) -> None:
        super().__init__(
            f"{seconds:.0f} 秒内未能打开 {url}。请查看 {log_file}。最后输出：{detail or '（无）'}",
            f"{url} did not answer within {seconds:.0f} s. See {log_file}. Last words: {detail or '(none)'}",
        )
        self.args = (url, seconds, log_file, detail)


class Supervisor:
    """The platform of one home as processes: private broker, web, worker, writer, keeper, beat.

    Args:
        settings: a resolved home; it must have been initialised.
        report: told of every event, from the supervisor's own thread.
        include: modules for the workers to import, with further kinds of jobs.
        extra_path: folders in which those modules are found.
        sole_use: True when this process does nothing else; then programs orphaned by killed workers come to it
            and are ended. Never set it in a process with children of its own.
        stop_after_s: seconds for an orderly end before what is left is killed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        report: Callable[[Event], None] | None = None,
        include: Sequence[str] = (),
        extra_path: Sequence[Path] = (),
        sole_use: bool = False,
        stop_after_s: float = 20.0,
    ) -> None:
        self.settings = settings.resolved()
        self.broker_url = ""
        self._report = report or (lambda event: None)
        self._include = tuple(include)
        self._extra_path = tuple(extra_path)
        self._sole_use = sole_use
        self._stop_after_s = stop_after_s
        self._lock = HomeLock(self.settings.home)
        self._children: list[Child] = []
        self._thread: threading.Thread | None = None
        self._launched = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._failure: BaseException | None = None
        self._chores_at = 0.0
        self._log_handler: logging.Handler | None = None

    @property
    def url(self) -> str:
        return self.settings.url

    # --- for the caller's thread ---------------------------------------------------------------------------

    def start(self) -> None:
        """Check, lock, and start every process; returns when all have been started, not when the page answers.

        Raises:
            AlreadyRunning: the home has a running platform.
            PortTaken, AddressRefused: the pages' address can't be used.
            StoreVersionError: the store is empty or of another version.
        """
        self._require_store()
        died_hard = self._state_path().exists() and holder_of(self.settings.home) is None
        self.settings.folder("run")
        self._lock.take(self.url)
        try:
            ports.require_free(self.settings, patience_s=_PREDECESSOR_S if died_hard else 0.0)
            self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
            self._thread.start()
            self._launched.wait()
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Return as soon as the page answers.

        Raises:
            NotAnswering: it does not within *timeout_s*.
        """
        deadline = time.monotonic() + timeout_s
        while not _answers(self.settings):
            if time.monotonic() >= deadline or self._stopping.is_set() or self._web_gave_up():
                path = self.settings.home / "logs" / "web.log"
                raise NotAnswering(self.url, timeout_s, path, logfiles.tail(path))
            time.sleep(0.05)

    def run_forever(self) -> None:
        """Wait for SIGTERM, SIGINT or SIGHUP, then stop in good order; a second signal stops at once."""

        def on_signal(number: int, frame: Any) -> None:
            if self._stopping.is_set():
                self._hurry.set()
            self._stopping.set()

        # What the shell told us to ignore (nohup, a job in the background) stays ignored.
        wanted = [number for number in _STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, on_signal) for number in wanted}
        try:
            # A wait without limit would keep Python from running the handler.
            while not self._stopping.wait(1.0):
                if self._thread is not None and not self._thread.is_alive():
                    break
            self.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop everything in reverse order and give the home free; harmless when nothing runs."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            while self._thread.is_alive():
                self._thread.join(0.5)
        self._lock.release()

    def state(self) -> dict[str, Any]:
        """What is running now, as written to ``run/supervisor.json``."""
        return {
            "pid": os.getpid(),
            "url": self.url,
            "broker": self.broker_url,
            "children": [
                {
                    "name": child.spec.name,
                    "pid": child.pid,
                    "restarts": max(child.restarts, 0),
                    "last_exit": child.last_exit,
                }
                for child in self._children
            ],
        }

    def child_pid(self, name: str) -> int | None:
        """Process id of one child; None while it is down."""
        return next((child.pid for child in self._children if child.spec.name == name), None)

    # --- the supervisor's own thread -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._launch()
        except BaseException as error:  # noqa: BLE001  border: handed to the thread that called start()
            self._failure = error
        self._launched.set()
        try:
            while self._failure is None and not self._stopping.wait(_POLL_S):
                self._watch()
        except BaseException as error:
            log.error("supervisor.failed", exc_info=error)
            self._failure = error
        finally:
            self._shut_down()

    def _launch(self) -> None:
        self._open_log()
        if self._sole_use:
            guard.adopt_orphans()
        for name in ("broker", "web", "worker", "writer", "keeper", "beat"):
            logfiles.rotate(self.settings.folder("logs") / f"{name}.log")
        self.broker_url = self.settings.broker_url or self._start_broker()
        settings = replace(self.settings, broker_url=self.broker_url)
        for spec in plan.application_specs(
            settings, os.environ, include=self._include, extra_path=self._extra_path
        ):
            self._begin(Child(spec))
        self._note_state()

    def _begin(self, child: Child) -> None:
        if child not in self._children:
            self._children.append(child)
        child.start()
        self._tell(Event(EventKind.STARTED, child.spec.name))

    def _start_broker(self) -> str:
        """Start the first server program that works; the file queue when there is none."""
        home = self.settings.home
        reasons = []
        for binary in broker.find_binaries():
            spec = plan.broker_spec(self.settings, binary, os.environ)
            for attempt in range(_BROKER_TRIES):
                child = Child(spec)
                broker.prepare(home)
                child.start()
                if self._broker_came_up(child):
                    self._children.append(child)
                    self._tell(Event(EventKind.STARTED, "broker"))
                    return broker.private_url(home)
                child.kill()
                reasons.append(f"{binary.path}: {logfiles.tail(spec.log, 1)[:160] or 'no answer'}")
                if attempt == 0 and not self._set_broker_files_aside():
                    break
        broker.forget(home)
        self._tell(
            Event(
                EventKind.FALLBACK,
                "broker",
                detail="; ".join(reasons) or "valkey-server, redis-server: not found",
            )
        )
        # Wake-ups of an earlier run are worth nothing, and delivered ones are never deleted by the transport.
        for suffix in ("", "-wal", "-shm", "-journal"):
            (home / "run" / f"broker.db{suffix}").unlink(missing_ok=True)
        return broker.database_url(home)

    def _broker_came_up(self, child: Child) -> bool:
        deadline = time.monotonic() + _BROKER_READY_S
        while time.monotonic() < deadline and not self._stopping.is_set():
            if broker.answers(self.settings.home):
                return True
            if child.ended():
                return False
            time.sleep(0.02)
        return False

    def _set_broker_files_aside(self) -> bool:
        moved = broker.set_aside(self.settings.home, datetime.now(UTC).strftime("%Y%m%dT%H%M%S"))
        if moved is None:
            return False
        self._tell(Event(EventKind.SPOILT, "broker", detail=str(moved)))
        return True

    def _watch(self) -> None:
        now = time.monotonic()
        changed = False
        for child in self._children:
            if child.pid is None:
                if now >= child.start_at:
                    self._restart(child)
                    changed = True
            elif child.ended():
                self._note_death(child, now)
                changed = True
        if now >= self._chores_at or changed:
            self._chores_at = now + _CHORES_EVERY_S
            try:
                self._chores()
            except OSError as error:
                # A full disk must not take the platform down; it says so on its own pages.
                log.warning("supervisor.chores_failed", extra={"fields": {"error": str(error)}})
        if changed:
            self._note_state()

    def _note_death(self, child: Child, now: float) -> None:
        wait = child.backoff.died(now=now, started=child.started)
        child.start_at = now + wait
        unstable = child.backoff.is_unstable(now)
        kind = EventKind.UNSTABLE if unstable else EventKind.DIED
        words = logfiles.tail(child.spec.log, 1)[:300] if unstable else ""
        self._tell(Event(kind, child.spec.name, child.last_exit, wait, str(child.spec.log), words))

    def _restart(self, child: Child) -> None:
        try:
            if child.spec.name == "broker":
                if child.backoff.is_unstable(time.monotonic()):
                    self._set_broker_files_aside()
                broker.prepare(self.settings.home)
            child.start()
        except OSError as error:
            log.warning(
                "supervisor.start_failed", extra={"fields": {"child": child.spec.name, "error": str(error)}}
            )
            self._note_death(child, time.monotonic())
            return
        self._tell(Event(EventKind.STARTED, child.spec.name))

    def _chores(self) -> None:
        for child in self._children:
            logfiles.rotate(child.spec.log)
        broker.keep_link(self.settings.home)
        if self._sole_use:
            own = {child.pid for child in self._children}
            for pid in orphans.end_orphans(lambda process: process.pid in own):
                log.warning("supervisor.orphan_ended", extra={"fields": {"pid": pid}})

    def _shut_down(self) -> None:
        deadline = time.monotonic() + self._stop_after_s
        private_broker = [child for child in self._children if child.spec.name == "broker"]
        others = [child for child in reversed(self._children) if child not in private_broker]
        # Beat and web take no new work, workers finish what they have; the broker goes when nobody needs it.
        self._end(sorted(others, key=lambda child: child.spec.name not in ("beat", "web")), deadline)
        self._end(private_broker, max(deadline, time.monotonic() + 5.0))
        if private_broker:
            broker.forget(self.settings.home)
        self._state_path().unlink(missing_ok=True)
        if self._log_handler is not None:
            log.removeHandler(self._log_handler)
            self._log_handler.close()

    def _end(self, children: Sequence[Child], deadline: float) -> None:
        waiting = [child for child in children if child.pid is not None]
        for child in waiting:
            child.ask_to_end()
        while waiting and time.monotonic() < deadline and not self._hurry.is_set():
            for child in [child for child in waiting if child.ended()]:
                waiting.remove(child)
                self._tell(Event(EventKind.STOPPED, child.spec.name, child.last_exit))
            time.sleep(0.05)
        for child in waiting:
            child.kill()
            self._tell(Event(EventKind.KILLED, child.spec.name, child.last_exit))

    # --- small things --------------------------------------------------------------------------------------

    def _open_log(self) -> None:
        path = self.settings.folder("logs") / "supervisor.log"
        self._log_handler = _LogFile(
            path, maxBytes=logfiles.MAX_BYTES, backupCount=logfiles.KEEP, encoding="utf-8"
        )
        self._log_handler.setFormatter(JsonLines())
        log.addHandler(self._log_handler)
        log.setLevel(logging.INFO)

    def _web_gave_up(self) -> bool:
        now = time.monotonic()
        return any(child.spec.name == "web" and child.backoff.is_unstable(now) for child in self._children)

    def _require_store(self) -> None:
        from secops.db import make_engine
        from secops.store import require_current

        engine = make_engine(self.settings)
        try:
            require_current(engine)
        finally:
            engine.dispose()

    def _state_path(self) -> Path:
        return self.settings.home / "run" / STATE_FILE

    def _note_state(self) -> None:
        path = self._state_path()
        fresh = path.with_suffix(".new")
        # A full disk must not end the platform; the note is for the doctor only.
        with suppress(OSError):
            fresh.write_text(json.dumps(self.state()), encoding="utf-8")
            fresh.replace(path)

    def _tell(self, event: Event) -> None:
        fields = {"child": event.child, "exit": event.exit_code, "wait_s": event.wait_s}
        log.info(f"supervisor.{event.kind.value}", extra={"fields": fields})
        self._report(event)


class _LogFile(RotatingFileHandler):
    """A log on a full disk loses its lines; it does not print a trace for each."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def read_state(home: Path) -> dict[str, Any] | None:
    """What the running supervisor of *home* noted; None when nobody runs it."""
    if holder_of(home) is None:
        return None
    try:
        found: dict[str, Any] = json.loads((home / "run" / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _answers(settings: Settings) -> bool:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.bind_address, settings.bind_address)
    host = settings.allowed_hosts.split(",")[0].strip() or address
    connection = http.client.HTTPConnection(address, settings.port, timeout=5)
    try:
        connection.request("GET", "/health/ready", headers={"Host": host})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
