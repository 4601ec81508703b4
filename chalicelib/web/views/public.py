"""What anybody may ask."""

from chalicelib.web.door import Call


def health(_: Call) -> dict[str, str]:
    return {"status": "ok"}
