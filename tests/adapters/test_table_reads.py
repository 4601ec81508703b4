"""What the store may rely on when it reads, by key, by range and by index, held against memory and DynamoDB alike."""

import json

import pytest

from chalicelib.adapters.table import Change, Invalid, Key, Put, Remove, Table

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


# By key and range


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


@pytest.mark.parametrize("bounds", [{"prefix": "a", "after": "a"}, {"prefix": "a", "upto": "a"}, {"limit": 0}])
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
    reference = {"seq": 1, "lane": "l"}
    others = {"clinic": "c", "patient": "x", "rev": 2}
    names = {"status": "active", "name": "N", "external_id": "E"}
    keys = {"due_pk": "D", "due_sk": "1", "work_pk": "W", "work_sk": "2", "roster_pk": "R", "roster_sk": "3"}
    whole = item(A, **reference, **others, **names, **keys, secret="s", box={"a": 1})
    seed(table, whole)
    (found,) = table.query("D", index="due").items
    assert found == item(A, due_pk="D", due_sk="1", **reference)
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
