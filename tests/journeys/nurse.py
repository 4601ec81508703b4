"""A nurse at the API with one patient: what she asks, and how she reads the answers."""

from tests.journeys.clinics import CLINIC, Clinic

MONDAY = "2026-03-02T15:00:00Z"
ANA = "+12025550121"
DESK = {"method": "verbal", "recorded_by": "front desk"}
CHECKIN = "spasticity.v1/weekly"


class Nurse(Clinic):
    """A nurse with one patient: what she asks, and how she reads the answers."""

    def __init__(self, world, **clinic):
        super().__init__(world, **clinic)
        self.number = clinic.get("sms_number", CLINIC["sms_number"])
        self.patient = self.enrol(email="ana@example.org", anchors={"injury_date": "2026-01-10"})
        # Patients are spread over the week; this one has her check-ins on Tuesdays, and no monthly questionnaire.
        off = {"spasticity.v1/sciset": {"off": True}}
        self.put_plan({"overrides": {CHECKIN: {"weekday": "tue", "at": "11:00"}, **off}})

    def at(self, path):
        return f"/patients/{self.patient}{path}"

    def post(self, path, body=None, status=None):
        return self.ask("POST", self.at(path), body, status)

    def patch(self, path, body, status=None):
        return self.ask("PATCH", self.at(path), body, status)

    def plan(self):
        return self.ask("GET", self.at("/plan"))

    def put_plan(self, body, status=200, version=None):
        seen = self.plan()["version"] if version is None else version
        headers = {"If-Match": f'"{seen}"'} if seen else {}
        reply = self.world.api("PUT", self.at("/plan"), json=body, token=self.key, headers=headers)
        assert reply.status == status, reply.body
        return reply.json()

    def visit(self, starts_at, **visit):
        return self.post("/appointments", {"kind": "physician", "starts_at": starts_at, **visit})

    def reads(self, start, end):
        return [sentence(line) for line in self.timeline(self.patient, **{"from": start, "to": end})]


def sentence(line):
    day, clock = line["local"].split("T")
    return f"{day} {clock} {line['channel']}, {line['title']}: {line['state']}, {line['reason']['detail']}"


def titles(lines):
    return [f"{line['local'][:10]} {line['title']}" for line in lines]


def problems(answer):
    return {each["field"]: each["message"] for each in answer["errors"]}
