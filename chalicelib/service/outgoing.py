"""Outgoing: composed words as the providers take them."""

from chalicelib.domain.clinic import Clinic
from chalicelib.domain.message import Composed
from chalicelib.domain.provider_context import About, email_tags, sms_context
from chalicelib.service.ports import Email, Sms


def text_of(words: Composed, clinic: Clinic, time_to_live_s: int, about: About) -> Sms:
    assert words.text is not None
    return Sms(
        to=words.contact.address,
        text=words.text.text,
        origination=clinic.sms_number,
        time_to_live_s=time_to_live_s,
        context=sms_context(about),
    )


def email_of(words: Composed, clinic: Clinic, about: About) -> Email:
    """With RFC 8058's pair of headers, where its category may be stopped by one click."""
    assert words.email is not None
    headers = {}
    if words.unsubscribe:
        headers = {
            "List-Unsubscribe": f"<{words.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return Email(
        to=words.contact.address,
        sender=clinic.from_email,
        subject=words.email.subject,
        text=words.email.text,
        html=words.email.html,
        headers=headers,
        tags=email_tags(about),
    )
