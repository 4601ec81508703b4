"""The table's shape as data: what provisioning creates, memory imitates and the meter prices."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.adapters.table import PK, SK, Invalid, Item

TTL = "ttl"
"""Epoch seconds after which DynamoDB deletes the item of itself, typically within two days: housekeeping
only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A sparse index: an item without both key attributes is not in it, and costs it nothing."""

    name: str
    pk: str
    sk: str
    projects: tuple[str, ...] | None = None
    """The attributes carried besides all keys; None for every attribute."""

    def view(self, item: Item | None) -> Item | None:
        """The item as the index stores it, or None where it does not.

        Raises `Invalid` for an index key that is not a non-empty string: DynamoDB refuses the whole write
        then.
        """
        if item is None:
            return None
        keys = [item[name] for name in (self.pk, self.sk) if name in item]
        if not all(isinstance(key, str) and key for key in keys):
            raise Invalid(f"the keys of index {self.name} must be non-empty strings")
        if len(keys) < 2:
            return None
        if self.projects is None:
            return item
        kept = (PK, SK, self.pk, self.sk, *self.projects)
        return {name: item[name] for name in kept if name in item}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    indexes: tuple[Index, ...]

    def index(self, name: str) -> Index:
        for index in self.indexes:
            if index.name == name:
                return index
        raise Invalid(f"no index {name}")


DUE = Index(
    name="due",
    pk="due_pk",
    sk="due_sk",
    # What a reference needs beside its key and no more: a change outside these costs this index nothing, and 250 due
    # fit 4 RRU.
    projects=("seq", "lane"),
)
WORK = Index(name="work", pk="work_pk", sk="work_sk")
ROSTER = Index(
    name="roster",
    pk="roster_pk",
    sk="roster_sk",
    projects=("clinic", "patient", "status", "name", "external_id", "pauses"),
)
SCHEMA = Schema(indexes=(DUE, WORK, ROSTER))


def create_table_request(name: str, schema: Schema = SCHEMA) -> dict[str, object]:
    """The arguments of DynamoDB's CreateTable. TTL, recovery and encryption are switched on by other calls,
    which the deployed table's template makes."""
    attributes = [PK, SK, *(attr for index in schema.indexes for attr in (index.pk, index.sk))]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": attr, "AttributeType": "S"} for attr in attributes],
        "KeySchema": _keys(PK, SK),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.name,
                "KeySchema": _keys(index.pk, index.sk),
                "Projection": _projection(index),
            }
            for index in schema.indexes
        ],
    }


def _keys(pk: str, sk: str) -> list[Mapping[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]


def _projection(index: Index) -> dict[str, object]:
    if index.projects is None:
        return {"ProjectionType": "ALL"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.projects)}
