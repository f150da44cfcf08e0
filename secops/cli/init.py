"""``secops init``: makes or completes the installation in ``SECOPS_HOME``."""

from __future__ import annotations

import typer

from secops.cli.output import JsonFlag, answer, say, t


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        name="init",
        help=t("建立或补全安装（可重复运行）", "Make or complete the installation (can be run again)"),
    )(init)


def init(json: JsonFlag = False) -> None:
    """Make folders, keys, tables and the first rows; adds only what is missing."""
    from secops.clock import utc_now
    from secops.config import Settings
    from secops.installation import initialise
    from secops.store import current_revision

    settings = Settings.from_env()
    done = initialise(settings, now=utc_now())
    revision = current_revision(done.platform.engine)
    done.platform.engine.dispose()

    def text() -> None:
        for step in done.steps:
            print(f"  + {_step(step)}")
        if done.steps:
            say(f"安装已就绪：{settings.home}", f"The installation is ready: {settings.home}")
        else:
            say(
                f"安装已是完整的，无需改动：{settings.home}",
                f"Nothing to do, it is complete: {settings.home}",
            )
        say(
            "下一步：建立管理员账号 secops user create 用户名 --role system-admin，再运行 secops up",
            "Next: make an administrator with secops user create NAME --role system-admin, then run secops up",
        )

    answer({"home": str(settings.home), "steps": done.steps, "store": revision}, text)


_STEPS_ZH = {"keys": "密钥", "root department": "根部门", "platform system": "平台自身作为定级对象"}


def _step(step: str) -> str:
    if step.startswith("store "):
        return t(f"数据库 {step.removeprefix('store ').replace('empty', '（空）')}", step)
    return t(_STEPS_ZH.get(step, step), step)
