"""`make demo`: a fortnight of one clinic on a virtual clock, printed as it happened.

Everything goes the real way: the clinic enrols over HTTP, the scheduled tick reads DynamoDB, the queue calls the
worker, real boto3 clients speak to the carrier simulator, replies come back through the queue. Only the days are short.
"""

import logging
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.world import World

START = "2026-03-02T12:30:00Z"
END = "2026-03-16T12:30:00Z"
"""Two weeks with the American clock change of 8 March in the middle."""

WIDTH = 112
SHOWN = 12
"""Lines of the clinic's list that are printed."""
CLINIC_ZONE = "America/New_York"
CLINIC_NUMBER = "+12025550199"

CLINIC = {
    "name": "Northside Rehab",
    "timezone": CLINIC_ZONE,
    "country": "US",
    "phone": "+12025550100",
    "sms_number": CLINIC_NUMBER,
    "from_email": "care@northside.example",
    "sms_content_level": "standard",
    "on_call": [
        {"name": "Kim Okafor", "phone": "+12025550111"},
        {"name": "Lee Novak", "phone": "+12025550112"},
    ],
    "lead": {"name": "Dr Day", "phone": "+12025550113"},
}
STAFF = {"+12025550111": "Kim (on call)", "+12025550112": "Lee (second)", "+12025550113": "Dr Day (lead)"}

CONSENT = {"sms": True, "email": True, "method": "verbal", "recorded_by": "front desk"}
PATIENTS: list[dict[str, Any]] = [
    {
        "external_id": "MRN-1",
        "given_name": "Ana",
        "family_name": "Ruiz",
        "language": "es",
        "timezone": "America/New_York",
        "phone": "+12025550121",
        "email": "ana@example.org",
        "anchors": {"injury_date": "2025-11-28", "discharge_date": "2026-02-20"},
        "clinical": {"ad_risk": True, "baseline_psfs": 1},
    },
    {
        "external_id": "MRN-2",
        "given_name": "Ben",
        "family_name": "Carter",
        "language": "en",
        "timezone": "America/Los_Angeles",
        "phone": "+12025550122",
        "email": "ben@example.org",
        "anchors": {"injury_date": "2025-12-15", "discharge_date": "2026-02-25"},
        "clinical": {"ad_risk": False, "baseline_psfs": 1},
    },
    {
        "external_id": "MRN-3",
        "given_name": "Chloe",
        "family_name": "Martin",
        "language": "fr",
        "timezone": "America/Toronto",
        "phone": "+14165550123",
        "anchors": {"injury_date": "2025-09-01", "discharge_date": "2026-01-10", "last_fill_date": "2026-02-12"},
        "days_supply": 30,
        "clinical": {"ad_risk": False, "oral_baclofen": True, "baseline_psfs": 2},
        "protocols": ["neuro.emsci.v1", "spasticity.v1", "meds.oral_baclofen.v1"],
    },
    {
        "external_id": "MRN-4",
        "given_name": "Wei",
        "family_name": "Li",
        "language": "zh",
        "timezone": "Pacific/Honolulu",
        "phone": "+18085550124",
        "email": "wei@example.org",
        "anchors": {"injury_date": "2025-12-10", "discharge_date": "2026-02-28"},
        "clinical": {"ad_risk": True},
        "contact_window": {"from": "11:00", "to": "18:00"},
    },
    {
        "external_id": "MRN-5",
        "given_name": "Dora",
        "family_name": "Hale",
        "language": "en",
        "timezone": "America/Chicago",
        "email": "dora@example.org",
        "anchors": {"injury_date": "2025-12-01", "discharge_date": "2026-02-26"},
        "clinical": {"ad_risk": False},
    },
]

CHECKIN = "spasticity.v1/weekly"
CHECKINS = {
    "Ana": ("thu", "10:00"),
    "Ben": ("tue", "15:00"),
    "Chloe": ("tue", "11:00"),
    "Wei": ("wed", "12:30"),
    "Dora": ("wed", "13:30"),
}
"""When each is asked, as agreed with them. Otherwise the days are spread by the patients' ids, which are random."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Something a person does at an instant of the story."""

    at: str
    do: Callable[["Story"], None]


