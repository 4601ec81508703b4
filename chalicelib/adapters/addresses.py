"""What is known of one address at one clinic: whose it is, and what it said or showed of itself.

Addresses are found by a keyed hash and never stored in a key. E-mail addresses count as the same in any case of their
letters: a mailbox that tells them apart has not been seen, a list that mixes them up has.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

from chalicelib.adapters import keys
from chalicelib.adapters.table import (
    Any,
    Change,
    Check,
    Condition,
    Is,
    IsNot,
    Item,
    Key,
    Lacks,
    Operation,
    Put,
    Remove,
    Table,
)
from chalicelib.domain.facts import Facts
from chalicelib.domain.local_time import utc_text
from chalicelib.domain.patient import Category, Channel, Contact, ContactStatus, Standing

_SPOKEN: Condition = Any(Is("status", "stopped"), Is("status", "bad"), Is("status", "wrong_person"))

_WHEN: Mapping[ContactStatus, Condition] = {
    ContactStatus.STOPPED: IsNot("status", "stopped"),
    ContactStatus.WRONG_PERSON: IsNot("status", "wrong_person"),
    # That nothing arrives takes no STOP back.
    ContactStatus.BAD: Any(Lacks("status"), Is("status", "ok")),
    ContactStatus.OK: _SPOKEN,
}
"""From where an address may come to be so: what stands already is not begun anew."""

_FREE: Condition = Any(Lacks("status"), Is("status", "ok"))


class Addresses:
    def __init__(self, table: Table, hash_address: Callable[[str], str]) -> None:
        self._table = table
        self._hash = hash_address

    def partition(self, clinic_id: str, address: str) -> str:
        return keys.address(clinic_id, self._hash(address.casefold()))

    def patients_of(self, clinic_id: str, address: str) -> list[str]:
        rows = self._rows(clinic_id, address)
        return sorted({str(row["patient"]) for row in rows if "patient" in row})

    def standing(self, clinic_id: str, address: str) -> Standing:
        found = self._table.get(self._key(clinic_id, address))
        if found is None:
            return Standing()
        muted = tuple(c for c in Category if _off(c) in found)
        return Standing(
            status=ContactStatus(str(found.get("status", "ok"))), muted=muted, times=int(str(found.get("times", 0)))
        )

    def mark(
        self,
        clinic_id: str,
        address: str,
        status: ContactStatus,
        at: datetime,
        *,
        only_from: ContactStatus | None = None,
    ) -> None:
        when = Is("status", only_from.value) if only_from else _WHEN[status]
        self._table.write(self._marked(clinic_id, address, status, at, when))

    def mute(self, clinic_id: str, address: str, categories: Collection[Category], *, on: bool) -> None:
        """`on`: the categories are wanted again."""
        key, names = self._key(clinic_id, address), [_off(c) for c in categories]
        change = Change(key, drop=names) if on else Change(key, put=dict.fromkeys(names, True))
        self._table.write(change)

    # what goes into others' transactions

    def items(self, facts: Facts) -> list[Item]:
        """How each address of a patient's leads back to the patient."""
        return [
            {
                "pk": self.partition(facts.clinic.id, c.address),
                "sk": f"{facts.patient.id}#{c.id}",
                "clinic": facts.clinic.id,
                "patient": facts.patient.id,
            }
            for c in facts.contacts
        ]

    def fences(self, old: Facts | None, new: Facts) -> Iterator[Check]:
        """Contacts that come to be written to only if their address does not forbid it in this very moment: a STOP
        that is faster than its own patient's enrolment holds."""
        held = {(c.channel, c.address) for c in old.contacts if c.status is ContactStatus.OK} if old else set()
        begun = [c for c in new.contacts if c.status is ContactStatus.OK and (c.channel, c.address) not in held]
        addresses = dict.fromkeys(self._key(new.clinic.id, c.address) for c in begun)
        return (Check(key, _FREE) for key in addresses)

    def differences(self, old: Facts, new: Facts) -> Iterator[Operation]:
        yield from self.fences(old, new)
        held, kept = self.items(old), self.items(new)
        yield from (Put(item) for item in kept if item not in held)
        yield from (Remove(Key.of(item)) for item in held if item not in kept)

    def held_back(self, clinic_id: str, contact: Contact, at: datetime) -> Change:
        """The address as a hash, held as if it had said STOP."""
        return self._marked(clinic_id, contact.address, ContactStatus.STOPPED, at, None)

    def gone(self, facts: Facts) -> Iterator[Key]:
        """What goes with a patient who is forgotten: the way back to them, and what waits to be told whose it is."""
        yield from (Key.of(item) for item in self.items(facts))
        numbers = {c.address for c in facts.contacts if c.channel is Channel.SMS}
        yield from (Key(self.partition(facts.clinic.id, n), keys.WAITING) for n in sorted(numbers))

    def _marked(
        self, clinic_id: str, address: str, status: ContactStatus, at: datetime, when: Condition | None
    ) -> Change:
        put = {"clinic": clinic_id, "status": status.value, "at": utc_text(at)}
        return Change(self._key(clinic_id, address), put=put, add={"times": 1}, when=when)

    def _key(self, clinic_id: str, address: str) -> Key:
        return Key(self.partition(clinic_id, address), keys.STANDING)

    def _rows(self, clinic_id: str, address: str) -> Iterator[Item]:
        start = None
        while True:
            page = self._table.query(self.partition(clinic_id, address), start=start, consistent=True)
            yield from page.items
            start = page.next
            if start is None:
                return


def _off(category: Category) -> str:
    return f"off_{category.value}"
