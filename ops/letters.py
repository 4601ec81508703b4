"""Dead letters: queue messages that failed five times. List them, and put them back once the cause is mended.

Putting one back twice does no harm: a reference only points at the truth in the table, an inbound text is known by its
id, an event that comes again changes nothing. So each is queued first and deleted after.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from ops.functions import functions_of
from ops.inside import PLATFORM, Inside
from ops.say import UNCHANGED, say
from ops.stage import PROJECT, NotReady

OPAQUE = frozenset({"deliver", "escalate", "import"})
"""Queues whose messages are ids alone. The others' hold numbers and texts: those are not printed."""

_HIDDEN_S = 60
"""How long letters stay out of others' sight while they are looked through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    id: str
    body: str
    receipt: str
    sent_at: datetime

    @property
    def clinic(self) -> str:
        """Whose it is, where it says so."""
        try:
            raw = json.loads(self.body)
        except ValueError:
            return PLATFORM
        named = raw.get("clinic") if isinstance(raw, dict) else None
        return named if isinstance(named, str) and named else PLATFORM


def letters(inside: Inside, function: str | None, *, only: str | None = None, replay: bool, only_plan: bool) -> None:
    """Prints dead letters, of one function or of all; `replay`: puts them back on their queue, or the `only` one.

    Raises NotReady for no such queue, and for a letter that is not there.
    """
    queues = inside.account.client("sqs")
    fed = [name for name, how in functions_of(PROJECT, inside.stage.stack).items() if how.queue]
    if function is not None and function not in fed:
        raise NotReady(f"no queue feeds {function}; those with dead letters are {', '.join(sorted(fed))}")
    if replay and function is None:
        raise NotReady("whose? Dead letters are put back of one function at a time, once its cause is mended")
    for name in [function] if function else sorted(fed):
        dead = _queue(queues, f"{inside.stage.stack}-{name}-dead")
        found = list(_read(queues, dead))
        say(f"{len(found)} dead letter{'' if len(found) == 1 else 's'} of {name}")
        for letter in found:
            shown = letter.body if name in OPAQUE else "(not shown: it may hold a patient's words)"
            say(f"  {letter.id}  {letter.sent_at:%Y-%m-%d %H:%M:%S}Z  {shown}")
        chosen = [letter for letter in found if only in (None, letter.id)] if replay else []
        if only is not None and not chosen:
            _show_again(queues, dead, found)
            raise NotReady(f"there is no letter {only} among them, or it was put back already")
        if replay:
            say(f"Plan: put {len(chosen)} back on {name}")
        _show_again(queues, dead, [letter for letter in found if only_plan or letter not in chosen])
        if not only_plan:
            _put_back(inside, queues, name, dead, chosen)
    if only_plan:
        say(UNCHANGED)


def _put_back(inside: Inside, queues: Any, function: str, dead: str, chosen: Sequence[Letter]) -> None:
    if not chosen:
        return
    live = _queue(queues, f"{inside.stage.stack}-{function}")
    for letter in chosen:
        queues.send_message(QueueUrl=live, MessageBody=letter.body)
        inside.note(letter.clinic, "dead_letter.replay", detail=f"{function} {letter.id}")
        queues.delete_message(QueueUrl=dead, ReceiptHandle=letter.receipt)
    say(f"{len(chosen)} put back on {function}")


def _show_again(queues: Any, dead: str, letters: Sequence[Letter]) -> None:
    for letter in letters:
        queues.change_message_visibility(QueueUrl=dead, ReceiptHandle=letter.receipt, VisibilityTimeout=0)


def _read(queues: Any, url: str) -> Iterator[Letter]:
    seen: set[str] = set()
    while True:
        asked = queues.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_S,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        fresh = [message for message in asked.get("Messages", []) if message["MessageId"] not in seen]
        if not fresh:
            return
        for message in fresh:
            seen.add(message["MessageId"])
            yield Letter(
                id=message["MessageId"],
                body=message["Body"],
                receipt=message["ReceiptHandle"],
                sent_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
            )


def _queue(queues: Any, name: str) -> str:
    try:
        return str(queues.get_queue_url(QueueName=name)["QueueUrl"])
    except ClientError as missing:
        raise NotReady(f"there is no queue {name}") from missing
