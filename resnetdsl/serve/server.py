"""The page over HTTP, for this machine's browser and nobody else.

It listens on the loopback address alone. Every address carries a secret that only the one who started it knows, and
a request must name this server as its host and, where it says where it comes from, as its origin: another site that
the browser has open can neither guess the one nor feign the other. There are three answers (the page, its state, and
a stream of events), made here; no file is ever served by its name.
"""

from __future__ import annotations

import hmac
import secrets
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from resnetdsl.emit.viewer.page import content_policy, inert, page
from resnetdsl.emit.words import printable
from resnetdsl.serve.preview import Preview
from resnetdsl.serve.watch import watch

HOST = "127.0.0.1"
_HEARTBEAT = 15.0
_FAREWELL = 1.0
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": f"{content_policy(live=True)}; frame-ancestors 'none'",
}


class PreviewServer(ThreadingHTTPServer):
    """A preview and those who look at it. Raises OSError where the port is taken; port 0 is any free one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, preview: Preview, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.preview = preview
        self.token = secrets.token_urlsafe(24)
        self.ended = Event()
        self.changed = Condition()
        self.streams = 0
        self.watcher = Thread(target=watch, args=(lambda: preview.watched, self.reload, self.ended), daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/{self.token}/"

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})

    def reload(self) -> None:
        """Read the spec anew and tell everyone."""
        self.preview.reload()
        with self.changed:
            self.changed.notify_all()

    def run(self) -> None:
        """Serve until `end`, or until an interrupt, which is passed on."""
        self.watcher.start()
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.end()
            with self.changed:
                self.changed.wait_for(lambda: not self.streams, _FAREWELL)
            self.server_close()

    def end(self) -> None:
        """Stop watching and tell everyone that it is over."""
        self.ended.set()
        with self.changed:
            self.changed.notify_all()

    def look(self, by: int) -> None:
        """One more who looks, or one less."""
        with self.changed:
            self.streams += by
            self.changed.notify_all()

    def wait(self, seen: int) -> None:
        """Until there is another revision than the one seen, or the end, or nothing for a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended.is_set() or self.preview.revision != seen, _HEARTBEAT)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection is no mistake, and there is nobody to tell of another."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    server: PreviewServer
    server_version = "resnetdsl"
    sys_version = ""
    places: ClassVar[frozenset[str]] = frozenset({"", "state", "events"})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        _, _, rest = parts.path.partition("/")
        token, slash, place = rest.partition("/")
        if not self._is_ours() or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN)
        elif not slash or place not in self.places:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif place == "events":
            self._events()
        elif place == "state":
            wanted = parse_qs(parts.query).get("net")
            self._send("application/json; charset=utf-8", inert(self._state(wanted[0] if wanted else None)))
        else:
            self._send("text/html; charset=utf-8", page(printable(self.server.preview.path.name), None, live=True))

    def _is_ours(self) -> bool:
        """Whether a page of this server asks, or someone who typed the address."""
        headers = self.headers
        host, origin = headers.get("Host", ""), headers.get("Origin")
        site = headers.get("Sec-Fetch-Site", "none")
        same = origin is None or origin in {f"http://{each}" for each in self.server.hosts}
        return host in self.server.hosts and same and site in ("none", "same-origin")

    def _state(self, network: str | None) -> dict[str, object]:
        try:
            return self.server.preview.state(network)
        except Exception as bug:  # noqa: BLE001 - the page must live on to see the next version of the spec
            where = traceback.extract_tb(bug.__traceback__)[-1]
            what = f"{type(bug).__name__}: {bug} ({where.name}, line {where.lineno})"
            message = f"this is a fault of resnetdsl and not of your spec, please report it: {printable(what)}"
            empty: dict[str, object] = {"networks": [], "network": network, "document": None, "problems": []}
            return {**empty, "stale": True, "errors": 0, "message": message, "file": "", "revision": -1}

    def _events(self) -> None:
        """`change` now and each time the spec has changed, `end` at the end; a comment now and then in between."""
        self.send_response(HTTPStatus.OK)
        for name, value in {**_HEADERS, "Content-Type": "text/event-stream", "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        seen = -1
        self.server.look(+1)
        try:
            while not self.server.ended.is_set():
                revision = self.server.preview.revision
                text = f"event: change\ndata: {revision}\n\n" if revision != seen else ": still here\n\n"
                self.wfile.write(text.encode())
                self.wfile.flush()
                seen = revision
                self.server.wait(seen)
            self.wfile.write(b"event: end\ndata: 0\n\n")
        except OSError:
            pass  # nobody looks any more
        finally:
            self.server.look(-1)

    def _send(self, kind: str, text: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send("text/plain; charset=utf-8", f"{status.phrase}\n", status)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are nobody's business."""
