"""What the store may rely on, held against memory and DynamoDB alike."""

import json

import pytest

from chalicelib.adapters.table import (
    Absent,
    All,
    Any,
    AtLeast,
    AtMost,
    Change,
    Check,
    Invalid,
    Is,
    IsNot,
    Key,
    Lacks,
    Present,
    Put,
    Refused,
    Remove,
    Table,
    Written,
)

from .conftest import seed

A, B, C = Key("p", "a"), Key("p", "b"), Key("p", "c")


def item(key: Key, **attributes: object) -> dict:
    return {"pk": key.pk, "sk": key.sk, **attributes}


def due(key: Key, at: str, **more: object) -> dict:
    return item(key, due_pk="D#1", due_sk=at, clinic="c", patient=key.sk, seq=1, **more)


def walk(table: Table, pk: str, **query: object) -> list[list[str]]:
    """The sort keys of every page, resumed through JSON as a web cursor would be."""
    pages, start = [], None
    while True:
        page = table.query(pk, start=start, **query)
        pages.append([found["sk"] for found in page.items])
        if page.next is None:
            return pages
        start = json.loads(json.dumps(page.next))


# Values


def test_every_kind_of_value_comes_back_as_it_went_in(table: Table):
    whole = item(
        A,
        text="né 中 \u0000",
        empty="",
        number=-(10**37),
        zero=0,
        yes=True,
        no=False,
        nothing=None,
        items=[1, "1", True, None, [], {}],
        nested={"a.b": {"c": [{"d": 1}]}},
    )
    assert table.write(Put(whole)) == Written(items=(whole,))
    found = table.get(A)
    assert found == whole
    assert found["yes"] is True
    assert type(found["items"][0]) is int


@pytest.mark.parametrize("value", [1.5, b"raw", {1, 2}, 10**38, [1.5], {"deep": 0.1}])
def test_what_the_table_cannot_hold_is_refused(table: Table, value: object):
    with pytest.raises(Invalid):
        table.write(Put(item(A, value=value)))
    assert table.get(A) is None


def test_callers_and_table_share_no_memory(table: Table):
    mine = item(A, answers=["1"])
    table.write(Put(mine))
    mine["answers"].append("2")
    table.get(A)["answers"].append("3")
    assert table.get(A)["answers"] == ["1"]


def test_names_that_dynamodb_reserves_or_parses_are_only_names(table: Table):
    names = {"shard": 1, "status": 2, "name": 3, "a.b": 4, "x[0]": 5, "#": 6, ":v": 7}
    table.write(Put(item(A, **names)))
    table.write(Change(A, put={"shard": 10}, add={"a.b": 1}, drop=["x[0]"], when=Is("status", 2)))
    assert table.get(A) == item(A, shard=10, status=2, name=3, **{"a.b": 5, "#": 6, ":v": 7})


# Operations


def test_a_put_replaces_the_whole_item(table: Table):
    seed(table, item(A, old=1), item(A, new=2))
    assert table.get(A) == item(A, new=2)


def test_a_change_creates_puts_adds_and_drops_and_tells_the_result(table: Table):
    first = table.write(Change(A, put={"state": "new"}, once={"born": 1}, add={"count": 2}))
    assert first == Written(items=(item(A, state="new", born=1, count=2),))
    second = table.write(Change(A, once={"born": 9}, add={"count": -5}, drop=["state", "never"]))
    assert second == Written(items=(item(A, born=1, count=-3),))
    assert table.get(A) == item(A, born=1, count=-3)


def test_what_is_put_once_stays_even_when_it_is_nothing(table: Table):
    seed(table, item(A, at=None))
    table.write(Change(A, once={"at": 5}))
    assert table.get(A) == item(A, at=None)


def test_adding_to_what_is_no_number_is_refused_and_changes_nothing(table: Table):
    seed(table, item(A, count="one"))
    with pytest.raises(Invalid):
        table.write(Change(A, add={"count": 1}))
    with pytest.raises(Invalid):
        table.write(Put(item(B)), Change(A, add={"count": 1}))
    assert table.get(A) == item(A, count="one")
    assert table.get(B) is None


def test_removing_removes_and_removing_nothing_is_no_error(table: Table):
    seed(table, item(A))
    assert table.write(Remove(A)) == Written(items=(None,))
    assert table.write(Remove(A)) == Written(items=(None,))
    assert table.get(A) is None


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Change(A),
        lambda: Change(A, put={"x": 1}, drop=["x"]),
        lambda: Change(A, put={"x": 1}, add={"x": 1}),
        lambda: Change(A, put={"sk": "other"}),
        All,
        Any,
    ],
)
def test_an_operation_that_makes_no_sense_cannot_be_built(broken):
    with pytest.raises(Invalid):
        broken()


