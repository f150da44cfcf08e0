"""Cluster mode as it is written down: every service is there, hardened, pinned, and fed its secrets by file.

The compose file is parsed here and its parts are run without Docker: the queues against the platform's own list,
the settings against ``Settings``, the entrypoint by a shell, the proxy's configuration by a real nginx.
"""

from __future__ import annotations

import os
import re
import ssl
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from sqlalchemy import select

from secops.audit_log.models import AuditEvent
from secops.celery import TICK_QUEUE
from secops.config import Settings
from secops.jobs.kinds import QUEUES
from secops.platform import Platform
from tests.support.platforms import Client
from tests.support.services import free_port, require_tool

ROOT = Path(__file__).parents[2]
PLATFORM = ("init", "web", "worker", "writer", "keeper", "beat")
_GIVEN = re.compile(r"\$\{(\w+)(:\?|:-|\})")


@pytest.fixture(scope="module")
def text() -> str:
    """The file as it stands."""
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, dict[str, Any]]:
    """Its services, with the shared parts merged in."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    """The whole file."""
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_every_part_of_a_cluster_is_there(services: dict[str, Any]) -> None:
    """Database, broker, web, workers, beat and a proxy, and nothing that nobody knows of."""
    assert set(services) == {"db", "redis", "proxy", *PLATFORM}


def test_no_service_has_rights_that_it_does_not_need(services: dict[str, Any]) -> None:
    """An ordinary user, no capability, no way to gain one, and a root file system that can't be written."""
    for name, service in services.items():
        user, _, group = service["user"].partition(":")
        assert int(user) > 0, name
        assert int(group) > 0, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["read_only"] is True, name
        assert service["tmpfs"], name
        assert not {"privileged", "pid", "ipc", "network_mode", "devices"} & set(service), name
        assert not [volume for volume in service.get("volumes", []) if "docker.sock" in volume], name


def test_every_service_is_limited_and_looked_after(services: dict[str, Any]) -> None:
    """Processor, memory and process limits, logs that end, a health check; only the one-shot has none."""
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert set(limits) == {"cpus", "memory", "pids"}, name
        assert service["logging"]["options"]["max-size"], name
        if name == "init":
            assert service["restart"] == "no"
            assert service["healthcheck"] == {"disable": True}
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert {"interval", "timeout", "retries"} <= set(service["healthcheck"]), name


def test_images_are_pinned(services: dict[str, Any]) -> None:
    """An image names its full version, and no registry."""
    for name, service in services.items():
        image, _, tag = service["image"].partition(":")
        assert "." not in image.split("/")[0], name
        version = tag.partition(":-")[2].rstrip("}") if name in PLATFORM else tag
        assert re.match(r"\d+\.\d+(\.\d+)?(-[a-z]+)?$", version), (name, tag)
    first = next(
        line for line in (ROOT / "deploy/Dockerfile").read_text().splitlines() if line.startswith("FROM")
    )
    assert re.fullmatch(r"FROM python:3\.\d+\.\d+-slim-[a-z]+", first)


def test_what_must_be_given_has_no_default(text: str) -> None:
    """The host name and the folder of the secrets are asked for by name; everything else has a default."""
    forms: dict[str, set[str]] = {}
    for name, form in _GIVEN.findall(text):
        forms.setdefault(name, set()).add(form)

    assert {name for name, used in forms.items() if used == {":?"}} == {"DEPLOY_HOST", "DEPLOY_SECRETS"}
    assert [name for name, used in forms.items() if used not in ({":?"}, {":-"})] == []


def test_secrets_come_by_file_and_only_where_needed(
    compose: dict[str, Any], services: dict[str, Any]
) -> None:
    """No password stands in the environment; each service mounts the secrets that it uses and no other."""
    for name, secret in compose["secrets"].items():
        assert secret["file"].startswith("${DEPLOY_SECRETS:?"), name
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD|SECRET|KEY|TOKEN", key) or key.endswith("_FILE"), (name, key)
            assert not re.search(r"://[^/@]*:[^/@]+@", str(value)), (name, key)
    mounted = {name: set(service.get("secrets", [])) for name, service in services.items()}
    assert mounted["db"] == {"db_password"}
    assert mounted["redis"] == {"broker_password"}
    assert mounted["proxy"] == {"tls_certificate", "tls_key"}
    for name in PLATFORM:
        assert mounted[name] == {"db_password", "broker_password", "session_key"}


