"""The composition root: what is made of what, each part when it is first needed and once per process."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.adapters.imports import TableImports
    from chalicelib.adapters.ledger import TableLedger
    from chalicelib.adapters.records import TableRecords
    from chalicelib.adapters.roster import TableRoster
    from chalicelib.adapters.seal import Seal
    from chalicelib.adapters.secrets import Hasher
    from chalicelib.adapters.staff_tokens import StaffTokens
    from chalicelib.adapters.table import Table
    from chalicelib.domain.message import Site
    from chalicelib.service.alert import Alerting
    from chalicelib.service.allowance import Allowance
    from chalicelib.service.answers import Answering
    from chalicelib.service.change import Desk
    from chalicelib.service.conversation import Conversation
    from chalicelib.service.counting import Counting
    from chalicelib.service.deliver import Delivery
    from chalicelib.service.elsewhere import Elsewhere
    from chalicelib.service.enrol import Enrolling
    from chalicelib.service.escalate import Escalation
    from chalicelib.service.hear import Hearing
    from chalicelib.service.imports import Importing
    from chalicelib.service.intervene import Intervening
    from chalicelib.service.metrics import Metrics
    from chalicelib.service.morning import Morning
    from chalicelib.service.note import Noting
    from chalicelib.service.ports import EmailProvider, Queue, SmsProvider, Store
    from chalicelib.service.prefer import Preferring
    from chalicelib.service.press import Pressing
    from chalicelib.service.retry import Retrying
    from chalicelib.service.say import Voice
    from chalicelib.service.shelf import Shelf
    from chalicelib.settings import Settings


LOCAL = "local"
"""The stage that `make serve`, the demo and the tests run as."""

SEALED = b"kms:"
"""How a secret begins that only the stage's own key opens."""


def now() -> datetime:
    """The clock, read once per invocation and passed on."""
    return datetime.now(UTC)


@cache
def settings() -> "Settings":
    from chalicelib.settings import from_environment

    found = from_environment()
    return replace(found, secret=_opened(found.secret, found.stage))


def _opened(secret: bytes, stage: str) -> bytes:
    if not secret.startswith(SEALED):
        return secret
    from chalicelib.adapters.clients import kms_client
    from chalicelib.adapters.sealed_secret import opened

    return opened(kms_client(), secret, stage)


@cache
def hasher() -> "Hasher":
    from chalicelib.adapters.secrets import Hasher

    return Hasher(settings().secret)


@cache
def table() -> "Table":
    """One for all that keep something in it: a client is dear to make, and each opens a connection of its own."""
    from chalicelib.adapters.clients import dynamo_client
    from chalicelib.adapters.dynamo import DynamoTable

    return DynamoTable(dynamo_client(), settings().table)


@cache
def store() -> "Store":
    from chalicelib.adapters.library import protocols
    from chalicelib.adapters.store import TableStore

    return TableStore(table(), protocols(), hasher().number, own=shelf().own, shards=settings().shards)


@cache
def shelf() -> "Shelf":
    from chalicelib.adapters.library import protocols
    from chalicelib.adapters.shelf import TableShelf

    return TableShelf(table(), protocols())


@cache
def queues() -> Any:
    """The client of all of them."""
    from chalicelib.adapters.clients import sqs_client

    return sqs_client()


@cache
def queue(function: str) -> "Queue":
    from chalicelib.adapters.sqs import SqsQueue

    client = queues()
    name = f"{settings().queue_prefix}-{function}"
    return SqsQueue(client, client.get_queue_url(QueueName=name)["QueueUrl"])


@cache
def metrics() -> "Metrics":
    """Silent at home, where the lines would only be in the way."""
    from chalicelib.adapters.metrics import LogMetrics
    from chalicelib.service.metrics import SILENT

    stage = settings().stage
    return SILENT if stage == LOCAL else LogMetrics(stage=stage, now=now)


@cache
def site() -> "Site":
    from chalicelib.domain.message import Site

    known = settings()
    # Opened here and not with the settings: not every function makes links.
    secret, *before = [_opened(each, known.stage) for each in known.link_secrets] or [known.secret]
    return Site(url=known.public_url, secret=secret, before=tuple(before))


@cache
def allowance() -> "Allowance":
    from chalicelib.adapters.tally import TableTally
    from chalicelib.service.allowance import Allowance

    return Allowance(tally=TableTally(table()), metrics=metrics())


@cache
def sms() -> "SmsProvider":
    from chalicelib.adapters.clients import sms_client
    from chalicelib.adapters.sandbox import SandboxedSms
    from chalicelib.adapters.sms import EndUserMessaging

    provider = EndUserMessaging(sms_client(), settings().sms_configuration_set)
    return SandboxedSms(provider, settings().sandbox_contacts) if settings().sandbox else provider


@cache
def email() -> "EmailProvider":
    from chalicelib.adapters.clients import email_client
    from chalicelib.adapters.sandbox import SandboxedEmail
    from chalicelib.adapters.ses import SimpleEmail

    provider = SimpleEmail(email_client(), settings().email_configuration_set)
    return SandboxedEmail(provider, settings().sandbox_contacts) if settings().sandbox else provider


