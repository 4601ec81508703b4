"""What anybody may ask."""

from typing import Any

from chalicelib.web.door import Call


def health(_: Call) -> dict[str, str]:
    return {"status": "ok"}


def document(_: Call) -> dict[str, Any]:
    from chalicelib.web import openapi

    return openapi.document()
