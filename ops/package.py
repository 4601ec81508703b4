"""`make package STAGE=…`: functions and everything else as one CloudFormation template, for pipelines.

It stands in build/<stage>/ as sam.yaml beside deployment.zip. What `make provision` makes once is here a parameter or
a resource of the stack; the functions' names, settings and policies are the same.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalice.package import YAMLTemplateSerializer

from ops.functions import API, Fed, Functions, functions_of, lambda_name
from ops.precompile import precompile
from ops.sandbox import Sandbox
from ops.say import complain, say
from ops.stage import PROJECT, NotReady, Stage

SHIPS = ("app.py", "chalicelib", "requirements.txt", ".chalice")

SECRETS = {
    "Secret": "The service's secret, 32 random bytes in base64. The same for the life of the table.",
    "OperatorToken": "sha256: and the hex digest of the operator's token.",
    "PublicUrl": "Where patients' links lead: the API's custom domain, https://…",
}


SANDBOX = {"Sandbox": "RANVIER_SANDBOX", "SandboxContacts": "RANVIER_SANDBOX_CONTACTS"}
WHO = {
    "Sandbox": "on: only SandboxContacts are contacted. off: whoever clinics enrol is.",
    "SandboxContacts": "Numbers and e-mail addresses, with commas between them.",
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.package", description=__doc__)
    parser.add_argument("stage")
    asked = parser.parse_args(argv)
    try:
        out = package(Stage(asked.stage), PROJECT / "build" / asked.stage)
    except NotReady as missing:
        complain(f"package: {missing}")
        return 1
    size = (out / "deployment.zip").stat().st_size
    say(f"{out}/sam.yaml and deployment.zip ({size / 1e6:.1f} MB)")
    return 0


def package(stage: Stage, out: Path) -> Path:
    """Raises NotReady where Chalice cannot package."""
    shutil.rmtree(out, ignore_errors=True)
    project = out / "project"
    copy_project(stage.project, project)
    functions = functions_of(stage.project, f"ranvier-{stage.name}")
    _configure(project, stage, functions)
    merge = project / ".chalice" / "merge.yaml"
    merge.write_text(YAMLTemplateSerializer().serialize_template(_merged(stage, functions)))
    chalice = Path(sys.executable).with_name("chalice")
    asked = ["--merge-template", str(merge), "--template-format", "yaml", str(out)]
    ran = subprocess.run(  # noqa: S603
        [chalice, "package", "--stage", stage.name, *asked],
        cwd=project,
        # Chalice asks for a region and the account's address for it; the template holds neither.
        env={"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", **os.environ},
        check=False,
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        raise NotReady(f"chalice package: {ran.stderr.strip() or ran.stdout.strip()}")
    precompile(out / "deployment.zip")
    shutil.rmtree(project)
    return out


def copy_project(source: Path, target: Path) -> None:
    """What Chalice packages and what it reads, and nothing a stage left there."""
    ignored = shutil.ignore_patterns("__pycache__", "deployed", "deployments", "venv")
    target.mkdir(parents=True)
    for name in SHIPS:
        found = source / name
        if found.is_dir():
            shutil.copytree(found, target / name, ignore=ignored)
        else:
            shutil.copy2(found, target / name)


def _configure(project: Path, stage: Stage, functions: Functions) -> None:
    """A stage whose policies CloudFormation fills in, and whose settings the merged template gives."""
    folder = project / ".chalice" / "policies" / "packaged"
    folder.mkdir()
    for name, policy in stage.policies_in_template().items():
        (folder / f"{name}.json").write_text(json.dumps(policy))
    path = project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    config["stages"][stage.name] = {
        "environment_variables": {"RANVIER_QUEUE_PREFIX": f"ranvier-{stage.name}"},
        "lambda_functions": {name: {"iam_policy_file": f"policies/packaged/{name}.json"} for name in functions},
    }
    path.write_text(json.dumps(config))


def _merged(stage: Stage, functions: Functions) -> dict[str, Any]:
    """The stage's template, with what it says about each function."""
    template: dict[str, Any] = YAMLTemplateSerializer().load_template(stage.template.read_text())
    template["Description"] = "Ranvier"
    template["Parameters"]["Stage"]["Default"] = stage.name
    for name, what in SECRETS.items():
        template["Parameters"][name] = {"Type": "String", "NoEcho": name != "PublicUrl", "Description": what}
    usual = Sandbox.of(stage, None, None).settings()
    for name, setting in SANDBOX.items():
        template["Parameters"][name] = {"Type": "String", "Default": usual[setting], "Description": WHO[name]}
    for name, fed in functions.items():
        template["Resources"][_logical(name)] = {"Properties": _function(name, fed)}
    return template


def _function(name: str, fed: Fed) -> Mapping[str, Any]:
    properties: dict[str, Any] = {
        "FunctionName": {"Fn::Sub": lambda_name("ranvier-${Stage}", name)},
        "Environment": {"Variables": _ENVIRONMENT},
    }
    if fed.queue is not None:
        source = f"{_logical(name)}SqsEventSource"
        arn = {"Fn::Sub": f"${{{_logical(fed.queue)}Queue.Arn}}"}
        properties["Events"] = {source: {"Properties": {"Queue": arn}}}
    return properties


_ENVIRONMENT: Mapping[str, Any] = {
    "RANVIER_STAGE": {"Ref": "Stage"},
    "RANVIER_TABLE": {"Ref": "Table"},
    "RANVIER_QUEUE_PREFIX": {"Fn::Sub": "ranvier-${Stage}"},
    "RANVIER_PUBLIC_URL": {"Ref": "PublicUrl"},
    "RANVIER_SECRET": {"Ref": "Secret"},
    "RANVIER_OPERATOR_TOKEN": {"Ref": "OperatorToken"},
    "RANVIER_SMS_CONFIGURATION_SET": {"Ref": "SmsConfiguration"},
    "RANVIER_EMAIL_CONFIGURATION_SET": {"Ref": "EmailConfiguration"},
    "RANVIER_STAFF_ISSUER": {"Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/${Staff}"},
    "RANVIER_STAFF_AUDIENCE": {"Ref": "Console"},
    **{setting: {"Ref": name} for name, setting in SANDBOX.items()},
}


def _logical(name: str) -> str:
    """What Chalice calls a function in its template."""
    return "APIHandler" if name == API else "".join(part.capitalize() for part in name.split("_"))


if __name__ == "__main__":
    sys.exit(main())
