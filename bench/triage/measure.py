"""Sensitivity and false alarms on the held-out sets, by language and group, with Wilson intervals."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from bench.triage.corpus import Example, heldout
from chalicelib.domain.triage import Knowledge, Reading, Tier, read
from chalicelib.protocols.triage import load

SETS = ("heldout_d", "heldout_e", "heldout_f", "heldout_g", "heldout_h")
"""Never learnt from. `heldout_a`, `heldout_b` and `heldout_c` were measured once and are training texts since."""
_Z = 1.959964  # 95 %


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927): honest near 0 and 1 and for small counts."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    middle = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    half = _Z / (1 + _Z**2 / of) * sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    example: Example
    reading: Reading

    @property
    def urgent(self) -> bool:
        return self.reading.tier.severity >= Tier.URGENT.severity


def judge(examples: Iterable[Example], knowledge: Knowledge) -> list[Judged]:
    return [Judged(example=each, reading=read(each.text, each.listener, (), knowledge)) for each in examples]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else float("nan")

    def __str__(self) -> str:
        low, high = wilson(self.hits, self.of)
        return f"{self.share:6.3f}  {self.hits:4d}/{self.of:<4d}  [{low:.3f}, {high:.3f}]"


def _figure(judged: Sequence[Judged], of: Callable[[Judged], bool], hit: Callable[[Judged], bool]) -> Figure:
    counted = [each for each in judged if of(each)]
    return Figure(hits=sum(hit(each) for each in counted), of=len(counted))


def figures(judged: Sequence[Judged]) -> dict[str, Figure]:
    """The figures the design is held to."""
    emergency = Tier.EMERGENCY
    return {
        "urgent or worse, raised to urgent or worse": _figure(
            judged, lambda j: j.example.tier.severity >= Tier.URGENT.severity, lambda j: j.urgent
        ),
        "emergencies raised to urgent or worse": _figure(
            judged, lambda j: j.example.tier is emergency, lambda j: j.urgent
        ),
        "emergencies raised to emergency": _figure(
            judged, lambda j: j.example.tier is emergency, lambda j: j.reading.tier is emergency
        ),
        "suicidal messages read as crisis": _figure(
            judged, lambda j: j.example.group == "crisis", lambda j: "crisis" in j.reading.groups
        ),
        "harmless (routine) raised to urgent": _figure(
            judged, lambda j: j.example.tier is Tier.ROUTINE, lambda j: j.urgent
        ),
        "review_soon raised to urgent": _figure(
            judged, lambda j: j.example.tier is Tier.REVIEW_SOON, lambda j: j.urgent
        ),
        "urgent raised to emergency": _figure(
            judged, lambda j: j.example.tier is Tier.URGENT, lambda j: j.reading.tier is emergency
        ),
    }


def report(name: str, judged: Sequence[Judged]) -> None:
    print(f"\n{name}: {len(judged)} messages                         share   count      95 % interval")
    for title, figure in figures(judged).items():
        print(f"  {title:45s} {figure}")
    for language in sorted({each.example.language for each in judged}):
        own = [each for each in judged if each.example.language == language]
        print(f"  {language}")
        for title, figure in figures(own).items():
            print(f"    {title:43s} {figure}")
    print("  by group, share raised to urgent or worse")
    for group in dict.fromkeys(each.example.group for each in judged):
        tier = next(each.example.tier for each in judged if each.example.group == group)
        figure = _figure(judged, lambda j, g=group: j.example.group == g, lambda j: j.urgent)  # type: ignore[misc]
        print(f"    {tier.value:12s}{group:31s} {figure}")


def errors(judged: Sequence[Judged]) -> None:
    """Misses and false alarms in full: for a training set, never for a held-out set still in use."""
    for each in judged:
        wanted, got = each.example.tier, each.reading.tier
        missed = wanted.severity >= Tier.URGENT.severity and got.severity < wanted.severity
        if missed or (wanted.severity < Tier.URGENT.severity and each.urgent):
            kind = "MISS" if missed else "ALARM"
            why = "; ".join(f"{e.rule}={e.matched}" for e in each.reading.evidence if e.tier is got)
            print(f"{kind} {each.example.language} {wanted}->{got} {each.example.group}: {each.example.text}  <{why}>")


def main() -> None:
    names = [name for name in sys.argv[1:] if not name.startswith("-")] or list(SETS)
    knowledge = load()
    for name in names:
        examples = heldout(name)
        started = time.perf_counter()
        judged = judge(examples, knowledge)
        spent = time.perf_counter() - started
        if "--errors" in sys.argv:
            errors(judged)
        report(name, judged)
        print(f"  {1000 * spent / max(1, len(judged)):.2f} ms a message")
