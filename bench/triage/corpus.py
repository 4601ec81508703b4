"""Labelled messages as plain text: `[tier group flags]` heads the messages below it, one a line, a file a language.

In training files a line may hold choices, `(my|her) leg(s|) went numb`, each of which is expanded.
"""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.domain.triage import Listener, Tier

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    text: str
    tier: Tier
    group: str
    language: str
    flags: frozenset[str] = frozenset()

    @property
    def listener(self) -> Listener:
        """At risk of dysreflexia unless said otherwise: the stricter reading for false alarms."""
        language = self.language if self.language in {"en", "es", "fr", "zh"} else "en"
        return Listener(
            ad_risk=True,
            itb_pump="itb_pump" in self.flags,
            oral_baclofen="oral_baclofen" in self.flags,
            language=language,
        )


def read_file(path: Path) -> Iterator[Example]:
    """Every line of one file with the label above it."""
    tier, group, flags = Tier.ROUTINE, "", frozenset[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        if line.startswith("["):
            name, group, *rest = line.strip("[] \n").split()
            tier, flags = Tier(name), frozenset(rest)
            continue
        yield Example(text=line, tier=tier, group=group, language=path.stem, flags=flags)


def heldout(name: str) -> list[Example]:
    """The messages of one folder as they were written: `heldout_d`, `training_x`."""
    return [example for path in sorted((HERE / name).glob("*.txt")) for example in read_file(path)]


_CHOICE = re.compile(r"\(([^()]*)\)")


def expand(line: str, most: int, rng: random.Random) -> list[str]:
    """All the texts a line with choices stands for, or a sample of `most` of them."""
    parts = _CHOICE.split(line)
    options = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    size = 1
    for choice in options:
        size *= len(choice)
    if size <= most:
        texts = {"".join(chosen) for chosen in itertools.product(*options)}
    else:
        texts = {"".join(rng.choice(choice) for choice in options) for _ in range(most)}
    return sorted(" ".join(text.split()) for text in texts)
