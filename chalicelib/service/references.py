"""References on the queue: which patient's wake, which one, and when it was due. Opaque ids and a time, no more.

And their lanes: which sending number, or the mail service, a wake will need, and how fast that may go.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import ceil

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.cursor import Lane
from chalicelib.domain.ids import ClinicId, PatientId
from chalicelib.domain.local_time import utc_text
from chalicelib.service.chart import Reference
from chalicelib.service.ports import Queue, QueueMessage

LOOK_AHEAD = timedelta(seconds=180)
"""How far past now the tick looks. A tick may come up to a minute late, and one in hundreds not at all; three minutes
ahead, with the queue's delay for the rest, the reminder still leaves within seconds of its time."""

LONGEST_DELAY = timedelta(seconds=900)
"""What the queue can delay a message by."""


def encode(reference: Reference) -> str:
    return json.dumps(
        {
            "clinic": reference.clinic_id,
            "patient": reference.patient_id,
            "seq": reference.seq,
            "due": utc_text(reference.due),
        },
        separators=(",", ":"),
    )


def decode(body: str) -> Reference:
    """Raises ValueError or KeyError for what is no reference: it ends on the dead-letter queue, for people to see."""
    raw = json.loads(body)
    return Reference(
        clinic_id=ClinicId(str(raw["clinic"])),
        patient_id=PatientId(str(raw["patient"])),
        seq=int(raw["seq"]),
        due=datetime.strptime(raw["due"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
    )


def queue_all(queue: Queue, delayed: Iterable[tuple[Reference, timedelta]]) -> int:
    """Queues each reference with its delay; answers how many."""
    messages = [
        QueueMessage(body=encode(reference), delay_s=_seconds(delay), group=reference.clinic_id)
        for reference, delay in delayed
    ]
    if messages:
        queue.send(messages)
    return len(messages)


def queue_if_near(queue: Queue, reference: Reference, now: datetime) -> None:
    """Queues a reference whose time the tick may have looked past already; a second one does no harm."""
    if reference.due <= now + 2 * LOOK_AHEAD:
        queue_all(queue, [(reference, reference.due - now)])


EMAILS_A_MINUTE = 600
"""A young SES account's allowance is 14 a second; ten leaves room for what is not a reminder."""


def lane_text(lane: Lane, clinic: Clinic) -> str:
    """The lane with its pace a minute, so that the tick can space messages without reading the clinic."""
    match lane:
        case Lane.SMS:
            return f"sms#{clinic.id}#{max(1, round(clinic.sms_per_second * 60))}"
        case Lane.EMAIL:
            return f"email##{EMAILS_A_MINUTE}"
        case Lane.NONE:
            return ""


def spacing(lane: str) -> timedelta:
    """The time from one message on the lane to the next."""
    return timedelta(minutes=1) / int(lane.rpartition("#")[2])


RESERVED = "="
"""Before a lane: the due time is a slot on it, given already and kept free for this reminder."""


def queue_in(queue: Queue, reference: Reference, delay: timedelta) -> None:
    """Queues a reference to show after the delay, or after the queue's longest one."""
    queue_all(queue, [(reference, delay)])


def _seconds(delay: timedelta) -> int:
    return min(max(0, ceil(delay.total_seconds())), int(LONGEST_DELAY.total_seconds()))
