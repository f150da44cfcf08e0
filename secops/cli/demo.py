"""``secops demo``: the main job on this machine, then the pages in the browser."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Keep serving afterwards.")] = True,
    json_: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Create a store, load an invented district, scan this machine, write the report, serve the pages."""
    import signal
    import time

    from secops.cli.output import json_out, say, tell
    from secops.cli.up import tell_event
    from secops.config import Settings
    from secops.demo.main_job import DemoRun
    from secops.demo.start import open_platform
    from secops.errors import Refused
    from secops.supervisor import Supervisor

    settings = Settings.from_env()
    if settings.production:
        raise Refused(
            "生产模式下不能运行演示：演示账号不安全。请换一个 SECOPS_HOME 并去掉 SECOPS_MODE。",
            "No demo in production mode: demo accounts are unsafe. Use another SECOPS_HOME without SECOPS_MODE.",
        )
    # A wish to end is Ctrl-C however it comes; what the shell told us to ignore (nohup) stays ignored.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    supervisor = Supervisor(settings, report=tell_event, sole_use=True)
    platform, made = open_platform(settings)
    if made:
        say("准备存储：" + "，".join(made), "store: " + ", ".join(made))

    def step(number: int, total: int, zh: str, en: str) -> None:
        say(f"[{number}/{total}] {zh}", f"[{number}/{total}] {en}")

    run = DemoRun(supervisor, platform, lambda zh, en: say(f"      {zh}", f"      {en}"), step)
    try:
        content = run.run()
        took = time.monotonic() - began
        say(f"完成，用时 {took:.0f} 秒。", f"Done in {took:.0f} s.")
        if json_:
            json_out(content)
        _tell(content, run.passwords)
        if serve:
            say("按 Ctrl-C 停止。", "Press Ctrl-C to stop.")
            supervisor.run_forever()
            # Passwords that were changed meanwhile must not stay in the file.
            run.write_summary()
            tell("平台已停止。", "Stopped.")
    except KeyboardInterrupt:
        tell("正在停止……", "Stopping …")
        raise
    finally:
        supervisor.stop()


def _tell(content: dict[str, Any], fresh: dict[str, str]) -> None:
    from secops.cli.output import say, t
    from secops.demo.district import read_district

    names = {entry["username"]: entry for entry in read_district()["accounts"]}
    say(
        f"打开 {content['url']} ，用以下账号登录（首次登录须改密码）：",
        f"Open {content['url']} and sign in with:",
    )
    for account in content["accounts"]:
        entry = names[account["username"]]
        word = fresh.get(account["username"]) or (
            t("（密码已由本人修改）", "(changed by its owner)")
            if account["changed"]
            else t("（此前已给出，见 demo.json）", "(given before, see demo.json)")
        )
        say(
            f"  {account['username']:<10} {word:<20} {entry['post']}",
            f"  {account['username']:<10} {word:<20} {account['role']}",
        )
    for path in content["reports"]:
        say(f"报告 {path}", f"report {path}")
