"""A stranger drives a clinic's month with nothing but the published document.

Every address, method and body here is found in the document by what its summary says, and every answer is held to the
schema that stands there.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from local.gateway import Reply
from local.world import World


class Stranger:
    """Knows the document, the operator's token and how to speak HTTP."""

    def __init__(self, world: World) -> None:
        self.world, self.token = world, world.operator_token
        self.document = world.api("GET", "/openapi.json").json()
        self.operations: dict[str, tuple[str, str, dict[str, Any]]] = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def find(self, *words: str) -> str:
        """The one operation whose summary has all these words."""
        found = [
            name
            for name, (_, _, operation) in self.operations.items()
            if all(word.lower() in operation["summary"].lower() for word in words)
        ]
        assert len(found) == 1, (words, found)
        return found[0]

    def example(self, name: str) -> Any:
        content = self.operations[name][2]["requestBody"]["content"]
        return next(iter(content.values()))["examples"]["usual"]["value"]

    def do(self, name: str, body: Any = None, *, query: str = "", expect: int = 0, **ids: str) -> Any:
        method, path, operation = self.operations[name]
        address = re.sub(r"\{(\w+)\}", lambda m: ids[m[1]], path) + (f"?{query}" if query else "")
        kinds = list(operation.get("requestBody", {}).get("content", {"application/json": None}))
        if isinstance(body, str):
            headers = {"Content-Type": kinds[0]}
            reply = self.world.api(method, address, body=body.encode(), token=self.token, headers=headers)
        else:
            reply = self.world.api(method, address, json=body, token=self.token)
        assert str(reply.status.real) in operation["responses"], (name, reply.status, reply.body)
        assert reply.status == expect if expect else reply.status < 300, (name, reply.body)
        return self.held_to_schema(operation, reply)

    def held_to_schema(self, operation: dict[str, Any], reply: Reply) -> Any:
        content = operation["responses"][str(reply.status.real)].get("content")
        if not content:
            assert reply.body == b""
            return None
        kind = (reply.header("Content-Type") or "").partition(";")[0]
        assert kind in content, (kind, list(content))
        if not kind.endswith("json"):
            return reply.body.decode()
        said = json.loads(reply.body)
        schema = {**content[kind]["schema"], "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(said)
        return said


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with World("2026-03-02T15:00:00Z") as world:
        yield Stranger(world)


def test_a_stranger_drives_a_clinics_month(stranger: Stranger) -> None:
    s = stranger
    made = s.do("clinics_create", s.example("clinics_create"))
    key = s.do("clinics_create_key", s.example("clinics_create_key"), clinic_id=made["id"])
    s.token = key["token"]

    protocols = s.do(s.find("Follow-up protocols"))["items"]
    assert protocols
    ana = s.do("patients_enrol", s.example("patients_enrol"))
    assert ana["plan"]["steps"]
    assert s.do("patients_enrol", s.example("patients_enrol"))["id"] == ana["id"], "200, the same patient"

    sheet = "external_id,given_name,family_name,phone,injury_date,sms_consent\n"
    sheet += "".join(
        f"M{n},Given,Family{n},(202) 555-01{n:02d},1/{n + 1}/2026,yes\n" for n in range(40, 45) for n in [n - 40]
    )
    checked = s.do("imports_upload", sheet, query="dry_run=true")
    assert (checked["valid"], checked["errors"]) == (5, [])
    upload = s.do("imports_upload", sheet)
    assert s.do("imports_one", import_id=upload["id"])["created"] == 5
    assert s.do("imports_result", import_id=upload["id"]).count("created") == 5

    visit = {"kind": "physician", "starts_at": "2026-03-12T10:30"}
    booked = s.do("appointments_book", visit, patient_id=ana["id"])
    s.world.advance("P8D")
    s.do("appointments_alter", {"starts_at": "2026-03-13T09:30"}, patient_id=ana["id"], appointment_id=booked["id"])
    lines = s.do("patients_timeline", patient_id=ana["id"], query="from=2026-03-01&to=2026-04-01")["items"]
    assert {line["state"] for line in lines} & {"sent", "delivered"}
    assert all(line["reason"]["rule"] for line in lines)

    s.world.inbound("+12025550123", made["sms_number"], "I cannot feel my legs since this morning")
    tasks = s.do("tasks_listed", query="state=open")["items"]
    assert tasks[0]["tier"] in ("urgent", "emergency")
    s.do("tasks_acknowledge", task_id=tasks[0]["id"])
    s.do("tasks_close", s.example("tasks_close"), task_id=tasks[0]["id"])
    said = s.do("messages_listed", patient_id=ana["id"])["items"]
    assert {each["direction"] for each in said} == {"in", "out"}

    first = s.do("reports_worklist", query="limit=5")
    assert first["items"]
    s.do("course_pause", s.example("course_pause"), patient_id=ana["id"])
    assert [p["id"] for p in s.do("patients_listed", query="status=paused")["items"]] == [ana["id"]]
    s.world.advance("P5D")
    s.do("course_resume", patient_id=ana["id"])
    s.do("clinics_change", s.example("clinics_change"))
    s.do("clinics_stop", s.example("clinics_stop"))
    s.do("clinics_start")
    s.world.advance("P15D")

    counted = s.do("reports_deliveries", query="from=2026-03-01&to=2026-03-31")
    assert sum(each["count"] for each in counted["items"]) == len(s.world.outbox())
    assert s.do("reports_usage", query="month=2026-03")["enrolments"] == 6
    assert s.do("audit_listed", query=f"patient={ana['id']}")["items"]
    assert s.do("records_export", patient_id=ana["id"])["reminders"]
    s.do("records_erase", patient_id=ana["id"])
    refused = s.do("patients_one", patient_id=ana["id"], expect=404)
    assert refused["title"] == "Not Found"
    s.do("clinics_revoke_key", clinic_id=made["id"], key_id=key["id"])
    s.do("clinics_own", expect=401)
