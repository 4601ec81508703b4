"""A clinic and its patients on the embedded AWS, for journeys: what they are made of stands here once."""

CLINIC = {
    "name": "Northside Rehab",
    "timezone": "America/New_York",
    "country": "US",
    "phone": "+12025550100",
    "sms_number": "+12025550199",
    "from_email": "care@northside.example",
}


class Clinic:
    """A clinic with a key, asking the API as its staff would."""

    def __init__(self, world, **changed):
        self.world = world
        token = world.operator_token
        made = world.api("POST", "/clinics", json={**CLINIC, **changed}, token=token)
        assert made.status == 201, made.body
        self.id = made.json()["id"]
        path = f"/clinics/{self.id}/keys"
        self.key = world.api("POST", path, json={"role": "admin", "label": "t"}, token=token).json()["token"]

    def ask(self, method, path, body=None, status=None):
        reply = self.world.api(method, path, json=body, token=self.key)
        assert reply.status < 300 if status is None else reply.status == status, reply.body
        return reply.json() if reply.body else None

    def enrol(self, external_id="MRN-1", phone="+12025550121", **changed):
        body = {
            "external_id": external_id,
            "given_name": "Ana",
            "family_name": "Ruiz",
            "language": "en",
            "timezone": "America/New_York",
            "phone": phone,
            "anchors": {"injury_date": "2025-11-10", "discharge_date": "2025-12-20"},
            "clinical": {"ad_risk": True, "baseline_psfs": 1},
            "protocols": ["spasticity.v1"],
            "consent": {"sms": True, "email": True, "method": "verbal", "recorded_by": "desk"},
            **changed,
        }
        return self.ask("POST", "/patients", body)["id"]

    def book(self, patient, starts_at, **visit):
        return self.ask(
            "POST", f"/patients/{patient}/appointments", {"kind": "physician", "starts_at": starts_at, **visit}
        )

    def timeline(self, patient, **query):
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        return self.ask("GET", f"/patients/{patient}/timeline?{asked}")["items"]

    def line(self, patient, kind, **facts):
        """The one line of the timeline that is of that kind and fits."""
        found = [
            one for one in self.timeline(patient) if one["kind"] == kind and all(one[n] == v for n, v in facts.items())
        ]
        assert len(found) == 1, [(one["kind"], one["local"], one["state"]) for one in self.timeline(patient)]
        return found[0]

    def tasks(self, **facts):
        items = self.ask("GET", "/tasks?limit=100")["items"]
        return [t for t in items if all(t[name] == value for name, value in facts.items())]

    def heard(self, phone="+12025550121"):
        """The kinds of what that phone got, in order."""
        return [m["kind"] for m in self.world.outbox(to=phone)]