@pytest.mark.parametrize("key", [Key("", "a"), Key("p", "")])
def test_empty_keys_are_refused(table: Table, key: Key):
    with pytest.raises(Invalid):
        table.write(Put(item(key)))
    with pytest.raises(Invalid):
        table.write(Change(key, put={"x": 1}))
    with pytest.raises(Invalid):
        table.get(key)


def test_an_item_of_more_than_400_kb_is_refused(table: Table):
    table.write(Put(item(A, text="x" * 400_000)))
    with pytest.raises(Invalid):
        table.write(Put(item(A, text="x" * 409_600)))
    assert len(table.get(A)["text"]) == 400_000


# Conditions

STANDING = item(A, text="m", number=5, yes=True, nothing=None, box={"a": [1]})

CONDITIONS = [
    # condition, holds on STANDING, holds on no item
    (Absent(), False, True),
    (Present(), True, False),
    (Lacks("text"), False, True),
    (Lacks("other"), True, True),
    (Is("text", "m"), True, False),
    (Is("text", "n"), False, False),
    (Is("number", 5), True, False),
    (Is("number", "5"), False, False),
    (Is("yes", True), True, False),
    (Is("nothing", None), True, False),
    (Is("other", None), False, False),
    (Is("box", {"a": [1]}), True, False),
    (Is("box", {"a": [2]}), False, False),
    (IsNot("text", "m"), False, True),
    (IsNot("text", "n"), True, True),
    (IsNot("number", "5"), True, True),
    (IsNot("other", "n"), True, True),
    (AtMost("number", 4), False, False),
    (AtMost("number", 5), True, False),
    (AtMost("number", 6), True, False),
    (AtMost("text", "l"), False, False),
    (AtMost("text", "m"), True, False),
    (AtMost("text", "ma"), True, False),
    (AtLeast("number", 6), False, False),
    (AtLeast("number", 5), True, False),
    (AtLeast("number", 4), True, False),
    (AtLeast("text", "ma"), False, False),
    (AtLeast("text", "l"), True, False),
    (AtLeast("other", 0), False, False),
    (All(Present(), Is("number", 5)), True, False),
    (All(Present(), Is("number", 6)), False, False),
    (Any(Absent(), Is("number", 6)), False, True),
    (Any(Lacks("number"), AtMost("number", 5)), True, True),
    (All(Any(Is("text", "x"), Is("number", 5)), Any(Lacks("other"), Is("text", "x"))), True, False),
    (Any(All(Is("text", "m"), Is("number", 6)), All(Is("text", "x"), Is("number", 5))), False, False),
]


@pytest.mark.parametrize(("condition", "on_item", "on_none"), CONDITIONS, ids=str)
def test_a_condition_lets_through_what_it_says(table: Table, condition, on_item: bool, on_none: bool):
    seed(table, STANDING)
    for key, expected, current in ((A, on_item, STANDING), (B, on_none, None)):
        change = Change(key, put={"seen": 1}, when=condition)
        answer = table.write(change)
        if expected:
            assert answer == Written(items=({**(current or item(B)), "seen": 1},))
        else:
            assert answer == Refused(op=0, current=current)
            assert table.get(key) == current


@pytest.mark.parametrize(
    "operation",
    [
        Put(item(A, new=1), when=Absent()),
        Change(A, put={"new": 1}, when=Absent()),
        Remove(A, when=Absent()),
        Check(A, Absent()),
    ],
    ids=lambda op: type(op).__name__,
)
def test_every_operation_alone_is_refused_with_the_item_that_stood_in_the_way(table: Table, operation):
    seed(table, STANDING)
    assert table.write(operation) == Refused(op=0, current=STANDING)
    assert table.get(A) == STANDING


def test_a_check_alone_passes_and_writes_nothing(table: Table):
    seed(table, STANDING)
    assert table.write(Check(A, Present())) == Written(items=(None,))
    assert table.get(A) == STANDING


# Transactions


def test_a_transaction_does_all_of_it_and_tells_what_it_knows(table: Table):
    seed(table, item(A, n=1), item(B))
    answer = table.write(
        Change(A, add={"n": 1}, when=Is("n", 1)),
        Remove(B),
        Put(item(C, new=True), when=Absent()),
        Check(Key("q", "z"), Absent()),
    )
    assert answer == Written(items=(None, None, item(C, new=True), None))
    assert table.get_many([A, B, C]) == [item(A, n=2), None, item(C, new=True)]


