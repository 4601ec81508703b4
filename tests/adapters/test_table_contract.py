"""What the store may rely on, held against memory and DynamoDB alike."""

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
