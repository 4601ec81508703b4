"""Whom a stage may contact: everybody, or in a sandbox those on its list alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from chalicelib.settings import OFF
from ops.stage import NotReady, Stage

ON = "on"
PROD = "prod"

_CONTACT = re.compile(r"\+[1-9][0-9]{6,14}|[^@\s,]+@[^@\s,]+\.[^@\s,]+")


@dataclass(frozen=True, slots=True)
class Sandbox:
    on: bool
    contacts: tuple[str, ...]

    @classmethod
    def of(cls, stage: Stage, asked: str | None, contacts: str | None) -> Self:
        """As asked; else as the stage is; else on, so that nobody is texted by a stage for trying things out, but for
        prod. Raises NotReady for what is no number and no address."""
        before = stage.settings().get("environment_variables", {})
        usual = OFF if stage.name == PROD else ON
        mode = asked or before.get("RANVIER_SANDBOX", usual)
        listed = before.get("RANVIER_SANDBOX_CONTACTS", "") if contacts is None else contacts
        found = tuple(filter(None, (each.strip() for each in listed.split(","))))
        for each in found:
            if not _CONTACT.fullmatch(each):
                raise NotReady(f"--contacts takes numbers like +12025550123 and e-mail addresses, not {each!r}")
        return cls(mode != OFF, found)

    def settings(self) -> Mapping[str, str]:
        return {"RANVIER_SANDBOX": ON if self.on else OFF, "RANVIER_SANDBOX_CONTACTS": ",".join(self.contacts)}

    def __str__(self) -> str:
        if not self.on:
            return "Sandbox: off. Whoever clinics enrol is contacted."
        reached = f"only {', '.join(self.contacts)}" if self.contacts else "nobody"
        return f"Sandbox: on. This stage contacts {reached}; --contacts=+1…,ana@… says whom, --sandbox=off lifts it."
