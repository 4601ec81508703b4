"""A release that plans differently: the first morning moves what is not yet sent, and only that."""

import re
from dataclasses import replace
from pathlib import Path

from chalicelib import wiring
from chalicelib.domain import ENGINE, ZONE_DATA
from chalicelib.service.chart import Audit
from local.world import World
from tests.journeys.clinics import Clinic


def test_cursors_of_an_older_engine_are_computed_anew_once():
    with World(start="2026-03-02T15:00:00Z") as world:
        clinic = Clinic(world)
        ana = clinic.enrol()
        world.advance("PT1M")
        before = clinic.timeline(ana)
        store = wiring.store()
        chart = store.chart(clinic.id, ana, now=world.now)
        older = replace(chart, cursor=replace(chart.cursor, computed_by="0/2020.1", rev=chart.cursor.rev + 1))
        audit = Audit(id="a", clinic_id=clinic.id, at=world.now, actor="test", action="test")
        assert store.commit(chart, older, audit=audit)
        world.run("reconcile")
        world.advance("PT1M")
        assert store.chart(clinic.id, ana, now=world.now).cursor.computed_by == ENGINE
        assert clinic.timeline(ana) == before
        assert clinic.heard() == ["welcome"]


def test_the_engine_names_the_zone_data_that_is_pinned():
    pinned = re.search(r"^tzdata==(.+)$", Path("requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned
    assert pinned[1] == ZONE_DATA
