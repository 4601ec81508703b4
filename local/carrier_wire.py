"""The carrier's front door: an HTTP server on loopback that speaks both providers' wire protocols.

SMS is AWS JSON 1.0 (`X-Amz-Target: PinpointSMSVoiceV2.SendTextMessage`), e-mail REST JSON
(`POST /v2/email/outbound-emails`). boto3 finds it by `AWS_ENDPOINT_URL_*`.

One server serves the whole process, whichever carrier stands behind it, because the service keeps its clients, and
with them this address, for as long as the process lives.
"""

import json
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from local.carrier import Answer, Carrier

TEXT = "PinpointSMSVoiceV2.SendTextMessage"
EMAIL_PATH = "/v2/email/outbound-emails"
_KILLS = "x-ranvier-local-kills"


class FunctionKilled(BaseException):
    """The function dies here, as when Lambda takes its machine away: nothing in it may catch this and carry on."""


def _kill(http_response: Any, **_: Any) -> None:
    if http_response.headers.get(_KILLS):
        raise FunctionKilled


# Every client made from now on runs it; those of one process are all made after this module is imported.
BUILTIN_HANDLERS.extend([("after-call.pinpoint-sms-voice-v2", _kill), ("after-call.sesv2", _kill)])


class CarrierServer:
    """The process's one server; `carrier` is whoever answers at present."""

    def __init__(self) -> None:
        self.carrier: Carrier | None = None
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, name="carrier", daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, path: str, target: str | None, request: Any) -> Answer | None:
        """What the carrier says to this request; None where there is no such operation."""
        if self.carrier is None:
            return None
        if target == TEXT:
            return self.carrier.send_text(request)
        if target is None and path == EMAIL_PATH:
            return self.carrier.send_email(request)
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two writes; with Nagle's algorithm the second waits 40 ms for the client's ACK.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = self.headers.get("X-Amz-Target")
                answer = server.answer(self.path, target, json.loads(body or b"{}"))
                if answer is None:
                    self._say(404, {"__type": "UnknownOperationException"}, {})
                elif answer.cut:
                    # Hang up: botocore reports a lost connection as it does a read time-out, without the wait.
                    self.close_connection = True
                elif answer.refusal is not None:
                    refusal = answer.refusal
                    said: dict[str, Any] = {
                        "__type": refusal.code,
                        "Message": refusal.message,
                        "message": refusal.message,
                    }
                    self._say(refusal.status, said | dict(refusal.detail), {"x-amzn-ErrorType": refusal.code})
                else:
                    self._say(200, {"MessageId": answer.provider_id}, {_KILLS: "1"} if answer.kills else {})

            def _say(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: addresses do not belong in a log."""

        return Handler


@cache
def carrier_server() -> CarrierServer:
    return CarrierServer()
