"""A command's way into a stage: its settings and data, through the service's own parts, with its name in the audit."""

import os
from datetime import datetime

from chalicelib import wiring
from chalicelib.adapters.secrets import fresh_id
from chalicelib.domain.clinic import Retention
from chalicelib.domain.ids import ClinicId
from chalicelib.service.chart import Audit
from ops.account import Account, at_home
from ops.stage import NotReady, Stage

PLATFORM = ClinicId("platform")
"""Under whose audit stands what concerns no one clinic."""


class Inside:
    """Opened once a command. Raises NotReady where the stage was never provisioned, or is not here."""

    def __init__(self, stage: Stage, account: Account) -> None:
        at_home(stage, account.place())
        environment = stage.settings().get("environment_variables")
        if not environment:
            raise NotReady(f"stage {stage.name} was never provisioned from this checkout")
        os.environ.update(environment)
        wiring.forget()
        self.stage, self.account = stage, account
        who: str = account.client("sts").get_caller_identity()["Arn"]
        self.actor = f"ops:{who.rpartition(':')[2]}"

    @property
    def now(self) -> datetime:
        return wiring.now()

    def note(self, clinic: str, action: str, *, detail: str, reason: str = "", patient: str = "") -> None:
        """Audits what was just done."""
        known = wiring.store().clinic(clinic)
        wiring.ledger().note(
            Audit(
                id=fresh_id(),
                clinic_id=ClinicId(clinic),
                at=self.now,
                actor=self.actor,
                action=action,
                patient_id=patient,
                detail=detail,
                reason=reason,
            ),
            known.retention if known else Retention(),
        )
