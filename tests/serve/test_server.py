"""Who gets an answer from the live page's server, and what: no stranger, and no file."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resnetdsl.serve.preview import Preview
from resnetdsl.serve.server import PreviewServer
from tests.cli.running import ROOT, run

GOOD = "network one {\n    input 3x8x8\n    conv(4, 3x3) -> relu\n}\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PreviewServer]:
    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    made = PreviewServer(Preview(spec))
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.shutdown()
    thread.join(5)
    assert not thread.is_alive()


def ask(
    server: PreviewServer, place: str = "", *, path: str | None = None, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path if path is not None else f"/{server.token}/{place}", headers=given)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_it_listens_on_the_loopback_alone(server: PreviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        if str(address).startswith("127."):
            continue
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((str(address), server.port), timeout=2)


def test_the_page_and_its_state(server: PreviewServer) -> None:
    status, headers, body = ask(server)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"EventSource" in body
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert re.search(r"connect-src 'self'(;|$)", headers["content-security-policy"])
    status, headers, body = ask(server, "state")
    assert (status, headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(body)["network"] == "one"
    assert json.loads(ask(server, "state?net=nosuch")[2])["message"] == "the file has no network `nosuch`"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/state",
        "/wrong/",
        "/wrong/state",
        "/../",
        "//",
        "/%2e%2e/",
        "/wrong/../{token}/",
        "/%c3%a9/",
    ],
)
def test_without_the_token_there_is_nothing(path: str, server: PreviewServer) -> None:
    status, _, body = ask(server, path=path.replace("{token}", server.token) or "/")
    assert (status, body) == (403, b"Forbidden\n")


@pytest.mark.parametrize(
    "place",
    [
        "secret.txt",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "net.rnet",
        "/etc/passwd",
        "..",
        ".",
        "state/",
        "favicon.ico",
        "%00",
    ],
)
def test_no_file_is_served(place: str, server: PreviewServer) -> None:
    status, _, body = ask(server, place)
    assert (status, body) == (404, b"Not Found\n")
    assert ask(server, path=f"/{server.token}")[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": ""},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("place", ["", "state", "events"])
def test_other_sites_get_nothing(headers: dict[str, str], place: str, server: PreviewServer) -> None:
    given = {name: value.replace("{port}", str(server.port)) for name, value in headers.items()}
    status, answered, body = ask(server, place, **given)
    assert (status, body) == (403, b"Forbidden\n")
    assert "access-control-allow-origin" not in answered


def test_its_own_page_gets_an_answer(server: PreviewServer) -> None:
    own = f"127.0.0.1:{server.port}"
    assert ask(server, "state", Origin=f"http://{own}", Sec_Fetch_Site="same-origin")[0] == 200
    assert ask(server, "state", Host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_other_methods_do_nothing(method: str, server: PreviewServer) -> None:
    assert ask(server, "state", method=method)[0] == 501


def test_nonsense_on_the_wire_leaves_it_standing(server: PreviewServer, capfd: pytest.CaptureFixture[str]) -> None:
    for data in (
        b"\x16\x03\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"A" * 70_000,
        b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(data)
    assert ask(server, "state")[0] == 200
    assert capfd.readouterr() == ("", "")


def events(server: PreviewServer) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", f"/{server.token}/events")
    return connection.getresponse()


def test_events_tell_of_changes_and_of_the_end(server: PreviewServer) -> None:
    stream = events(server)
    assert stream.getheader("content-type") == "text/event-stream"
    assert [stream.readline() for _ in range(3)] == [b"event: change\n", b"data: 1\n", b"\n"]
    server.preview.path.write_text(GOOD.replace("relu", "gelu"), encoding="utf-8")
    assert [stream.readline() for _ in range(3)] == [b"event: change\n", b"data: 2\n", b"\n"]
    server.end()
    assert stream.readline() == b"event: end\n"


def test_a_browser_that_goes_is_forgotten(server: PreviewServer) -> None:
    for _ in range(3):
        stream = events(server)
        stream.readline()
        stream.close()
    assert ask(server, "state")[0] == 200


def test_a_bug_of_ours_does_not_end_it(server: PreviewServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> dict[str, object]:
        raise RuntimeError("boom")

    monkeypatch.setattr(Preview, "state", broken)
    status, _, body = ask(server, "state")
    assert status == 200
    assert "fault of resnetdsl" in json.loads(body)["message"]
    monkeypatch.undo()
    assert json.loads(ask(server, "state")[2])["message"] == ""


# --- the command ---


class Serving:
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "resnetdsl", "serve", *arguments, "--no-open"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        assert ready
        self.address = self.process.stdout.readline().strip()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


def test_ctrl_c_ends_it_cleanly_with_a_browser_looking(tmp_path: Path) -> None:
    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    serving = Serving(str(spec), "--port", "0")
    match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/([\w-]{20,})/", serving.address)
    assert match
    connection = http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=5)
    connection.request("GET", f"/{match[2]}/events")
    stream = connection.getresponse()
    assert stream.readline() == b"event: change\n"
    started = time.monotonic()
    code, errors = serving.end()
    assert code == 0
    assert errors == "following net.rnet; Ctrl-C ends it\nended\n"
    assert time.monotonic() - started < 8
    assert b"event: end" in stream.read()


def test_it_never_imports_torch(tmp_path: Path) -> None:
    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    code = f"""
import sys
from pathlib import Path
from resnetdsl.serve.preview import Preview
from resnetdsl.serve.server import PreviewServer
server = PreviewServer(Preview(Path({str(spec)!r})))
server.preview.state()
server.server_close()
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_a_port_in_use(tmp_path: Path) -> None:
    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", spec, "--no-open", "--port", port)
    assert (done.code, done.out) == (2, "")
    assert f"cannot listen on 127.0.0.1:{port}" in done.err
    assert "another --port" in done.err


def test_the_usual_port_in_use_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from resnetdsl.cli import serve

    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(serve, "PORT", taken.getsockname()[1])
        monkeypatch.setattr(PreviewServer, "run", lambda _: None)
        done = run("serve", spec, "--no-open")
    assert done.code == 0
    assert done.out.startswith("http://127.0.0.1:")
    assert f":{serve.PORT}/" not in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-"], "standard input cannot be followed"),
        (["nothing.rnet"], "there is no such file"),
        (["."], "is a folder"),
        (["resnet5000"], "no shipped network"),
        (["{spec}", "--net", "two"], "has no network `two`"),
        (["{spec}", "--set", "classes"], "is not PARAM=VALUE"),
        (["{spec}", "--input", "big"], "is no size"),
        (["{spec}", "--port", "70000"], "is no port"),
        (["{spec}", "--port", "-1"], "is no port"),
        (["{spec}", "--port", "x"], "invalid int value"),
    ],
)
def test_wrong_use(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    done = run("serve", "--no-open", *(each.replace("{spec}", str(spec)) for each in arguments))
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_shipped_network_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(PreviewServer, "run", lambda self: seen.append(self.preview.state()))
    assert run("serve", "resnet18", "--no-open", "--port", 0).code == 0
    assert seen[0]["network"] == "resnet18"