def test_only_the_proxy_is_reachable(compose: dict[str, Any], services: dict[str, Any]) -> None:
    """One port is published, on loopback unless told otherwise; database and broker have no way out."""
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert published == {"proxy": ["${DEPLOY_PUBLISH:-127.0.0.1}:${DEPLOY_PORT:-8443}:8443"]}
    assert compose["networks"]["inner"] == {"internal": True}
    assert services["db"]["networks"] == services["redis"]["networks"] == ["inner"]
    assert "inner" not in services["proxy"]["networks"]
    assert [name for name, service in services.items() if "outward" in service["networks"]] == ["worker"]


def test_nothing_starts_before_its_store(services: dict[str, Any]) -> None:
    """The tables are made once, by one service; what uses them waits for its end."""
    assert services["init"]["command"] == ["secops", "init"]
    assert services["init"]["depends_on"]["db"]["condition"] == "service_healthy"
    for name in ("web", "worker", "writer", "keeper", "beat"):
        waits = services[name]["depends_on"]
        assert waits["init"]["condition"] == "service_completed_successfully", name
        assert waits["redis"]["condition"] == "service_healthy", name


def test_workers_serve_every_queue_once(services: dict[str, Any]) -> None:
    """Each queue of the platform has exactly one kind of worker, and there is exactly one beat."""
    served = [
        queue
        for service in services.values()
        for word in service.get("command", [])
        if word.startswith("--queues=")
        for queue in word.partition("=")[2].split(",")
    ]

    assert sorted(served) == sorted((*QUEUES, TICK_QUEUE))
    assert [name for name, service in services.items() if "beat" in service.get("command", [])] == ["beat"]


def test_settings_are_real_ones(services: dict[str, Any]) -> None:
    """What the services get as settings is read without a fault, and is production behind TLS."""
    for name in PLATFORM:
        environment = {
            key: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", re.sub(r"\$\{\w+:\?.*?\}", "mlps.example.test", value))
            for key, value in services[name]["environment"].items()
        }
        settings = Settings.from_env(environment)
        assert settings.production
        assert settings.behind_tls
        assert settings.allowed_hosts == "mlps.example.test"
        assert settings.database_url.startswith("postgresql+psycopg://")


def test_commands_are_programs_of_the_platform(services: dict[str, Any]) -> None:
    """What is started exists: modules can be imported, files are in the checkout."""
    import importlib.util

    for name in ("web", "worker", "writer", "keeper", "beat"):
        command = services[name]["command"]
        assert command[:2] == ["python", "-m"], name
        assert importlib.util.find_spec(command[2]) is not None, name
    check = ROOT / services["web"]["healthcheck"]["test"][2].removeprefix("/opt/secops/")
    assert check.is_file()
    ignored = (ROOT / "deploy/Dockerfile.dockerignore").read_text().split()
    for needed in (
        "!deploy/healthcheck.py",
        "!deploy/entrypoint.sh",
        "!deploy/setup.sh",
        "!requirements.lock",
    ):
        assert needed in ignored


