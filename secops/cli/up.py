"""``secops up``: runs the whole platform in the foreground until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from secops.cli.output import JsonFlag, answer, fail, say, t, tell

if TYPE_CHECKING:
    from secops.config import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        name="up",
        help=t(
            "在前台运行整个平台，Ctrl-C 停止", "Run the whole platform in the foreground; Ctrl-C stops it"
        ),
    )(up)


def up(
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="SECOPS_PORT")] = None,
    bind: Annotated[str | None, typer.Option("--bind", metavar="IP", help="SECOPS_BIND_ADDRESS")] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=1, help="等待页面的秒数 / Seconds to wait for the page")
    ] = 60.0,
    json: JsonFlag = False,
) -> None:
    """Start broker, web, workers and beat; print the address once the page answers."""
    import time

    from secops.supervisor import Supervisor

    began = time.monotonic()
    settings = _settings(port, bind)
    _prepare(settings)
    supervisor = Supervisor(settings, report=tell_event, sole_use=True)
    say("平台正在启动……", "Starting the platform …")
    # Until the platform runs, SIGTERM is an interruption like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        supervisor.start()
        supervisor.wait_ready(wait)
    except BaseException:
        supervisor.stop()
        raise
    seconds = round(time.monotonic() - began, 1)
    document = {
        "url": supervisor.url,
        "pid": os.getpid(),
        "home": str(settings.home),
        "broker": _kind_of(supervisor.broker_url, settings),
        "ready_after_s": seconds,
    }

    def text() -> None:
        say(f"平台已就绪（{seconds} 秒）：{supervisor.url}", f"Ready after {seconds} s: {supervisor.url}")
        say(
            f"日志：{settings.home / 'logs'}    停止：Ctrl-C",
            f"Logs: {settings.home / 'logs'}    Stop: Ctrl-C",
        )

    answer(document, text)
    supervisor.run_forever()
    tell("平台已停止。", "Stopped.")


def _settings(port: int | None, bind: str | None) -> Settings:
    from secops.config import Settings

    environ = dict(os.environ)
    if port is not None:
        environ["SECOPS_PORT"] = str(port)
    if bind is not None:
        environ["SECOPS_BIND_ADDRESS"] = bind
    return Settings.from_env(environ)


def _prepare(settings: Settings) -> None:
    """Complete a home that was never set up; refuse one of another version, or one unfit for production."""
    from secops.installation import require_writable
    from secops.supervisor import AlreadyRunning, holder_of

    holder = holder_of(settings.home)
    if holder is not None:
        raise AlreadyRunning(settings.home, holder)
    require_writable(settings)
    _complete(settings)
    if settings.production:
        _require_fit(settings)


def _complete(settings: Settings) -> None:
    from secops.clock import utc_now
    from secops.db import make_engine
    from secops.installation import initialise
    from secops.store import current_revision, expected_revision

    engine = make_engine(settings)
    revision = current_revision(engine)
    engine.dispose()
    if revision is None:
        say(f"首次运行，正在建立安装：{settings.home}", f"First run, setting up: {settings.home}")
    # An older store is not migrated by the way: that is for "secops init", after a backup.
    if revision in (None, expected_revision()):
        initialise(settings, now=utc_now()).platform.engine.dispose()


def _require_fit(settings: Settings) -> None:
    from secops.doctor import State, examine_production

    faults = [check for check in examine_production(settings, os.environ) if check.state is State.FAIL]
    if not faults:
        return
    for check in faults:
        tell(f"  ✗ {check.zh}  → {check.fix}", f"  ✗ {check.en}  → {check.fix}")
    fail(
        f"生产模式下有 {len(faults)} 项不满足要求，平台没有启动。请按上面的提示处理，再用 secops doctor --production 复查。",
        f"Production mode: {len(faults)} demands are not met, so nothing was started. Mend them as said above and "
        "check with secops doctor --production.",
    )


def _kind_of(url: str, settings: Settings) -> str:
    if settings.broker_url:
        return "configured"
    return "private" if url.startswith("redis+socket") else "store"


def tell_event(event: object) -> None:
    """Say on standard error what happened to a process, starts and orderly ends apart."""
    from secops.supervisor import Event, EventKind

    if isinstance(event, Event) and event.kind not in (EventKind.STARTED, EventKind.STOPPED):
        print(t(event.zh, event.en), file=sys.stderr, flush=True)
