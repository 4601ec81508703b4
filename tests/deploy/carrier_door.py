"""The carrier simulator on a socket of its own, for functions that run in other processes, and its control plane.

The texts and mails go to the same carrier that `make serve` uses. What MiniStack has no service for is answered here:
the few operations by which a stage is bound to its numbers.
"""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from local.carrier import Answer, Carrier
from local.carrier_wire import EMAIL_PATH, TEXT
from local.provider_events import Event

_CONTROL = "PinpointSMSVoiceV2."


class CarrierDoor:
    """`with CarrierDoor(numbers) as door`: listens on loopback until the end."""

    def __init__(self, number: str) -> None:
        self.carrier = Carrier(lambda: datetime.now(UTC))
        self.number = {
            "PhoneNumber": number,
            "PhoneNumberId": "phone-1",
            "PhoneNumberArn": "arn:aws:sms-voice:us-east-1:000000000000:phone-number/phone-1",
            "Status": "ACTIVE",
            "IsoCountryCode": "US",
            "MessageType": "TRANSACTIONAL",
            "NumberCapabilities": ["SMS"],
            "NumberType": "TEN_DLC",
            "MonthlyLeasingPrice": "1.00",
            "TwoWayEnabled": False,
            "SelfManagedOptOutsEnabled": False,
            "OptOutListName": "Default",
            "DeletionProtectionEnabled": False,
            "CreatedTimestamp": 1767225600.0,
        }
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def events(self) -> list[Event]:
        """The provider's events that have come due, each once."""
        return self.carrier.reports_due(datetime.now(UTC))

    def _control(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        match operation:
            case "DescribePhoneNumbers":
                return {"PhoneNumbers": [self.number]}
            case "UpdatePhoneNumber":
                self.number |= {name: value for name, value in asked.items() if name in self.number}
                self.number["TwoWayChannelArn"] = asked["TwoWayChannelArn"]
                return self.number
            case _:
                return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
                target = self.headers.get("X-Amz-Target") or ""
                if target == TEXT:
                    self._tell(door.carrier.send_text(asked))
                elif self.path == EMAIL_PATH:
                    self._tell(door.carrier.send_email(asked))
                else:
                    found = door._control(target.removeprefix(_CONTROL), asked)
                    self._say(404 if found is None else 200, found or {"__type": "UnknownOperationException"})

            def _tell(self, answer: Answer) -> None:
                refused = answer.refusal
                if refused is None:
                    self._say(200, {"MessageId": answer.provider_id})
                else:
                    self._say(refused.status, {"__type": refused.code, "message": refused.message} | refused.detail)

            def _say(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: addresses do not belong in a log."""

        return Handler