def _run_entrypoint(folder: Path, secrets: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    for name, content in secrets.items():
        (folder / name).write_text(content)
    environment = {
        "PATH": os.defpath,
        "SECRETS_FOLDER": str(folder),
        "PRIVATE_FOLDER": str(folder / "private"),
    }
    return subprocess.run(
        ["/bin/sh", str(ROOT / "deploy/entrypoint.sh"), *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_entrypoint_hands_secrets_on(tmp_path: Path) -> None:
    """The database password reaches libpq by a closed file, odd characters quoted; the broker's by its address."""
    secrets = {"db_password": r"a:b\c", "broker_password": "abc123", "session_key": "k" * 64}

    done = _run_entrypoint(tmp_path, secrets, "env")

    assert done.returncode == 0, done.stderr
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert Path(told["PGPASSFILE"]).read_text() == "*:*:*:*:a\\:b\\\\c\n"
    assert told["SECOPS_BROKER_URL"] == "redis://:abc123@redis:6379/0"
    assert Path(told["SECOPS_SECRET_KEY_FILE"]).read_text() == "k" * 64
    for name in ("PGPASSFILE", "SECOPS_SECRET_KEY_FILE"):
        assert stat.S_IMODE(Path(told[name]).stat().st_mode) == 0o600
    assert r"a:b\c" not in done.stdout


def test_the_entrypoint_refuses_a_password_that_would_break_the_address(tmp_path: Path) -> None:
    """A broker password with other characters is refused with the command that makes a good one."""
    done = _run_entrypoint(tmp_path, {"broker_password": "p@ss/word"}, "env")

    assert done.returncode == 2
    assert "openssl rand -hex 32" in done.stderr
    assert "p@ss" not in done.stderr + done.stdout


def test_the_health_check_says_no(tmp_path: Path) -> None:
    """Without a web server the check ends with 1 and one sentence; an unknown part is bad input."""
    script = str(ROOT / "deploy/healthcheck.py")

    down = subprocess.run([sys.executable, script, "web"], capture_output=True, text=True, check=False)
    unknown = subprocess.run([sys.executable, script, "nothing"], capture_output=True, text=True, check=False)

    assert down.returncode == 1
    assert "health/ready" in down.stderr
    assert unknown.returncode == 2


@pytest.mark.parametrize("behind_tls", [True, False], ids=["behind the proxy", "alone"])
def test_the_audit_log_names_the_real_address(
    platform: Platform, make_app: Callable[[Platform], Flask], behind_tls: bool
) -> None:
    """Behind the proxy the address that it tells is believed; without one a client can't choose its own."""
    app = make_app(Platform.open(replace(platform.settings, behind_tls=behind_tls)))
    client = Client(app, base_url="https://localhost" if behind_tls else "http://localhost")

    answer = client.post(
        "/login/",
        {"username": "nobody", "password": "wrong"},
        headers={
            "X-Forwarded-For": "198.51.100.9",
            "X-Forwarded-Proto": "https",
            "Referer": "https://localhost/",
        },
    )

    with platform.engine.connect() as connection:
        address = connection.scalar(select(AuditEvent.address).order_by(AuditEvent.seq.desc()).limit(1))
    assert answer.status_code == 401
    assert address == ("198.51.100.9" if behind_tls else "127.0.0.1")


class _Echo(BaseHTTPRequestHandler):
    """Answers with the headers that reached it."""

    def do_GET(self) -> None:
        content = "".join(f"{name}: {value}\n" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[int]:
    """A web server on loopback that echoes request headers; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(upstream: int, tmp_path: Path) -> Iterator[str]:
    """A real nginx with the shipped configuration, its paths and addresses moved to this test; gives its URL."""
    nginx = require_tool("nginx", "nginx-light")
    openssl = require_tool("openssl", "openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    shipped = (ROOT / "deploy/nginx.conf").read_text()
    moves = {
        "/tmp/": f"{tmp_path}/",
        "/run/secrets/tls_certificate": str(certificate),
        "/run/secrets/tls_key": str(key),
        "/dev/stderr": f"{tmp_path}/error.log",
        "http://web:8340": f"http://127.0.0.1:{upstream}",
        "listen 8443 ssl": f"listen 127.0.0.1:{port} ssl",
        "worker_processes auto": "worker_processes 1",
    }
    for old, new in moves.items():
        assert old in shipped
        shipped = shipped.replace(old, new)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(shipped)
    if os.getuid() == 0:
        # As root nginx would hand its workers to another user, who may not enter this folder.
        configuration.write_text("user root;\n" + shipped)
    process = subprocess.Popen(
        [nginx, "-c", str(configuration), "-e", f"{tmp_path}/error.log", "-g", "daemon off;"], cwd=tmp_path
    )
    try:
        _wait_for(port, process, tmp_path / "error.log")
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import socket
    import time

    for _ in range(200):
        if process.poll() is not None:
            raise AssertionError(log.read_text() if log.exists() else "nginx ended")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx did not listen within 10 s")


def _fetch(url: str, certificate: Path, **headers: str) -> str:
    context = ssl.create_default_context(cafile=str(certificate))
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        found: str = answer.read().decode()
        return found


@pytest.mark.live
def test_the_proxy_tells_where_a_request_comes_from(proxy: str, tmp_path: Path) -> None:
    """Over TLS the platform learns host, scheme and the real address; what the client claims is dropped."""
    told = _fetch(
        f"{proxy}/", tmp_path / "certificate.pem",
        **{"Host": "mlps.example.test", "X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9"},
    )  # fmt: skip

    headers = dict(line.split(": ", 1) for line in told.splitlines())
    assert headers["Host"] == "mlps.example.test"
    assert headers["X-Forwarded-Proto"] == "https"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert "Forwarded" not in headers


@pytest.mark.live
def test_the_proxy_refuses_odd_methods(proxy: str, tmp_path: Path) -> None:
    """TRACE and its like do not reach the platform."""
    request = urllib.request.Request(f"{proxy}/", method="TRACE")
    context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))

    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, context=context, timeout=10)

    with refusal.value as answer:
        assert answer.status == 405


@pytest.mark.live
def test_the_proxy_speaks_no_old_tls(proxy: str, tmp_path: Path) -> None:
    """TLS 1.1 and older are refused by the shipped configuration."""
    context = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(urllib.error.URLError, match=r"(?i)alert|protocol|version"):
        urllib.request.urlopen(f"{proxy}/", context=context, timeout=10)
