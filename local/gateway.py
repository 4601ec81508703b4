"""API Gateway at home: Chalice's own local routing, with the answer as bytes."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalChalice, LocalGateway, LocalGatewayException


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    @classmethod
    def of_json(cls, status: int, content: object, content_type: str = "application/json") -> "Reply":
        body = json.dumps(content, ensure_ascii=False).encode()
        return cls(status=status, headers=(("Content-Type", content_type),), body=body)

    @classmethod
    def problem(cls, status: int, title: str, *errors: tuple[str, str]) -> "Reply":
        """RFC 9457, with every bad field named, as the service's own errors are."""
        content: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": title}
        if errors:
            content["errors"] = [{"field": field, "message": message} for field, message in errors]
        return cls.of_json(status, content, "application/problem+json")


class Gateway:
    def __init__(self, app: Chalice) -> None:
        if not isinstance(app, LocalChalice):
            # As `chalice local` does: `current_request` must be each thread's own.
            app.__class__ = type("LocalApp", (LocalChalice, type(app)), {})
        config = Config.create(chalice_app=app, lambda_timeout=30, lambda_memory_size=256, app_name="ranvier")
        self._gateway = LocalGateway(app, config)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        try:
            answer = self._gateway.handle_request(method, path, dict(headers), body)
        except LocalGatewayException as refused:
            return _reply(refused.CODE, refused.headers, refused.body)
        content = answer["body"]
        if answer.get("isBase64Encoded"):
            content = base64.b64decode(content)
        return _reply(answer["statusCode"], {**answer["headers"], **answer["multiValueHeaders"]}, content)


def _reply(status: int, headers: Mapping[str, Any], body: str | bytes | None) -> Reply:
    pairs: list[tuple[str, str]] = []
    for name, value in headers.items():
        pairs.extend((name, str(each)) for each in (value if isinstance(value, list) else [value]))
    if body and not any(name.lower() == "content-type" for name, _ in pairs):
        pairs.append(("Content-Type", "application/json"))
    content = body.encode() if isinstance(body, str) else body or b""
    return Reply(status=status, headers=tuple(pairs), body=content)
