"""What the supervisor tells of: typed, with a sentence for the person who watches."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    """What happened to a child."""

    STARTED = "started"
    DIED = "died"
    UNSTABLE = "unstable"
    FALLBACK = "fallback"
    SPOILT = "spoilt"
    KILLED = "killed"
    STOPPED = "stopped"


NAMES_ZH = {
    "broker": "消息代理（broker）",
    "web": "页面服务（web）",
    "worker": "任务进程（worker）",
    "writer": "报告与导入进程（writer）",
    "keeper": "后台维护进程（keeper）",
    "beat": "定时进程（beat）",
}


@dataclass(frozen=True, slots=True)
class Event:
    """``wait_s`` is the pause before the next start, ``exit_code`` negative for a signal, ``log`` where to read on."""

    kind: EventKind
    child: str
    exit_code: int | None = None
    wait_s: float = 0.0
    log: str = ""
    detail: str = ""

    @property
    def zh(self) -> str:
        name = NAMES_ZH.get(self.child, self.child)
        return {
            EventKind.STARTED: f"{name}已启动",
            EventKind.DIED: f"{name}意外退出（{self._how('zh')}），{self.wait_s:.0f} 秒后重新启动",
            EventKind.UNSTABLE: f"{name}一分钟内退出 5 次，仍会每 {self.wait_s:.0f} 秒重试；请查看 {self.log}。最后输出：{self.detail}",
            EventKind.FALLBACK: f"没有可用的私有消息代理（{self.detail}），改用文件队列；功能不变，任务启动会慢约 1 秒",
            EventKind.SPOILT: f"消息代理的数据文件已损坏，移到 {self.detail} 后重新建立；任务记录在数据库中，没有丢失",
            EventKind.KILLED: f"{name}未在规定时间内退出，已强制结束；进行中的任务会在下次启动时重新执行",
            EventKind.STOPPED: f"{name}已停止",
        }[self.kind]

    @property
    def en(self) -> str:
        return {
            EventKind.STARTED: f"{self.child} started",
            EventKind.DIED: f"{self.child} ended unexpectedly ({self._how('en')}), next start in {self.wait_s:.0f} s",
            EventKind.UNSTABLE: f"{self.child} ended 5 times within a minute and is tried again every "
            f"{self.wait_s:.0f} s; see {self.log}. Last words: {self.detail}",
            EventKind.FALLBACK: f"no private broker can be used ({self.detail}), so a file is the queue; everything "
            "works, jobs start about 1 s later",
            EventKind.SPOILT: f"the broker's files were spoilt and are now in {self.detail}; jobs are in the store, "
            "none is lost",
            EventKind.KILLED: f"{self.child} did not end in time and was killed; its running jobs start again with "
            "the platform",
            EventKind.STOPPED: f"{self.child} stopped",
        }[self.kind]

    def _how(self, language: str) -> str:
        code = self.exit_code
        if code is None:
            return "原因未知" if language == "zh" else "cause unknown"
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            return f"信号 {name}" if language == "zh" else f"signal {name}"
        return f"退出码 {code}" if language == "zh" else f"exit code {code}"
