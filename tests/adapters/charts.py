"""Charts to try a store with, and the store as another process would have it."""

from datetime import timedelta

from chalicelib.adapters.library import protocols
from chalicelib.adapters.store import TableStore
from chalicelib.adapters.table import Table
from chalicelib.domain.cursor import Cursor
from chalicelib.domain.decision import decide
from chalicelib.domain.replan import replanned
from chalicelib.service.chart import Audit, Chart, Reference
from tests.service.ward import ANA, CLINIC, MONDAY, SHARDS

AUDIT = Audit(id="audit1", clinic_id=CLINIC, at=MONDAY, actor="key", action="test")
SOON = MONDAY + timedelta(hours=1)
FAR = MONDAY + timedelta(days=999)


def another(table: Table) -> TableStore:
    """The same table as another process sees it."""
    return TableStore(table, protocols(), hashed, shards=SHARDS)


def hashed(number: str) -> str:
    return f"hash-of-{number[-4:]}"


def enrolled(store, facts) -> Chart:
    planned, cursor = replanned(None, facts, None, MONDAY)
    assert store.enrol(Chart(facts=planned, cursor=cursor), "digest", (), (), AUDIT)
    return read(store, facts.patient.id)


def read(store, patient_id: str = ANA) -> Chart:
    found = store.chart(CLINIC, patient_id, now=MONDAY)
    assert found is not None
    return found


def reference(chart: Chart) -> Reference:
    assert chart.cursor.due is not None
    return Reference(
        clinic_id=chart.facts.clinic.id, patient_id=chart.facts.patient.id, seq=chart.cursor.seq, due=chart.cursor.due
    )


def everything_due(store, upto=FAR, after=None, limit=100) -> list[Reference]:
    return [r for shard in range(SHARDS) for r in store.due(shard, after, upto, limit=limit)]


def claim(chart: Chart, token: str = "mine") -> Cursor:
    """The cursor as a claim of what is due at SOON would leave it."""
    decided = decide(chart.facts, chart.cursor, SOON, token)
    assert isinstance(decided, tuple)
    return decided[1]
