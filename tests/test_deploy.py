"""What can be tried of the container without a builder: its files are here, and what it starts runs, is healthy and writes nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """(instruction, its arguments) of the Dockerfile, lines joined."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in joined.splitlines()]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def image(folder: Path) -> Path:
    """The folder that the image's COPY lines make."""
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    for line in arguments("COPY"):
        *sources, goal = shlex.split(line)
        for source in sources:
            assert any(Path(source).match(pattern) for pattern in allowed), f"{source} is kept out by the ignore file"
            path = ROOT / source
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(path, folder / goal, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy2(path, folder / goal / path.name)
    return folder


@pytest.mark.slow
def test_what_the_image_starts_is_healthy_and_writes_only_where_it_may(tmp_path: Path) -> None:
    folder, home, state = (tmp_path / name for name in ("app", "tmp", "state"))
    for one in (folder, home, state):
        one.mkdir()
    image(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (entrypoint,), (check,) = arguments("ENTRYPOINT"), arguments("HEALTHCHECK")
    command = [part.replace("8501", str(port)) for part in json.loads(entrypoint)]
    probe = [part.replace("8501", str(port)) for part in json.loads(check[check.index("CMD") + 3 :])]
    given = dict(pair.split("=", 1) for line in arguments("ENV") for pair in shlex.split(line))
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"} | given
    environment |= {"HOME": str(home), "HAR_LENS_HOME": str(state), "STREAMLIT_SERVER_ALLOWED_HOSTS": "har.example.org"}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(probe, cwd=folder, env=environment, stderr=subprocess.DEVNULL).returncode:
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.5)
        assert _handshake(port, "har.example.org") == 101 and _handshake(port, "evil.example.org") == 403
    finally:
        server.terminate()
        server.wait(20)
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert after == before


def test_the_image_runs_as_somebody_else_than_root_and_holds_what_it_needs() -> None:
    order = [name for name, _ in instructions()]
    (user,) = arguments("USER")
    assert user not in ("root", "0") and order.index("USER") < order.index("ENTRYPOINT")
    copied = {source for line in arguments("COPY") for source in shlex.split(line)[:-1]}
    installed = " ".join(arguments("RUN"))
    assert {"app.py", "app_pages", "har_core", "assets", ".streamlit"} <= copied
    assert all(f"-r {name}" in installed for name in copied if name.startswith("requirements"))


def test_the_services_fit_together() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    app, database = services["app"], services["database"]
    assert app["read_only"] and app["cap_drop"] == ["ALL"] and "ports" not in app and "ports" not in database
    address = app["environment"]["HAR_VERDICTS"]
    assert address.startswith("postgresql://har:${HAR_DATABASE_PASSWORD") and address.endswith("@database/har")
    assert database["environment"]["POSTGRES_USER"] == database["environment"]["POSTGRES_DB"] == "har"
    mounted = {
        volume.split(":")[1] if not volume.startswith("$") else volume.split("}:")[1] for volume in app["volumes"]
    }
    given = dict(pair.split("=", 1) for line in arguments("ENV") for pair in shlex.split(line))
    assert mounted == {f"{given['HAR_RUNS']}:ro", f"{given['HAR_DATA']}:ro"}
    told = {
        line.split("=")[0] for line in (DEPLOY / "example.env").read_text().splitlines() if line[:1] not in ("#", "")
    }
    asked = {"HAR_HOST", "HAR_USER", "HAR_PASSWORD_HASH", "HAR_DATABASE_PASSWORD", "HAR_RUNS", "HAR_DATA"}
    assert told == asked
    caddy = (DEPLOY / "Caddyfile").read_text()
    assert all(f"{{${name}}}" in caddy for name in ("HAR_HOST", "HAR_USER", "HAR_PASSWORD_HASH"))


def _handshake(port: int, host: str) -> int:
    """The status of the answer to a WebSocket's beginning."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/_stcore/stream",
        headers={
            "Host": host,
            "Origin": f"http://{host}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        },
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        words = "".join(f"{name}: {value}\r\n" for name, value in request.header_items())
        line.sendall(f"GET /_stcore/stream HTTP/1.1\r\n{words}\r\n".encode())
        return int(line.recv(4096).split()[1])
