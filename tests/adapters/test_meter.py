"""The bill, item by item, against figures AWS documents or that were captured on real DynamoDB."""

import pytest

from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.meter import Meter, item_bytes, read_units, value_bytes
from chalicelib.adapters.table import Absent, Change, Check, Is, Key, Present, Put, Remove, Written

A, B = Key("p", "a"), Key("p", "b")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 2),
        ("中", 3),
        ("🙂", 4),
        (True, 1),
        (None, 1),
        (0, 1),
        (7, 2),
        (10, 2),
        (12, 2),
        (100, 2),
        (123, 3),
        (120, 3),
        (1200, 2),
        (-7, 3),
        (1_772_355_600, 5),
        (10**37 + 1, 20),
        ([], 3),
        ({}, 3),
        (["ab", 1], 3 + 2 + 2 + 2),
        ({"k": "ab"}, 3 + 1 + 1 + 2),
        ([[None]], 3 + 1 + 3 + 1 + 1),
    ],
)
def test_a_value_takes_the_bytes_dynamodb_says(value, size: int):
    assert value_bytes(value) == size


def test_names_count_in_bytes_too():
    assert item_bytes({"pk": "p", "é": "é"}) == 2 + 1 + 2 + 2


def test_six_hundred_accented_letters_are_two_units_not_one():
    """An emulator that counts characters says 1."""
    assert _bill(Put(_item(A, t="é" * 600))) == 2


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [
        (0, True, 1),
        (0, False, 0.5),
        (1, True, 1),
        (4096, True, 1),
        (4097, True, 2),
        (4097, False, 1),
        (250 * 118, False, 4),
    ],
)
def test_reads_round_up_to_four_kilobytes(size: int, consistent: bool, units: float):
    assert read_units(size, consistent=consistent) == units


def _item(key: Key, **attributes: object) -> dict:
    return {"pk": key.pk, "sk": key.sk, **attributes}


def _due(key: Key, at: str = "1", **attributes: object) -> dict:
    return _item(key, due_pk="D", due_sk=at, clinic="c", seq=1, **attributes)


def _bill(*operations, before: tuple[dict, ...] = ()) -> int:
    meter = Meter()
    table = MemoryTable(meter=meter)
    for item in before:
        table.write(Put(item))
    meter.reset()
    table.write(*operations)
    return meter.wru


KILOBYTE = {"note": "x" * 1100}

# In each: (what, operations, what stood before, units). "1+2" in a name is the table's share + the indexes'.
BILLS = [
    ("enrol 1+1", [Put(_due(A))], (), 2),
    (
        "claim and advance 1+2: the moved key is a delete and a put",
        [Change(A, put={"due_sk": "2"}, add={"seq": 1})],
        (_due(A),),
        3,
    ),
    (
        "the same in a transaction 2+2: an index costs no more there",
        [Change(A, put={"due_sk": "2"}), Check(B, Absent())],
        (_due(A),),
        4 + 2,
    ),
    ("pause 1+1: out of the index", [Change(A, drop=["due_pk", "due_sk"])], (_due(A),), 2),
    ("an edit of what no index holds 1+0", [Change(A, put={"note": "n"})], (_due(A),), 1),
    ("an edit in place of what an index holds 1+1", [Change(A, add={"seq": 1})], (_due(A),), 2),
    ("an identical overwrite 1+0", [Put(_due(A))], (_due(A),), 1),
    ("an outcome 1", [Put(_item(A, state="sent"))], (), 1),
    ("a removal leaves the index too 1+1", [Remove(A)], (_due(A),), 2),
    ("removing nothing 1", [Remove(A)], (), 1),
    ("larger before 2", [Put(_item(A))], (_item(A, **KILOBYTE),), 2),
    ("larger after 2", [Put(_item(A, **KILOBYTE))], (_item(A),), 2),
    ("the view is small though the item is not 2+1", [Put(_due(A, **KILOBYTE))], (), 3),
    (
        "an index of everything pays for everything 2+2",
        [Put(_item(A, work_pk="W", work_sk="1", **KILOBYTE))],
        (),
        4,
    ),
    ("a failed condition still costs the write 1", [Change(A, put={"x": 1}, when=Absent())], (_due(A),), 1),
    ("a failed put costs the larger 2", [Put(_item(A, **KILOBYTE), when=Absent())], (_item(A),), 2),
    (
        "a cancelled transaction costs both phases of all of it 2+2",
        [Put(_due(A)), Change(B, put={"x": 1}, when=Present())],
        (),
        4,
    ),
    ("a check alone 2", [Check(A, Absent())], (), 2),
]


@pytest.mark.parametrize(("operations", "before", "units"), [row[1:] for row in BILLS], ids=[r[0] for r in BILLS])
def test_a_write_is_billed_as_dynamodb_does(operations, before, units: int):
    assert _bill(*operations, before=before) == units


def test_a_query_of_two_hundred_and_fifty_due_references_is_four_read_units():
    meter = Meter()
    table = MemoryTable(meter=meter)
    for n in range(250):
        view = {"pk": f"patient{n:05}", "sk": "cursor", "due_pk": "D", "due_sk": f"{n:05}", "lane": ""}
        view["lane"] = "l" * (118 - item_bytes(view))
        table.write(Put(view | {"name": "outside the projection" * 20}))
    meter.reset()
    assert len(table.query("D", index="due").items) == 250
    assert meter.rru == 4.0
    assert meter.calls == {"Query": 1}


def test_calls_and_units_are_kept_by_operation():
    meter = Meter()
    table = MemoryTable(meter=meter)
    assert isinstance(table.write(Put(_item(A))), Written)
    table.write(Change(A, put={"x": 1}, when=Is("x", 2)))
    table.write(Put(_item(B)), Check(A, Present()))
    table.get(A)
    table.get(A, consistent=False)
    table.get(Key("p", "nobody"))
    table.get_many([Key("p", str(n)) for n in range(150)])
    table.query("p", consistent=True)
    assert meter.calls == {
        "PutItem": 1,
        "UpdateItem": 1,
        "TransactWriteItems": 1,
        "GetItem": 3,
        "BatchGetItem": 2,
        "Query": 1,
    }
    assert meter.wru_by == {"PutItem": 1, "UpdateItem": 1, "TransactWriteItems": 4}
    assert meter.rru_by == {"GetItem": 2.5, "BatchGetItem": 150, "Query": 1}
    assert (meter.wru, meter.rru) == (6, 153.5)
