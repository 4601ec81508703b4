"""The single-stack template of `make package`, deployed once as a pipeline would: as one stack, from a bucket."""

import base64
import hashlib
import json
import os
import sys

from tests.deploy.harness import NUMBER, Proof

STAGE = "pipe"
TOKEN = "op_of_the_pipeline"
GIVEN = {
    "Secret": base64.b64encode(os.urandom(32)).decode(),
    "OperatorToken": "sha256:" + hashlib.sha256(TOKEN.encode()).hexdigest(),
    "PublicUrl": "https://care.example",
    "DeletionProtection": "false",
}


def one_stack(proof: Proof) -> None:
    path = proof.project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "lambda_architecture": "x86_64"}))
    proof.command(sys.executable, "-m", "ops.package", STAGE)
    built, bucket = proof.project / "build" / STAGE, "pipeline"
    proof.aws("s3").create_bucket(Bucket=bucket)
    proof.aws("s3").upload_file(str(built / "deployment.zip"), bucket, "deployment.zip")
    # As `aws cloudformation package` leaves it.
    template = (built / "sam.yaml").read_text().replace("./deployment.zip", f"s3://{bucket}/deployment.zip")
    proof.aws("s3").put_object(Bucket=bucket, Key="sam.yaml", Body=template.encode())
    stacks, name = proof.aws("cloudformation"), f"ranvier-{STAGE}"
    stacks.create_stack(
        StackName=name,
        TemplateURL=f"{proof.endpoint}/{bucket}/sam.yaml",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in GIVEN.items()],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    [stack] = stacks.describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    proof.tell(f"packaged as one template of {len(template) // 1000} kB, and deployed as one stack")
    proof.api = f"{proof.endpoint}/_aws/execute-api/{outputs['RestAPIId']}/api"
    clinic = {
        "name": "Northside Rehab",
        "timezone": "America/New_York",
        "country": "US",
        "phone": "+12025550100",
        "sms_number": NUMBER,
        "from_email": "care@northside.example",
    }
    made = proof.ask("POST", "/clinics", clinic, TOKEN)
    proof.check("its API answers, and its table holds", made["id"] in str(proof.ask("GET", "/clinics", token=TOKEN)))
