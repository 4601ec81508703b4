"""Protocols together: which a new patient gets, which exclude each other, what is odd about a choice of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from .patient import Clinical
from .protocol import Anchor, Checkin, Protocol, Question
from .protocol_values import Problem


def default_protocols(
    protocols: Iterable[Protocol], anchors: Mapping[Anchor, date], clinical: Clinical
) -> tuple[str, ...]:
    """The ids a new patient follows when nobody chose, in the order given.

    A default without its anchor date is still chosen, and staff are asked for the date, unless the protocol is for
    patients who have that date at all (`only_with_anchor`).
    """
    return tuple(
        protocol.id
        for protocol in protocols
        if protocol.default_on
        and fits(protocol, clinical)
        and not (protocol.only_with_anchor and anchors.get(protocol.anchor) is None)
    )


def undisplaced(protocols: Iterable[Protocol]) -> list[Protocol]:
    """The defaults that stand when a clinic has made defaults of its own, in the order given: of each family the
    newest version, and none that is an alternative to a later one."""
    newest: dict[str, Protocol] = {}
    for protocol in protocols:
        known = newest.get(protocol.family)
        if protocol.default_on and (known is None or _version(protocol) >= _version(known)):
            newest.pop(protocol.family, None)
            newest[protocol.family] = protocol
    standing: list[Protocol] = []
    for protocol in reversed(newest.values()):
        if not any(p.family in protocol.excludes or protocol.family in p.excludes for p in standing):
            standing.append(protocol)
    return standing[::-1]


def _version(protocol: Protocol) -> int:
    return int(protocol.id.rpartition(".v")[2])


def fits(protocol: Protocol, clinical: Clinical) -> bool:
    """Whether the patient has the clinical fact the protocol is for. Raises ValueError for a fact nobody knows."""
    match protocol.applies_if:
        case None:
            return True
        case "ad_risk":
            return clinical.at_ad_risk
        case "itb_pump":
            return clinical.itb_pump
        case other:
            raise ValueError(f"protocol {protocol.id} asks for the unknown clinical fact {other!r}")


def exclusions(protocols: Sequence[Protocol]) -> list[Problem]:
    """Why these cannot be followed together; the fields are those of a plan (`protocols[1]`)."""
    found: list[Problem] = []
    for place, protocol in enumerate(protocols):
        for earlier in protocols[:place]:
            if earlier.family == protocol.family:
                said = f"{earlier.id} and {protocol.id} are two versions of one protocol; choose one"
            elif protocol.family in earlier.excludes or earlier.family in protocol.excludes:
                said = f"{protocol.id} is an alternative to {earlier.id}; choose one"
            else:
                continue
            found.append(Problem(f"protocols[{place}]", said))
    return found


def warnings(protocols: Sequence[Protocol], clinical: Clinical) -> list[Problem]:
    """What these do together that nobody is likely to mean, though nothing forbids it."""
    found: list[Problem] = []
    used = [(place, p) for place, p in enumerate(protocols) if fits(p, clinical)]
    for place, protocol in enumerate(protocols):
        if not fits(protocol, clinical):
            said = f"{protocol.id} is for patients with {protocol.applies_if}: it will do nothing for this one"
            found.append(Problem(f"protocols[{place}]", said))
    main = [(place, p, s) for place, p in used for s in p.steps if isinstance(s, Checkin) and not s.joins]
    sessions = any(isinstance(step, Checkin) for _, p in used for step in p.steps)
    for place, protocol in used:
        asked = [step.key for step in protocol.steps if isinstance(step, Question)]
        if asked and not sessions:
            said = f"{protocol.id} asks {', '.join(asked)} within a check-in, and no protocol chosen has check-ins"
            found.append(Problem(f"protocols[{place}]", said))
        extra = [step.key for step in protocol.steps if isinstance(step, Checkin) and step.joins]
        if extra and not main:
            said = f"{protocol.id} adds {', '.join(extra)} to check-ins, and no other protocol chosen has any"
            found.append(Problem(f"protocols[{place}]", said))
    for place, protocol, step in main[1:]:
        first = f"{main[0][1].id}/{main[0][2].key}"
        found.append(
            Problem(f"protocols[{place}]", f"{protocol.id}/{step.key} checks in besides {first}: both will be sent")
        )
    return found