class Story:
    """The fortnight: its people, and what has been printed of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, str] = {}
        self.told = 0
        self.day = ""
        self.counts: Counter[str] = Counter()
        self.key = ""

    # --- what people do ---

    def open_clinic(self) -> None:
        clinic = self._ask("POST", "/clinics", CLINIC, self.world.operator_token)
        path = f"/clinics/{clinic['id']}/keys"
        self.key = self._ask("POST", path, {"role": "admin", "label": "demo"}, self.world.operator_token)["token"]

    def enrol_everybody(self) -> None:
        for patient in PATIENTS:
            self.enrol(patient)

    def enrol(self, patient: dict[str, Any]) -> None:
        answer = self._ask("POST", "/patients", {**patient, "consent": CONSENT}, self.key)
        self.ids[patient["given_name"]] = answer["id"]
        zone = patient["timezone"]
        self._line(self.world.now, zone, patient["given_name"], "enrolled", f"{patient['language']}, {zone}")
        for warning in answer["warnings"]:
            self._line(self.world.now, zone, "", "", f"({warning})")

    def book(self, name: str, **visit: Any) -> None:
        answer = self._ask("POST", f"/patients/{self.ids[name]}/appointments", visit, self.key)
        shown = answer if "starts_at" in answer else answer["items"][0]
        what = shown["kind"] + (f", {len(answer['items'])} sessions" if "items" in answer else "")
        self._line(
            self.world.now, CLINIC_ZONE, "staff", "booked", f"{name}: {what}, {shown['starts_at'].replace('T', ' ')}"
        )

    def agree_on_checkins(self) -> None:
        for name, (weekday, at) in CHECKINS.items():
            changed = {"overrides": {CHECKIN: {"weekday": weekday, "at": at}}}
            path = f"/patients/{self.ids[name]}/plan"
            version = self._ask("GET", path, None, self.key)["version"]
            self._ask("PUT", path, changed, self.key, {"If-Match": f'"{version}"'})
        agreed = ", ".join(f"{name} {weekday.title()} {at}" for name, (weekday, at) in CHECKINS.items())
        self._line(self.world.now, CLINIC_ZONE, "staff", "agrees", f"on check-ins: {agreed}")

    def text(self, name: str, words: str) -> None:
        patient = next(p for p in PATIENTS if p["given_name"] == name)
        self._line(self.world.now, patient["timezone"], name, "answers", f"“{words}”")
        self.world.inbound(patient["phone"], CLINIC_NUMBER, words)
        self.tell()

    def staff_text(self, number: str, words: str) -> None:
        self._line(self.world.now, CLINIC_ZONE, STAFF[number], "answers", f"“{words}”")
        self.world.inbound(number, CLINIC_NUMBER, words)
        self.tell()

    def first_code(self) -> str:
        tasks = self._ask("GET", "/tasks", None, self.key)["items"]
        return str(tasks[0]["code"])

    # --- telling ---

    def live_until(self, at: str) -> None:
        self.world.advance(_instant(at))
        self.tell()

    def tell(self) -> None:
        """Prints what the carrier took since the last time."""
        sent = self.world.outbox()
        for message in sent[self.told :]:
            self.counts[f"{message['audience']} {message['channel']}"] += 1
            at = _instant(message["sent_at"])
            if message["audience"] == "staff":
                self._line(at, CLINIC_ZONE, STAFF.get(message["to"], message["to"]), "page", message["text"])
                continue
            patient = next(p for p in PATIENTS if message["to"] in (p.get("phone"), p.get("email")))
            words = message["text"] if message["channel"] == "sms" else _first_words(message)
            kind = "text" if message["channel"] == "sms" else "e-mail"
            self._line(at, patient["timezone"], patient["given_name"], kind, words)
        self.told = len(sent)

    def _line(self, at: datetime, zone: str, who: str, what: str, words: str) -> None:
        local = at.astimezone(ZoneInfo(zone))
        day = f"{local:%A %-d %B}"
        if (day != self.day and zone == CLINIC_ZONE) or not self.day:
            self.day = day
            print(f"\n{day} {'─' * (WIDTH - len(day) - 1)}")
        head = f"{local:%a %H:%M} {local.tzname()!s:<4} {who:<15} {what:<9}"
        print(textwrap.fill(words, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))

    def _ask(
        self, method: str, path: str, body: object, token: str, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        reply = self.world.api(method, path, json=body, token=token, headers=headers)
        answer: dict[str, Any] = reply.json()
        if reply.status >= 400:
            raise SystemExit(f"{method} {path}: {answer}")
        return answer

    # --- looking back ---

    def explain(self) -> None:
        _title("What was not sent, moved or merged, and why (each patient's timeline says it)")
        for patient in PATIENTS:
            query = f"from={START}&to={END}"
            lines = self._ask("GET", f"/patients/{self.ids[patient['given_name']]}/timeline?{query}", None, self.key)
            for line in lines["items"]:
                plain = line["reason"]["rule"] == "as_planned" or line["channel"] == "task"
                if plain or line["state"] == "scheduled":
                    continue
                when = line["local"].replace("T", " ")
                head = f"{patient['given_name']:<6} {when}  {line['kind']:<12} {line['state']:<10} "
                words = f"{line['reason']['rule']}: {line['reason']['detail']}"
                print(textwrap.fill(words, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))

    def worklist(self) -> None:
        _title("The clinic's list on the last morning, worst first")
        names = {v: k for k, v in self.ids.items()}
        tasks = self._ask("GET", "/tasks?limit=100", None, self.key)["items"]
        for task in tasks[:SHOWN]:
            head = f"{task['tier']:<12} {names.get(task['patient_id'], '?'):<6} {task['state']:<6} "
            words = f"{task['title']}  [{task['reason']['rule']}: {task['reason']['detail']}]"
            print(textwrap.fill(words, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
        if len(tasks) > SHOWN:
            print(f"… and {len(tasks) - SHOWN} more, most of them visits to book")

    def sums(self) -> None:
        _title("In numbers")
        for what, count in sorted(self.counts.items()):
            print(f"  {count:>3}  {what}")


def _first_words(message: dict[str, Any]) -> str:
    """An e-mail in one line: its subject, and the sentence that matters."""
    paragraphs = [p.strip().replace("\n", " ") for p in message["text"].split("\n\n")]
    return f"[{message['subject']}] {paragraphs[1] if len(paragraphs) > 1 else paragraphs[0]}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _title(text: str) -> None:
    print(f"\n{text}\n{'─' * len(text)}")


def beats() -> Iterator[Beat]:
    """The story. Times are UTC; in between, everything happens by itself."""
    yield Beat("2026-03-02T12:40:00Z", lambda s: s.enrol_everybody())
    yield Beat("2026-03-02T16:00:00Z", lambda s: s.book("Ana", kind="physician", starts_at="2026-03-10T10:30"))
    yield Beat(
        "2026-03-02T16:05:00Z",
        lambda s: s.book(
            "Ben",
            kind="therapy",
            series={"weekdays": ["mon", "wed", "fri"], "time": "09:00", "from": "2026-03-09", "until": "2026-03-20"},
        ),
    )
    yield Beat(
        "2026-03-02T16:10:00Z",
        lambda s: s.book("Wei", kind="assessment", starts_at="2026-03-06T14:00", window_step="neuro.emsci.v1/acute_2"),
    )
    yield Beat("2026-03-02T16:15:00Z", lambda s: s.agree_on_checkins())
    yield Beat("2026-03-05T23:00:00Z", lambda s: s.text("Wei", "C"))
    yield Beat("2026-03-09T16:30:00Z", lambda s: s.text("Ana", "R"))
    yield Beat("2026-03-09T19:00:00Z", lambda s: s.text("Chloe", "1"))
    yield Beat("2026-03-12T21:00:00Z", lambda s: s.text("Ana", "N"))
    yield Beat("2026-03-12T21:02:00Z", lambda s: s.text("Ana", "2"))
    yield Beat("2026-03-12T21:03:00Z", lambda s: s.text("Ana", "uno"))
    yield Beat("2026-03-13T20:00:00Z", lambda s: s.text("Ben", "cant feel my left foot since this morning"))
    yield Beat("2026-03-13T20:22:00Z", lambda s: s.staff_text("+12025550112", f"ACK {s.first_code()}"))
    yield Beat("2026-03-14T15:00:00Z", lambda s: s.text("Chloe", "STOP"))


def main() -> int:
    logging.disable(logging.WARNING)
    print("A fortnight at Northside Rehab, on a virtual clock. Each line shows the reader's own local time.")
    print("The clinic's clock changes on Sunday 8 March; nobody's reminder does.")
    with World(START) as world:
        story = Story(world)
        story.open_clinic()
        for beat in beats():
            story.live_until(beat.at)
            beat.do(story)
            story.tell()
        story.live_until(END)
        story.explain()
        story.worklist()
        story.sums()
    return 0


if __name__ == "__main__":
    sys.exit(main())
