"""What DynamoDB documents and its mock does not do, so that only memory can be asked."""

import threading

import pytest

from bench.agenda import calls
from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.table import (
    AtLeast,
    AtMost,
    Change,
    Invalid,
    Is,
    IsNot,
    Key,
    Put,
    Refused,
    Remove,
    Written,
)

from .conftest import seed

A, B = Key("p", "a"), Key("p", "b")


def item(key: Key, **attributes: object) -> dict:
    return {"pk": key.pk, "sk": key.sk, **attributes}


@pytest.mark.parametrize(
    "condition",
    [
        Is("yes", 1),
        Is("number", True),
        Is("box", {"a": [True]}),
        AtMost("number", "9"),
        AtMost("yes", 9),
        AtLeast("text", 0),
    ],
    ids=str,
)
def test_values_of_two_kinds_are_never_equal_nor_in_order(condition):
    table = MemoryTable()
    standing = item(A, text="m", number=1, yes=True, box={"a": [1]})
    seed(table, standing)
    assert table.write(Remove(A, when=condition)) == Refused(op=0, current=standing)


def test_true_differs_from_one():
    table = MemoryTable()
    seed(table, item(A, yes=True))
    assert isinstance(table.write(Remove(A, when=IsNot("yes", 1))), Written)


def test_an_item_holds_exactly_400_kb():
    table = MemoryTable()
    names = len("pk" + "p" + "sk" + "a" + "text")
    table.write(Put(item(A, text="x" * (400 * 1024 - names))))
    with pytest.raises(Invalid):
        table.write(Change(A, put={"n": None}))
    with pytest.raises(Invalid):
        table.write(Put(item(A, text="x" * (400 * 1024 - names + 1))))
    assert "n" not in table.get(A)


def test_a_transaction_holds_4_mb():
    table = MemoryTable()
    with pytest.raises(Invalid):
        table.write(*(Put(item(Key("p", str(n)), text="x" * 390_000)) for n in range(11)))
    assert len(table) == 0


@pytest.mark.parametrize("value", [5, None, True, "", ["x"]])
def test_an_index_key_must_be_a_string_for_the_write_to_pass(value: object):
    table = MemoryTable()
    for op in (Put(item(A, due_pk="D", due_sk=value)), Change(A, put={"due_sk": value})):
        with pytest.raises(Invalid):
            table.write(Put(item(B)), op)
    assert len(table) == 0


def test_a_change_that_fails_half_way_changes_nothing():
    table = MemoryTable()
    seed(table, item(A, count="one"))
    with pytest.raises(Invalid):
        table.write(Put(item(B)), Change(A, put={"other": 1}, add={"count": 1}))
    assert list(table.items()) == [item(A, count="one")]


def test_a_cursor_of_another_partition_is_refused():
    """The tenant wall: a cursor that went through a browser must not read somebody else's items."""
    table = MemoryTable()
    seed(table, item(Key("clinic1", "a")), item(Key("clinic1", "b")), item(Key("clinic2", "a")))
    cursor = table.query("clinic1", limit=1).next
    with pytest.raises(Invalid):
        table.query("clinic2", start=cursor)
    with pytest.raises(Invalid):
        table.query("clinic1", start={"pk": "clinic1"})


def test_a_page_that_stops_at_its_limit_points_on_even_at_the_end():
    table = MemoryTable()
    seed(table, item(A))
    page = table.query("p", limit=1)
    assert page.next is not None
    assert table.query("p", limit=1, start=page.next).items == ()
    assert table.query("p", limit=2).next is None


def test_expiry_removes_what_is_over_and_its_index_entries():
    table = MemoryTable()
    seed(table, item(A, ttl=100, due_pk="D", due_sk="1"), item(B, ttl=101), item(Key("p", "c")))
    assert table.expire(101) == 1
    assert [found["sk"] for found in table.items()] == ["b", "c"]
    assert table.query("D", index="due").items == ()


def test_threads_that_race_for_one_claim_leave_one_winner_and_lose_no_count():
    table = MemoryTable()
    seed(table, item(A, seq=0, tries=0))
    won: list[int] = []

    def race(me: int) -> None:
        for seq in range(50):
            table.write(Change(A, add={"tries": 1}))
            if isinstance(table.write(Change(A, put={"seq": seq + 1}, when=Is("seq", seq))), Written):
                won.append(me)

    threads = [threading.Thread(target=race, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert table.get(A)["tries"] == 400
    assert len(won) == table.get(A)["seq"] == 50


def test_a_query_costs_the_same_among_twenty_thousand_as_among_a_thousand():
    def filled(count: int) -> MemoryTable:
        table = MemoryTable()
        for n in range(count):
            table.write(Put(item(Key(f"patient{n}", "cursor"), due_pk=f"D#{n % 8}", due_sk=f"{n:07}")))
        return table

    def cost(table: MemoryTable) -> int:
        return calls(lambda: table.query("D#3", index="due", after="0000400", limit=10))

    assert cost(filled(20_000)) < 1.2 * cost(filled(1_000))
