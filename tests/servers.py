"""A web server that plays tricks, and a proxy that breaks connections off, each in a thread of the test."""

import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """What is served, and how.

    Attributes
    ----------
    files : dict
        Bytes by path.
    ranges, lengths, tags : bool
        Whether it understands ranges, names lengths, and sends ETags.
    breaks : int
        How many bytes of an answer are sent before the connection breaks off; 0 sends all.
    broken : int
        How many answers in a row break off before one is complete.
    status : int
        What it answers instead of the file; 0 answers it.
    behind : str
        The server whose answers are passed on, instead of files.
    denied : str
        A part of a request that is answered by 403.
    moved : dict
        Where paths are redirected to.
    asked : list of str
        The requests so far.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = self.lengths = self.tags = True
        self.breaks = self.broken = self.status = self.count = 0
        self.behind = self.denied = ""
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients hang up when they have seen enough."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        server = self.server
        server.asked.append(f"{self.command} {self.path}")
        self.close_connection = True
        if server.denied and server.denied in self.path:
            text = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            self._send(403, {"Content-Type": "application/xml"}, text)
        elif place := server.moved.get(self.path):
            self._send(302, {"Location": place}, b"")
        elif server.status:
            self._send(server.status, {}, b"")
        elif server.behind:
            self._send(*self._passed_on(), body)
        elif (data := server.files.get(self.path.partition("?")[0])) is None:
            self._send(404, {}, b"")
        else:
            self._send(*self._file(data), body)

    def _file(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        headers = {"ETag": f'"{hash(data)}"'} if self.server.tags else {}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not (asked and self.server.ranges):
            return 200, headers, data
        start, stop = int(asked[1]), min(int(asked[2]) + 1, len(data))
        if start >= stop:
            return 416, {"Content-Range": f"bytes */{len(data)}"}, b""
        return 206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}, data[start:stop]

    def _passed_on(self) -> tuple[int, dict[str, str], bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        asked = urllib.request.Request(self.server.behind + self.path, headers=headers, method=self.command)
        try:
            with urllib.request.urlopen(asked) as answer:
                status, found, data = answer.status, dict(answer.headers.items()), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, found, data = error.code, dict(error.headers.items()), error.read()
        own = ("connection", "transfer-encoding", "date", "server") + ("content-length",) * bool(data)
        return status, {name: value for name, value in found.items() if name.lower() not in own}, data

    def _send(self, status: int, headers: dict[str, str], data: bytes, body: bool = True) -> None:
        self.send_response(status)
        if self.server.lengths and not any(name.lower() == "content-length" for name in headers):
            headers = {**headers, "Content-Length": str(len(data))}
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        whole = not self.server.breaks or len(data) <= self.server.breaks or self.server.count >= self.server.broken
        self.server.count = 0 if whole else self.server.count + 1
        self.wfile.write(data if whole else data[: self.server.breaks])


@contextmanager
def serving() -> Iterator[Server]:
    """Serve until the end of the block."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