@pytest.mark.parametrize("failing", [0, 1, 2, 3])
def test_a_cancelled_transaction_names_the_operation_and_changes_nothing(table: Table, failing: int):
    keys = [A, B, C, Key("q", "z")]
    seed(table, *(item(key, v=number) for number, key in enumerate(keys)))
    expected = [number + (number == failing) * 100 for number in range(4)]
    answer = table.write(
        Put(item(A, v=9), when=Is("v", expected[0])),
        Change(B, put={"v": 9}, when=Is("v", expected[1])),
        Remove(C, when=Is("v", expected[2])),
        Check(keys[3], Is("v", expected[3])),
    )
    assert answer == Refused(op=failing, current=item(keys[failing], v=failing))
    assert table.get_many(keys) == [item(key, v=number) for number, key in enumerate(keys)]


def test_of_two_failed_conditions_the_first_is_named(table: Table):
    seed(table, item(A))
    answer = table.write(Put(item(C)), Change(B, put={"x": 1}, when=Present()), Remove(A, when=Absent()))
    assert answer == Refused(op=1, current=None)


def test_a_transaction_touches_each_item_once(table: Table):
    with pytest.raises(Invalid):
        table.write(Put(item(A)), Check(A, Absent()))


def test_a_transaction_holds_a_hundred_operations_and_no_more(table: Table):
    many = [Put(item(Key("many", f"{n:03}"))) for n in range(101)]
    with pytest.raises(Invalid):
        table.write(*many)
    with pytest.raises(Invalid):
        table.write()
    assert table.query("many").items == ()
    assert isinstance(table.write(*many[:100]), Written)
    assert len(table.query("many").items) == 100


# Reading


def test_many_are_read_in_the_order_asked_repeats_and_gaps_included(table: Table):
    keys = [Key("many", f"{n:03}") for n in range(230)]
    for first in range(0, 230, 100):
        table.write(*(Put(item(key)) for key in keys[first : first + 100] if key != keys[7]))
    asked = [*reversed(keys), keys[3], keys[3], keys[7]]
    assert table.get_many(asked) == [None if key == keys[7] else item(key) for key in asked]
    assert table.get_many([]) == []


ROWS = ["a", "b#1", "b#2", "b#3", "b$", "c", "é", "中", "🙂"]

RANGES = [
    ({}, ROWS),
    ({"prefix": "b#"}, ["b#1", "b#2", "b#3"]),
    ({"prefix": "x"}, []),
    ({"prefix": "中"}, ["中"]),
    ({"after": "b#1"}, ["b#2", "b#3", "b$", "c", "é", "中", "🙂"]),
    ({"after": "b"}, ["b#1", "b#2", "b#3", "b$", "c", "é", "中", "🙂"]),
    ({"upto": "b#2"}, ["a", "b#1", "b#2"]),
    ({"upto": "b"}, ["a"]),
    ({"after": "b#1", "upto": "b$"}, ["b#2", "b#3", "b$"]),
    ({"after": "a", "upto": "c"}, ["b#1", "b#2", "b#3", "b$", "c"]),
    ({"after": "c", "upto": "c"}, []),
    ({"after": "d", "upto": "c"}, []),
]


@pytest.mark.parametrize(("bounds", "expected"), RANGES)
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [None, 1, 2, 3])
def test_a_range_is_read_in_order_whatever_the_pages(table: Table, bounds, expected, forward, limit):
    seed(table, *(item(Key("p", row)) for row in ROWS), item(Key("q", "b#9")))
    pages = walk(table, "p", forward=forward, limit=limit, **bounds)
    assert [sk for page in pages for sk in page] == (expected if forward else expected[::-1])
    assert all(len(page) <= (limit or 99) for page in pages)


@pytest.mark.parametrize(
    "bounds", [{"prefix": "a", "after": "a"}, {"prefix": "a", "upto": "a"}, {"limit": 0}]
)
def test_a_query_that_makes_no_sense_is_refused(table: Table, bounds):
    with pytest.raises(Invalid):
        table.query("p", **bounds)


def test_a_page_ends_at_one_megabyte(table: Table):
    for n in range(5):
        table.write(Put(item(Key("big", str(n)), text="x" * 300_000)))
    assert walk(table, "big", consistent=True) == [["0", "1", "2"], ["3", "4"]]


# Indexes


