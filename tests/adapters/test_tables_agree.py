"""Memory and DynamoDB, given the same random operations, answer alike at every step."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.table import (
    Absent,
    All,
    Any,
    AtLeast,
    AtMost,
    Change,
    Check,
    Is,
    IsNot,
    Key,
    Lacks,
    Present,
    Put,
    Remove,
)

from .conftest import dynamo_table

# Few keys and few values, so that operations meet.
KEYS = st.builds(Key, st.sampled_from(["p", "q"]), st.sampled_from(["a", "a#1", "a#2", "b", "é"]))
PLACES = st.sampled_from(["1", "2", "3"])
NUMBERS = st.integers(-3, 3)
TEXTS = st.sampled_from(["", "x", "y"])
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "n": NUMBERS,
        "t": TEXTS,
        "nothing": st.none(),
        "box": st.lists(NUMBERS, max_size=2),
        "clinic": TEXTS,
        "due_pk": st.sampled_from(["D", "E"]),
        "due_sk": PLACES,
        "work_pk": st.just("W"),
        "work_sk": PLACES,
    },
)
SIMPLE = st.one_of(
    st.builds(Absent),
    st.builds(Present),
    st.builds(Lacks, st.sampled_from(["n", "t", "due_pk"])),
    st.builds(Is, st.just("n"), NUMBERS),
    st.builds(Is, st.just("t"), TEXTS),
    st.builds(Is, st.just("box"), st.lists(NUMBERS, max_size=2)),
    st.builds(Is, st.just("nothing"), st.none()),
    st.builds(IsNot, st.just("n"), NUMBERS),
    st.builds(AtMost, st.just("n"), NUMBERS),
    st.builds(AtLeast, st.just("due_sk"), PLACES),
)
CONDITIONS = SIMPLE | st.builds(All, SIMPLE, SIMPLE) | st.builds(Any, SIMPLE, SIMPLE)
WHEN = st.none() | CONDITIONS


@st.composite
def changes(draw) -> Change:
    put = draw(ATTRIBUTES)
    once = {name: value for name, value in draw(ATTRIBUTES).items() if name not in put}
    left = [name for name in ("n", "t", "due_pk", "due_sk", "work_sk") if name not in put and name not in once]
    drop = draw(st.lists(st.sampled_from(left), unique=True)) if left else []
    add = {"count": draw(NUMBERS)}
    return Change(draw(KEYS), put=put, once=once, add=add, drop=drop, when=draw(WHEN))


OPERATIONS = st.one_of(
    st.builds(lambda key, more, when: Put({"pk": key.pk, "sk": key.sk, **more}, when), KEYS, ATTRIBUTES, WHEN),
    changes(),
    st.builds(Remove, KEYS, WHEN),
    st.builds(Check, KEYS, CONDITIONS),
)


class TablesAgree(RuleBasedStateMachine):
    def __init__(self, client) -> None:
        super().__init__()
        self.memory = MemoryTable()
        self.dynamo = dynamo_table(client)

    @rule(operations=st.lists(OPERATIONS, min_size=1, max_size=4, unique_by=lambda op: op.key))
    def the_same_write_has_the_same_answer(self, operations) -> None:
        assert self.memory.write(*operations) == self.dynamo.write(*operations)

    @rule(key=KEYS)
    def the_same_item_is_read(self, key: Key) -> None:
        assert self.memory.get(key) == self.dynamo.get(key)

    @rule(
        pk=st.sampled_from(["p", "q"]),
        bounds=st.sampled_from([{}, {"prefix": "a#"}, {"after": "a"}, {"upto": "a#2"}, {"after": "a#1", "upto": "b"}]),
        forward=st.booleans(),
        limit=st.none() | st.integers(1, 3),
    )
    def the_same_range_is_read(self, pk, bounds, forward, limit) -> None:
        query = {**bounds, "forward": forward, "limit": limit}
        assert everything(self.memory, pk, **query) == everything(self.dynamo, pk, **query)

    @rule(
        place=st.sampled_from([("due", "D"), ("due", "E"), ("work", "W")]),
        bounds=st.sampled_from([{}, {"after": "1"}, {"upto": "2"}, {"after": "1", "upto": "3"}]),
        forward=st.booleans(),
    )
    def the_same_index_is_read(self, place, bounds, forward) -> None:
        index, pk = place
        memory = everything(self.memory, pk, index=index, forward=forward, **bounds)
        dynamo = everything(self.dynamo, pk, index=index, forward=forward, **bounds)
        # Neither promises an order among items under one index key.
        assert [found[f"{index}_sk"] for found in memory] == [found[f"{index}_sk"] for found in dynamo]
        assert sorted(memory, key=Key.of) == sorted(dynamo, key=Key.of)

    @invariant()
    def the_index_in_memory_is_what_a_scan_would_find(self) -> None:
        scanned = [found["sk"] for found in self.memory.items() if found.get("due_pk") == "D" and "due_sk" in found]
        indexed = [found["sk"] for found in everything(self.memory, "D", index="due")]
        assert sorted(indexed) == sorted(scanned)


def everything(table, pk: str, **query) -> list:
    items, start = [], None
    while True:
        page = table.query(pk, start=start, **query)
        items += page.items
        if (start := page.next) is None:
            return items


def test_memory_and_dynamodb_agree_on_random_operations(dynamo):
    run_state_machine_as_test(
        lambda: TablesAgree(dynamo), settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )
