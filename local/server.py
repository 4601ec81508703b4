"""The HTTP front of `make serve`, on loopback only: the controls, and for all else the service itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.controls import PREFIX, Controls
from local.gateway import Reply
from local.world import World


class Server:
    """Bound as soon as it is made, so that a taken port is known before anything else starts."""

    def __init__(self, port: int) -> None:
        """Port 0 takes a free one. Raises `OSError` where the port cannot be had."""
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._http.daemon_threads = True
        self._world: World | None = None
        self._controls: Controls | None = None
        self._after = threading.Condition()
        self._unsettled = 0

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, world: World) -> None:
        """Answer for this world until `shutdown` is called from another thread."""
        self._world, self._controls = world, Controls(world)
        self._http.serve_forever(poll_interval=0.1)

    def shutdown(self) -> None:
        self._http.shutdown()

    def close(self) -> None:
        self._http.server_close()

    @contextmanager
    def _settling(self) -> Iterator[None]:
        """Around a request to the service. The client has its answer before its effects are done, as anywhere, but
        a control that comes after waits for them, so that what it shows is what that request led to."""
        with self._after:
            self._unsettled += 1
        try:
            yield
        finally:
            try:
                if self._world:
                    self._world.settle()
            finally:
                with self._after:
                    self._unsettled -= 1
                    self._after.notify_all()

    def _keep(self) -> None:
        """What was answered outlives a kill, as it would on AWS."""
        if self._world and self._world.snapshots:
            self._world.snapshots.take()

    def _settled(self) -> None:
        with self._after:
            self._after.wait_for(lambda: self._unsettled == 0)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes; Nagle's algorithm would hold the second back for the client's ACK.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                assert server._world
                assert server._controls
                if self.path.startswith(PREFIX):
                    server._settled()
                    self._say(server._controls.request(self.command, self.path, body))
                    return
                with server._settling():
                    self._say(server._world.gateway.request(self.command, self.path, dict(self.headers), body))

            def _say(self, reply: Reply) -> None:
                if self.command not in ("GET", "HEAD"):
                    server._keep()
                self.send_response(reply.status)
                for name, value in reply.headers:
                    if name.lower() != "content-length":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)
                self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: paths carry tokens of patients' links."""

        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        return Handler
