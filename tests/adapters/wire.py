"""An AWS service on 127.0.0.1 that answers as told: the adapters meet botocore's real wire protocol."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["_Caller"], None]


@dataclass
class Provider:
    url: str
    answer: Answer
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Every request's body, in order: each is one HTTP attempt."""


def ok(body: dict[str, Any]) -> Answer:
    return lambda caller: caller.reply(200, body)


def error(status: int, code: str, **body: Any) -> Answer:
    """An error in the shape of AWS's JSON protocols; the message quotes the number, as AWS's do."""
    return lambda caller: caller.reply(
        status, {"__type": code, "message": "about +12025550123", **body}, {"x-amzn-ErrorType": code}
    )


def late(caller: "_Caller") -> None:
    time.sleep(0.6)


def reset(caller: "_Caller") -> None:
    """A reset instead of an answer."""
    caller.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.connection.close()


def hang_up(caller: "_Caller") -> None:
    """An orderly close instead of an answer."""


def cut_short(caller: "_Caller") -> None:
    """The head of an answer, and half its body."""
    caller.send_response(200)
    caller.send_header("Content-Length", "1000")
    caller.end_headers()
    caller.wfile.write(b'{"MessageId"')


def gibberish(caller: "_Caller") -> None:
    caller.send_response(200)
    # Said, so that the client does not ask its next question on a connection that is about to end.
    caller.send_header("Connection", "close")
    caller.send_header("Content-Length", "9")
    caller.end_headers()
    caller.wfile.write(b"<html></h")


class _Caller(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.provider.requests.append({"path": self.path, "body": json.loads(body)})
        self.close_connection = self.provider.answer in _BROKEN
        self.provider.answer(self)

    def reply(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/x-amz-json-1.0", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


_BROKEN = (late, reset, hang_up, cut_short, gibberish)


@contextmanager
def provider() -> Iterator[Provider]:
    class Caller(_Caller):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Caller)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # resets are meant
    Caller.provider = Provider(url=f"http://127.0.0.1:{server.server_port}", answer=ok({"MessageId": "m-1"}))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield Caller.provider
    finally:
        server.shutdown()
        server.server_close()
