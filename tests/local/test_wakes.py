"""At which minutes a polling function has anything to see."""

from local.clock import parse, wire
from local.schedules import parse_schedule
from local.wakes import Wakes

ENTRY = ("p#1", "cursor")


def wakes(**schedules):
    return Wakes({name: parse_schedule(text) for name, text in schedules.items()})


def runs(made, name, since, until):
    """When it would run, each run seeing what came up to it."""
    found, now = [], parse(since)
    while (at := made.next_run(name, now)) is not None and at <= parse(until):
        made.pollers[name].begins(at)
        found.append(wire(at)[11:16])
        now = at
    return found


def test_a_tick_comes_by_as_an_entry_enters_its_look_ahead_and_as_it_is_left_lying():
    made = wakes(tick="rate(1 minute)")
    made.written(ENTRY, ["2026-03-01T09:00:30Z#p1"])
    assert runs(made, "tick", "2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z") == ["08:58", "09:01", "09:21"]


def test_on_the_edge_of_a_minute_the_run_after_it_counts_too():
    made = wakes(tick="rate(1 minute)")
    made.written(ENTRY, ["2026-03-01T09:00:00Z#p1"])
    before_due = runs(made, "tick", "2026-03-01T08:00:00Z", "2026-03-01T08:59:00Z")
    assert before_due == ["08:57", "08:58"]


def test_a_slow_sweep_comes_by_only_for_what_is_overdue():
    made = wakes(sweep="rate(10 minutes)")
    made.written(ENTRY, ["2026-03-01T09:00:30Z#p1"])
    assert runs(made, "sweep", "2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z") == ["09:10", "09:30"]


def test_an_entry_that_has_moved_on_wakes_nobody_where_it_was():
    made = wakes(tick="rate(1 minute)")
    made.written(ENTRY, ["2026-03-01T09:00:30Z#p1"])
    made.written(ENTRY, ["2026-03-01T12:00:30Z#p1"])
    assert runs(made, "tick", "2026-03-01T08:00:00Z", "2026-03-01T11:58:00Z") == ["11:58"]
    made.written(ENTRY, [])
    assert runs(made, "tick", "2026-03-01T11:58:00Z", "2026-03-02T08:00:00Z") == []


def test_an_entry_written_late_is_looked_at_in_the_next_minute():
    made = wakes(tick="rate(1 minute)")
    made.written(ENTRY, ["2026-03-01T07:00:00Z"])
    assert runs(made, "tick", "2026-03-01T08:00:30Z", "2026-03-01T09:00:00Z") == ["08:01"]


def test_a_daily_function_comes_by_every_day_whatever_there_is():
    made = wakes(reconcile="cron(30 6 * * ? *)")
    assert runs(made, "reconcile", "2026-03-01T08:00:00Z", "2026-03-04T07:00:00Z") == ["06:30"] * 3


def test_sort_keys_without_an_instant_wake_nobody():
    made = wakes(tick="rate(1 minute)")
    made.written(ENTRY, ["Ruiz, Ana", "open#2026-03-01T09:00:00Z#urgent"])
    assert runs(made, "tick", "2026-03-01T08:00:00Z", "2026-03-01T08:59:00Z") == ["08:57", "08:58"]
