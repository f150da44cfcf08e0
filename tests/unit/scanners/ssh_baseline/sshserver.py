"""SSH servers on loopback for tests: a good one that runs what it is asked, and bad ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncssh

Handler = Callable[[Any], Awaitable[None]]

USER = "auditor"
PASSWORD = "Correct-Horse-9"
KEY = asyncssh.generate_private_key("ssh-ed25519")
SECOND_KEY = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
CLIENT_KEY = asyncssh.generate_private_key("ssh-ed25519")


@dataclass
class Running:
    """A server that runs: where it listens, which key it has, and what happened to it."""

    port: int
    fingerprint: str
    passwords: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0


class _Server(asyncssh.SSHServer):
    def __init__(self, state: Running, mode: str) -> None:
        self._state = state
        self._mode = mode
        state.connections += 1

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._mode != "keyboard"

    def validate_password(self, username: str, password: str) -> bool:
        self._state.passwords.append(password)
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == CLIENT_KEY.convert_to_public()

    def kbdint_auth_supported(self) -> bool:
        return self._mode == "keyboard" or self._mode == "greedy"

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: list[str]) -> Any:
        self._state.passwords += responses
        if self._mode == "greedy":
            return "", "", "", [("Password: ", False)]
        return (username, responses) == (USER, [PASSWORD])


async def run_it(process: Any) -> None:
    """Run the command for real, as an SSH server would."""
    child = await asyncio.create_subprocess_shell(
        process.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LEAK": "from-the-server"},
    )
    await process.redirect(stdin=child.stdin, stdout=child.stdout)
    process.exit(await child.wait())


@contextmanager
def ssh_server(handler: Handler = run_it, *, mode: str = "", key: asyncssh.SSHKey = KEY) -> Iterator[Running]:
    """Run a server in a thread of its own until the block ends."""
    started = threading.Event()
    found: dict[str, Any] = {}

    async def serve() -> None:
        stop = asyncio.Event()
        state = Running(0, key.get_fingerprint("sha256"))

        async def process(one: Any) -> None:
            state.commands.append(one.command)
            await handler(one)

        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Server(state, mode),
            server_host_keys=[key],
            process_factory=process,
            encoding=None,
            config=None,
        )
        state.port = server.sockets[0].getsockname()[1]
        found.update(loop=asyncio.get_running_loop(), stop=stop, state=state)
        started.set()
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(20), "the server did not start"
    try:
        yield found["state"]
    finally:
        found["loop"].call_soon_threadsafe(found["stop"].set)
        thread.join(20)
