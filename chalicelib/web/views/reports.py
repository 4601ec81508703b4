"""What a clinic looks back on and what it does first in the morning: deliveries, usage, the worklist."""

from calendar import monthrange
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from chalice.app import Response

from chalicelib import wiring
from chalicelib.domain.local_time import local_date, utc_text, zone
from chalicelib.domain.problem import Problem
from chalicelib.service import rounds
from chalicelib.web.door import Call
from chalicelib.web.paging import cut, page_of
from chalicelib.web.problems import wrong
from chalicelib.web.spreadsheet import write_sheet
from chalicelib.web.views.clinics import own_clinic

USUAL = timedelta(days=27)
LONGEST = timedelta(days=366)


def deliveries(call: Call) -> dict[str, Any]:
    clinic = own_clinic(call)
    today = local_date(call.now, zone(clinic.timezone))
    start, end = _days(call, today)
    found = wiring.counting().report(clinic, start, end, now=call.now)
    items = [
        {"day": what.day, "kind": what.kind, "channel": what.channel, "state": what.state, "count": number}
        for what, number in sorted(found.tally.messages.items())
    ]
    return {"items": items, "as_of": utc_text(found.as_of), "complete": found.complete}


def usage(call: Call) -> dict[str, Any]:
    clinic = own_clinic(call)
    today = local_date(call.now, zone(clinic.timezone))
    month = call.query.get("month", f"{today:%Y-%m}")
    start = date.fromisoformat(f"{month}-01")
    end = start.replace(day=monthrange(start.year, start.month)[1])
    counted = wiring.counting().report(clinic, start, end, now=call.now)
    messages, segments = Counter[str](), Counter[str]()
    for what, number in counted.tally.messages.items():
        messages[what.channel] += number
        segments[what.channel] += counted.tally.segments[what]
    # The clinic's own prices: orders of magnitude for planning. What is owed stands on the provider's bill.
    prices = {"sms": clinic.price_per_segment, "email": clinic.price_per_email}
    cost = {channel: Decimal(str(price)) * segments[channel] for channel, price in prices.items()}
    return {
        "month": month,
        "patients_enrolled": counted.patients,
        "enrolments": counted.enrolments.get(month, 0),
        "items": [
            {
                "channel": channel,
                "messages": messages[channel],
                "segments": segments[channel],
                "estimated_cost_usd": f"{cost[channel]:.4f}",
            }
            for channel in prices
        ],
        "estimated_cost_usd": f"{sum(cost.values()):.4f}",
        "as_of": utc_text(counted.as_of),
        "complete": counted.complete,
    }


def worklist(call: Call) -> Response:
    found, complete = rounds.worklist(wiring.store(), call.principal.clinic_id, now=call.now)
    items = [
        {
            "kind": each.kind,
            "tier": each.tier,
            "patient_id": each.patient_id,
            "name": each.name,
            "external_id": each.external_id,
            "title": each.title,
            "why": each.why,
            "since": utc_text(each.since),
            "due_on": each.due_on,
            "task_id": each.task_id,
        }
        for each in found
    ]
    if call.query.get("format") == "csv":
        call.patients.update(each["patient_id"] or "" for each in items)
        return _sheet(items)
    shown, following = cut(items, page_of(call))
    call.patients.update(each["patient_id"] or "" for each in shown)
    return Response({"items": list(shown), "next": following, "as_of": utc_text(call.now), "complete": complete})


def _sheet(items: list[dict[str, Any]]) -> Response:
    head = ("tier", "kind", "name", "external_id", "title", "why", "since", "due_on", "patient_id", "task_id")
    words = write_sheet(head, ([each[name] for name in head] for each in items))
    return Response(
        words.encode(),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="worklist.csv"',
        },
    )


def _days(call: Call, today: date) -> tuple[date, date]:
    end = date.fromisoformat(call.query["to"]) if "to" in call.query else today
    start = date.fromisoformat(call.query["from"]) if "from" in call.query else end - min(USUAL, end - date.min)
    if start > end or end - start > LONGEST:
        raise wrong([Problem("from", "must be before to, by a year at most")])
    return start, end
