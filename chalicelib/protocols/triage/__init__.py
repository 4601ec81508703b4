"""The data triage reads with, as shipped: see docs/triage.md for what each file holds and who may change it."""

import json
from functools import cache
from importlib.resources import files

from chalicelib.domain.triage import Knowledge


@cache
def load() -> Knowledge:
    """Read and compile the data files once per process."""
    folder = files(__name__)
    names = ("lexicon", "patterns", "answers", "model")
    return Knowledge.from_json(
        {name: json.loads(folder.joinpath(f"{name}.json").read_text(encoding="utf-8")) for name in names}
    )
