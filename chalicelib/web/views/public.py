"""What anybody may ask."""

from typing import Any

from chalicelib.web.door import Call


def health(call: Call) -> dict[str, Any]:
    """That it answers, to anybody; to the operator also whether it keeps up."""
    from chalicelib.web.access import is_operator

    if not is_operator(call.headers.get("authorization", "")):
        return {"status": "ok"}
    from chalicelib import wiring
    from chalicelib.service.health import health as look

    found = look(wiring.store(), now=call.now, shards=wiring.settings().shards)
    return {
        "status": "ok",
        "oldest_due_s": int(found.oldest_due.total_seconds()),
        "watermark_age_s": None if found.watermark is None else int(found.watermark.total_seconds()),
        "clinics": found.clinics,
        "stopped_clinics": found.stopped,
    }


def document(_: Call) -> dict[str, Any]:
    from chalicelib.web import openapi

    return openapi.document()