def test_an_index_holds_only_items_with_both_its_keys(table: Table):
    seed(
        table,
        due(A, "2026-03-01"),
        item(B, due_pk="D#1"),
        item(C, due_sk="2026-03-01"),
        item(Key("p", "d"), clinic="c"),
    )
    assert [found["sk"] for found in table.query("D#1", index="due").items] == ["a"]


def test_an_index_answers_with_what_it_projects(table: Table):
    everything = {"clinic": "c", "patient": "x", "seq": 1, "rev": 2, "lane": "l", "kind": "k"}
    names = {"status": "active", "name": "N", "external_id": "E"}
    keys = {"due_pk": "D", "due_sk": "1", "work_pk": "W", "work_sk": "2", "roster_pk": "R", "roster_sk": "3"}
    whole = item(A, **everything, **names, **keys, secret="s", box={"a": 1})
    seed(table, whole)
    (found,) = table.query("D", index="due").items
    assert found == item(A, due_pk="D", due_sk="1", **everything)
    (found,) = table.query("W", index="work").items
    assert found == whole
    (found,) = table.query("R", index="roster").items
    assert found == item(A, roster_pk="R", roster_sk="3", clinic="c", patient="x", **names)


def test_an_item_moves_on_the_index_with_its_key_and_leaves_it_without(table: Table):
    seed(table, due(A, "2026-03-01"), due(B, "2026-03-02"))
    table.write(Change(A, put={"due_sk": "2026-03-03"}))
    assert walk(table, "D#1", index="due") == [["b", "a"]]
    table.write(Change(A, put={"due_pk": "D#2"}))
    assert walk(table, "D#1", index="due") == [["b"]]
    assert walk(table, "D#2", index="due") == [["a"]]
    table.write(Change(A, drop=["due_pk", "due_sk"]), Remove(B))
    assert walk(table, "D#1", index="due") == walk(table, "D#2", index="due") == [[]]
    table.write(Change(A, put={"due_pk": "D#1", "due_sk": "2026-03-04"}))
    assert walk(table, "D#1", index="due") == [["a"]]


def test_a_replaced_item_leaves_the_index_if_the_new_one_has_no_key(table: Table):
    seed(table, due(A, "1"), item(A))
    assert walk(table, "D#1", index="due") == [[]]


@pytest.mark.parametrize("forward", [True, False])
def test_the_due_window_is_open_at_its_start_closed_at_its_end_and_pages(table: Table, forward: bool):
    seed(table, *(due(Key(f"patient{n}", "cursor"), f"2026-03-01T09:{n:02}") for n in range(10)))
    seen, start = [], None
    while True:
        page = table.query(
            "D#1",
            index="due",
            after="2026-03-01T09:02",
            upto="2026-03-01T09:07",
            limit=2,
            start=start,
            forward=forward,
        )
        seen += [found["due_sk"][-2:] for found in page.items]
        if (start := page.next) is None:
            break
    expected = ["03", "04", "05", "06", "07"]
    assert seen == (expected if forward else expected[::-1])


def test_items_under_one_index_key_are_all_found_page_by_page(table: Table):
    seed(table, *(due(Key(f"patient{n}", "cursor"), "2026-03-01T09:00") for n in range(5)))
    seen, start = [], None
    while True:
        page = table.query("D#1", index="due", limit=2, start=start)
        seen += [found["pk"] for found in page.items]
        if (start := page.next) is None:
            break
    assert sorted(seen) == [f"patient{n}" for n in range(5)]


def test_an_index_knows_no_consistent_read_and_no_other_name(table: Table):
    with pytest.raises(Invalid):
        table.query("D#1", index="due", consistent=True)
    with pytest.raises(Invalid):
        table.query("D#1", index="nonesuch")


def test_an_empty_index_key_is_refused(table: Table):
    with pytest.raises(Invalid):
        table.write(Put(due(A, "")))
    assert table.get(A) is None


# The fence


def test_of_two_claims_of_one_sequence_number_one_wins_and_the_other_learns_whose_it_is(table: Table):
    seed(table, due(A, "1", rev=1, in_flight=None))
    claims = [
        Change(
            A,
            put={"in_flight": {"token": token}, "due_sk": "2"},
            add={"seq": 1},
            when=All(Is("seq", 1), Is("rev", 1)),
        )
        for token in ("mine", "theirs")
    ]
    won, lost = (table.write(claim) for claim in claims)
    assert isinstance(won, Written)
    assert won.items[0]["seq"] == 2
    assert isinstance(lost, Refused)
    assert lost.current["in_flight"] == {"token": "mine"}