@cache
def delivery() -> "Delivery":
    from chalicelib.adapters.copybook import copybook
    from chalicelib.service.deliver import Delivery

    return Delivery(
        store=store(),
        queue=queue("deliver"),
        notes=queue("note"),
        sms=sms(),
        email=email(),
        book=copybook,
        site=site(),
        metrics=metrics(),
        allowance=allowance(),
    )


@cache
def conversation() -> "Conversation":
    from chalicelib.adapters.conversation import TableConversation

    return TableConversation(table(), hasher().number)


@cache
def voice() -> "Voice":
    from chalicelib.adapters.copybook import copybook
    from chalicelib.service.say import Voice

    return Voice(
        talk=conversation(),
        sms=sms(),
        email=email(),
        book=copybook,
        site=site(),
        metrics=metrics(),
        allowance=allowance(),
    )


@cache
def escalation() -> "Escalation":
    from chalicelib.service.escalate import Escalation

    return Escalation(store=store(), talk=conversation(), voice=voice(), queue=queue("escalate"), metrics=metrics())


@cache
def answering() -> "Answering":
    from chalicelib.service.answers import Answering

    return Answering(desk=desk(), talk=conversation())


@cache
def alerting() -> "Alerting":
    from chalicelib.service.alert import Alerting
    from chalicelib.service.unread import Unread

    return Alerting(store=store(), unread=Unread(store=store(), talk=conversation()), escalation=escalation())


@cache
def pressing() -> "Pressing":
    from chalicelib.service.press import Pressing

    return Pressing(talk=conversation(), alerting=alerting(), answering=answering())


@cache
def preferring() -> "Preferring":
    from chalicelib.service.prefer import Preferring

    return Preferring(desk=desk())


@cache
def hearing() -> "Hearing":
    from chalicelib.protocols.triage import load
    from chalicelib.service.hear import Hearing

    return Hearing(
        store=store(),
        talk=conversation(),
        answering=answering(),
        alerting=alerting(),
        voice=voice(),
        escalation=escalation(),
        knowledge=load,
    )


@cache
def noting() -> "Noting":
    from chalicelib.service.note import Noting

    return Noting(
        store=store(),
        talk=conversation(),
        desk=desk(),
        answering=answering(),
        elsewhere=elsewhere(),
        retrying=retrying(),
        escalation=escalation(),
        metrics=metrics(),
    )


@cache
def elsewhere() -> "Elsewhere":
    from chalicelib.service.elsewhere import Elsewhere

    return Elsewhere(store=store(), voice=voice())


@cache
def retrying() -> "Retrying":
    from chalicelib.adapters.copybook import copybook
    from chalicelib.service.retry import Retrying

    return Retrying(store=store(), queue=queue("note"), sms=sms(), book=copybook, site=site(), elsewhere=elsewhere())


@cache
def desk() -> "Desk":
    from chalicelib.service.change import Desk

    return Desk(store=store(), queue=queue("deliver"))


@cache
def enrolling() -> "Enrolling":
    from chalicelib.service.enrol import Enrolling

    return Enrolling(
        store=store(),
        queue=queue("deliver"),
        shelf=shelf(),
        name_patient=hasher().patient,
    )


@cache
def ledger() -> "TableLedger":
    from chalicelib.adapters.ledger import TableLedger

    return TableLedger(table())


@cache
def roster() -> "TableRoster":
    from chalicelib.adapters.roster import TableRoster

    return TableRoster(table())


@cache
def records() -> "TableRecords":
    from chalicelib.adapters.records import TableRecords
    from chalicelib.domain.wording.measure import measure

    return TableRecords(table(), hasher().number, lambda text: measure(text).segments)


@cache
def counting() -> "Counting":
    from chalicelib.adapters.counts import TableCounts
    from chalicelib.domain.wording.measure import measure
    from chalicelib.service.counting import Counting

    return Counting(
        counts=TableCounts(table()),
        store=store(),
        talk=conversation(),
        queue=queue("import"),
        segments=lambda text: measure(text).segments,
    )


@cache
def morning() -> "Morning":
    from chalicelib.service.morning import Morning

    return Morning(store=store(), desk=desk(), reminders=queue("deliver"), pages=queue("import"))


@cache
def imports() -> "TableImports":
    from chalicelib.adapters.imports import TableImports

    return TableImports(table())


@cache
def intervening() -> "Intervening":
    from chalicelib.service.intervene import Intervening

    return Intervening(store=store(), queue=queue("deliver"))


@cache
def importing() -> "Importing":
    from chalicelib.service.imports import Importing

    return Importing(imports=imports(), store=store(), enrolling=enrolling(), queue=queue("import"))


@cache
def seal() -> "Seal":
    from chalicelib.adapters.seal import Seal

    return Seal(settings().secret)


@cache
def staff_tokens() -> "StaffTokens | None":
    """None where no user pool is set: then only clinics' keys open."""
    from chalicelib.adapters.staff_tokens import StaffTokens, fetch

    if not (settings().staff_issuer and settings().staff_audience):
        return None
    return StaffTokens(settings().staff_issuer, settings().staff_audience, fetch)


def forget() -> None:
    """Drops every part, so that the next use makes it anew: for tests and the local service, which restart in place."""
    for part in list(globals().values()):
        if hasattr(part, "cache_clear"):
            part.cache_clear()
