from datetime import timedelta
from itertools import count

import pytest
from moto import mock_aws

from chalicelib.adapters import clients
from chalicelib.adapters.dynamo import DynamoTable
from chalicelib.adapters.memory import MemoryTable
from chalicelib.adapters.schema import create_table_request
from chalicelib.adapters.store import TableStore
from chalicelib.adapters.table import Put, Table, Written
from chalicelib.service.chart import Chart
from tests.service.ward import MONDAY, a_clinic, a_patient, a_visit, facts_of

from .charts import another, enrolled

AWS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
_names = (f"ranvier-{n}" for n in count())


def dynamo_table(client) -> DynamoTable:
    """A fresh table in the mocked AWS behind the client."""
    name = next(_names)
    client.create_table(**create_table_request(name))
    return DynamoTable(client, name)


@pytest.fixture(scope="module")
def dynamo():
    """A client in a mocked AWS. Made once for a module: a client costs more than a table."""
    with mock_aws():
        yield clients.dynamo_client(**AWS)


@pytest.fixture(params=["memory", "dynamo"])
def table(request: pytest.FixtureRequest):
    """The same contract on both; Table is all a test may use of it."""
    if request.param == "memory":
        return MemoryTable()
    return dynamo_table(request.getfixturevalue("dynamo"))


def seed(table: Table, *items: dict) -> None:
    for item in items:
        assert isinstance(table.write(Put(item)), Written)


@pytest.fixture
def store(table: Table) -> TableStore:
    return another(table)


@pytest.fixture
def clinic(store):
    made = a_clinic()
    assert store.create_clinic(made)
    return made


@pytest.fixture
def chart(store, clinic) -> Chart:
    return enrolled(store, facts_of(clinic, a_patient(), visits=[a_visit(MONDAY + timedelta(days=4, hours=2))]))
