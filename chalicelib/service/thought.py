"""Thought: who types one thought in several texts is heard as if in one, which may raise a tier and nothing else."""

from datetime import timedelta

from chalicelib.domain.facts import Facts
from chalicelib.domain.heeding import listener_of, prompt_again, with_texts_near
from chalicelib.domain.triage import IntentKind, Knowledge, Reading, Tier, read
from chalicelib.service.conversation import Conversation, Message

ONE_THOUGHT = timedelta(minutes=5)
"""Texts this close are read as one as well. Longer, and two thoughts would be taken for one more often than one is
typed so slowly."""
TEXTS_AS_ONE = 6


def as_one_thought(talk: Conversation, facts: Facts, reading: Reading, text: Message, knowledge: Knowledge) -> Reading:
    """The reading of a text, raised by what it says together with those around it.

    The text is stored by now: of two heard at the same time, one at least knows of the other.
    """
    if not reading.has(IntentKind.TEXT):
        return reading
    listener = listener_of(facts)

    def speaks(message: Message) -> bool:
        # An answer is none of the words around it: after "no" to a question, "feeling in my legs" is not lost.
        answered = [prompt_again(message.prompt, message.at)] if message.prompt else []
        return read(message.text, listener, answered, knowledge).has(IntentKind.TEXT)

    said = talk.messages(facts.clinic.id, facts.patient.id)
    near = [m for m in said if m.inbound and m.kind == "inbound" and abs(m.at - text.at) <= ONE_THOUGHT]
    others = sorted((m for m in near if m.id != text.id and speaks(m)), key=lambda m: abs(m.at - text.at))
    others = others[: TEXTS_AS_ONE - 1]
    if not others:
        return reading
    whole = " ".join(m.text for m in sorted((*others, text), key=lambda m: m.at))
    raised = with_texts_near(reading, read(whole, listener, [], knowledge))
    # What one of the others says by itself has been acted on, and needs no second answer.
    return reading if any(Tier(m.tier).severity >= raised.tier.severity for m in others) else raised
