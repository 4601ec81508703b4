"""Say: anything that is sent and is no reminder. The message is claimed under an id made of its cause, sent once, and
recorded; whatever asks for it again finds the claim."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.clinic import EMERGENCY_NUMBERS, Clinic
from chalicelib.domain.delivery import GRACE, MAX_UNSURE_ATTEMPTS, Event, Status
from chalicelib.domain.ids import PatientId, digest
from chalicelib.domain.links import Link, Purpose, sign, without_tokens
from chalicelib.domain.message import Composed, Site, in_one_segment
from chalicelib.domain.patient import Channel
from chalicelib.domain.provider_context import ForMessage, email_tags, sms_context
from chalicelib.domain.wording import Copybook, pick_language, render_email, template_at_level
from chalicelib.domain.wording.measure import measure
from chalicelib.service.allowance import Allowance
from chalicelib.service.conversation import Conversation, Message
from chalicelib.service.metrics import SILENT, Metric, Metrics
from chalicelib.service.outgoing import email_of
from chalicelib.service.ports import SANDBOX, Accepted, Ambiguous, Email, EmailProvider, NotSent, Sms, SmsProvider
from chalicelib.service.ports import Outcome as ProviderAnswer

PREFERENCES_LIFE = timedelta(days=30)

TEXT_LIFE_S = 4 * 3600
"""An answer or a page is of use for hours, not days; after this the carrier drops it."""


class Unsettled(Exception):
    """It is not known whether the message went out: whatever asked for it must ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One message to be sent, with what makes it the same one when it is asked for again."""

    clinic: Clinic
    patient_id: PatientId
    to: str = field(repr=False)
    channel: Channel
    kind: str
    cause: str
    audience: str = "patient"
    template: str = ""
    language: str = ""
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)
    words: str = field(default="", repr=False)
    """The text itself, where no template makes it: a page to staff, a note from staff."""
    subject: str = ""
    composed: Composed | None = field(default=None, repr=False)
    """A reminder's words, where they are said another way."""
    life_s: int = TEXT_LIFE_S
    """Seconds after which the carrier drops a text."""
    twice: bool = False
    """Whether a doubled message does less harm than a missing one."""

    @property
    def id(self) -> str:
        return digest("say", self.clinic.id, self.cause, self.kind, self.channel, self.audience, self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What saying takes."""

    talk: Conversation
    sms: SmsProvider
    email: EmailProvider
    book: Callable[[], Copybook]
    site: Site
    metrics: Metrics = SILENT
    allowance: Allowance = field(default_factory=Allowance)

    def say(self, saying: Saying, *, now: datetime) -> Status:
        """Sends the message unless it has been; answers what became of it.

        Raises `Unsettled` when an earlier attempt may still be on its way, or the answer was lost.
        """
        message, email = self._compose(saying, now)
        known = self.talk.claim(message)
        if known is not None:
            if known.status not in (Status.SENDING, "not_sent"):
                return Status(known.status)
            if known.status == Status.SENDING and now - known.at < GRACE[saying.channel]:
                raise Unsettled(saying.kind)
            unsure = known.status == Status.SENDING
            if unsure and (not saying.twice or known.attempt >= MAX_UNSURE_ATTEMPTS):
                self.talk.record(replace(known, status=Status.UNKNOWN), Event.GAVE_UP)
                self._told(Metric.UNKNOWN, known)
                return Status.UNKNOWN
            again = replace(message, attempt=known.attempt + 1)
            if not self.talk.replace(known, again):
                raise Unsettled(saying.kind)
            message = again
        answer = self._send(saying, message, email)
        self._counted(saying, message, answer, now)
        return self._answered(message, answer)

    def _counted(self, saying: Saying, message: Message, answer: ProviderAnswer, now: datetime) -> None:
        if not isinstance(answer, NotSent):
            segments = measure(message.text).segments if message.channel is Channel.SMS else 0
            self.allowance.spent(saying.clinic, message.channel, segments, now, at_once=True)
        elif answer.account:
            self.allowance.block(message.channel, answer.code, now)

    def _answered(self, message: Message, answer: ProviderAnswer) -> Status:
        match answer:
            case Accepted(provider_id=provider_id):
                self.talk.record(replace(message, status=Status.SENT, provider_id=provider_id), Event.ACCEPTED)
                self._told(Metric.SENT, message)
                return Status.SENT
            case NotSent(code=code, retry=True) if message.audience == "patient":
                self.talk.replace(message, replace(message, status="not_sent", detail=code))
                raise Unsettled(code)
            case NotSent(code=code):
                self.talk.record(replace(message, status=Status.FAILED, detail=code), Event.REFUSED)
                self._told(Metric.LET_GO if code == SANDBOX else Metric.FAILED, message, code)
                return Status.FAILED
            case Ambiguous(code=code):
                if message.audience == "staff":
                    # The ladder climbs whether this page arrived or not; nobody waits for it.
                    return Status.SENDING
                raise Unsettled(code)

    def _told(self, metric: Metric, message: Message, code: str = "") -> None:
        self.metrics.tell(metric, kind=message.kind, channel=message.channel, code=code)

    def _compose(self, saying: Saying, now: datetime) -> tuple[Message, Email | None]:
        text, subject, html, template, version, language = saying.words, saying.subject, None, "", 0, saying.language
        if saying.composed is not None:
            said = saying.composed.rendered
            text, template, version, language = without_tokens(said.text), said.template, said.version, said.language
        elif saying.template:
            book = self.book()
            language = pick_language(book, saying.language, saying.clinic.language)
            template = template_at_level(book, saying.template, saying.clinic.sms_content_level)
            slots = {**clinic_slots(saying.clinic), **saying.slots}
            if saying.channel is Channel.SMS:
                sms = in_one_segment(book, template, language, slots)
                text, version = sms.text, sms.version
            else:
                mail = render_email(book, template, language, slots, {"prefs": self._preferences(saying, now)})
                text, subject, html, version = mail.text, mail.subject, mail.html, mail.version
        message = Message(
            id=saying.id,
            clinic_id=saying.clinic.id,
            patient_id=saying.patient_id,
            inbound=False,
            channel=saying.channel,
            audience=saying.audience,
            kind=saying.kind,
            at=now,
            text=text,
            cause=saying.cause,
            template=template,
            version=version,
            language=language,
            kept_until=saying.clinic.retention.messages_until(now),
        )
        if saying.channel is Channel.SMS:
            return message, None
        return message, Email(
            to=saying.to, sender=saying.clinic.from_email, subject=subject or saying.clinic.name, text=text, html=html
        )

    def _preferences(self, saying: Saying, now: datetime) -> str:
        link = Link(
            purpose=Purpose.PREFERENCES,
            clinic_id=saying.clinic.id,
            patient_id=saying.patient_id,
            subject="",
            expires=now + PREFERENCES_LIFE,
        )
        return f"{self.site.url}/r/{sign(link, self.site.secret)}"

    def _send(self, saying: Saying, message: Message, email: Email | None) -> ProviderAnswer:
        about = ForMessage(
            clinic_id=message.clinic_id,
            patient_id=message.patient_id,
            message_id=message.id,
            kind=message.kind,
            audience=message.audience,
            attempt=message.attempt,
        )
        words = saying.composed
        if words is not None and words.email is not None:
            return self.email.send(email_of(words, saying.clinic, about))
        if email is not None:
            return self.email.send(replace(email, tags=email_tags(about)))
        return self.sms.send(
            Sms(
                to=saying.to,
                text=words.rendered.text if words else message.text,
                origination=saying.clinic.sms_number,
                time_to_live_s=saying.life_s,
                context=sms_context(about),
            )
        )


def clinic_slots(clinic: Clinic) -> dict[str, str]:
    emergency, crisis = EMERGENCY_NUMBERS[clinic.country]
    return {"clinic": clinic.name, "phone": clinic.phone, "emerg": emergency, "crisis": crisis}
