"""A stage: what its parts are called, and the files that `chalice deploy` reads of it.

Everything here can be committed: names, numbers and digests, and the service's secret only as the stage's own key
has encrypted it.
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

PROJECT = Path(__file__).parent.parent

_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


class NotReady(Exception):
    """Something that only people can mend; the message says what, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stage lives."""

    partition: str
    region: str
    account: str


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    project: Path = PROJECT

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise NotReady("STAGE is a name like dev or prod: small letters, digits and dashes, at most sixteen")

    @property
    def stack(self) -> str:
        return f"ranvier-{self.name}"

    def parameter(self, name: str) -> str:
        """The path of what is kept for the stage in SSM."""
        return f"/ranvier/{self.name}/{name}"

    @property
    def sealed_for(self) -> dict[str, str]:
        """The encryption context of the service's secret: another stage's functions cannot open it."""
        return {"ranvier": self.name}

    @property
    def template(self) -> Path:
        return self.project / ".chalice" / "resources.yaml"

    @property
    def deployed(self) -> Path:
        """What Chalice remembers of what it deployed, and would make again without."""
        return self.project / ".chalice" / "deployed" / f"{self.name}.json"

    @property
    def _config(self) -> Path:
        return self.project / ".chalice" / "config.json"

    def settings(self) -> dict[str, Any]:
        """The stage's section of Chalice's configuration; empty for a stage that was never provisioned."""
        found: dict[str, Any] = json.loads(self._config.read_text())["stages"].get(self.name, {})
        return found

    def lives_at(self) -> Mapping[str, str]:
        """The region and account the stage was provisioned in; empty before that."""
        tags = self.settings().get("tags", {})
        return {name: tags[name] for name in ("region", "account") if name in tags}

    def write(self, place: Place, environment: Mapping[str, str], key_arn: str) -> list[str]:
        """Writes the stage's settings and its functions' policies; answers the names of the settings that changed."""
        before = self.settings().get("environment_variables", {})
        policies = self.policies(place, key_arn, environment.get("RANVIER_TABLE", self.stack))
        folder = self.project / ".chalice" / "policies" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for function, policy in policies.items():
            (folder / f"{function}.json").write_text(json.dumps(policy, indent=2) + "\n")
        config = json.loads(self._config.read_text())
        section = config["stages"].setdefault(self.name, {})
        section["tags"] = {"stage": self.name, "region": place.region, "account": place.account}
        # What an operator added by hand (an endpoint, a rate) stays.
        section["environment_variables"] = {**before, **environment}
        for function in policies:
            own = section.setdefault("lambda_functions", {}).setdefault(function, {})
            own["iam_policy_file"] = f"policies/{self.name}/{function}.json"
        self._config.write_text(json.dumps(config, indent=2) + "\n")
        return sorted(name for name, value in environment.items() if before.get(name) != value)

    def tell(self, **settings: str) -> None:
        """Changes settings that the next `chalice deploy` gives to the functions."""
        config = json.loads(self._config.read_text())
        config["stages"][self.name]["environment_variables"] |= settings
        self._config.write_text(json.dumps(config, indent=2) + "\n")

    def forget(self) -> None:
        """Takes out what `write` wrote: the stage may be provisioned anew, anywhere."""
        config = json.loads(self._config.read_text())
        config["stages"][self.name] = {}
        self._config.write_text(json.dumps(config, indent=2) + "\n")
        shutil.rmtree(self.project / ".chalice" / "policies" / self.name, ignore_errors=True)

    def policies(self, place: Place, key_arn: str, table: str) -> dict[str, dict[str, Any]]:
        """Each function's policy with this stage's names filled in."""
        filled = {
            "AWS::Partition": place.partition,
            "AWS::Region": place.region,
            "AWS::AccountId": place.account,
            "Stage": self.name,
            "KeyArn": key_arn,
            "Table": table,
        }
        return {name: json.loads(_Named(text).substitute(filled)) for name, text in self._policy_texts().items()}

    def policies_in_template(self) -> dict[str, dict[str, Any]]:
        """Each function's policy as part of a CloudFormation template, which fills the names in itself."""
        return {name: _subbed(json.loads(text)) for name, text in self._policy_texts().items()}

    def _policy_texts(self) -> dict[str, str]:
        folder = self.project / ".chalice" / "policies"
        return {path.stem: path.read_text() for path in sorted(folder.glob("*.json"))}


class _Named(Template):
    """`${AWS::Region}` as CloudFormation writes it, so that one policy serves both ways of deploying."""

    braceidpattern = r"[A-Za-z:]+"


def _subbed(node: Any) -> Any:
    match node:
        case str() if "${" in node:
            return {"Fn::Sub": node.replace("${KeyArn}", "${Key.Arn}")}
        case list():
            return [_subbed(each) for each in node]
        case dict():
            return {name: _subbed(each) for name, each in node.items()}
        case _:
            return node
