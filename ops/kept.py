"""What is made once for a stage and kept in SSM: its sealed secret, the operator token's digest, Chalice's memory.

The secret is made inside KMS and comes out encrypted: nobody, not even who provisions, ever sees it. The functions
open it when they start.
"""

import gzip
import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from typing import Any

from botocore.exceptions import ClientError

from ops.stage import Stage

SEALED = "kms:"
DIGEST = "sha256:"


class Kept:
    def __init__(self, ssm: Any, stage: Stage) -> None:
        self._ssm, self._stage = ssm, stage

    def get(self, name: str) -> str | None:
        try:
            return str(self._ssm.get_parameter(Name=self._stage.parameter(name))["Parameter"]["Value"])
        except ClientError as missing:
            if missing.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise

    def put(self, name: str, value: str, *, again: bool = True) -> None:
        """`again=False`: raises ParameterAlreadyExists where somebody else came first."""
        self._ssm.put_parameter(Name=self._stage.parameter(name), Value=value, Type="String", Overwrite=again)

    def forget(self, name: str) -> None:
        if self.get(name) is not None:
            self._ssm.delete_parameter(Name=self._stage.parameter(name))

    def holdings(self) -> dict[str, str]:
        """What holds the stage's data, by its name in the template: `Table`, `Key`, `Staff`. It outlives the stack."""
        found: dict[str, str] = json.loads(self.get("holdings") or "{}")
        return found

    def put_holdings(self, held: dict[str, str]) -> None:
        self.put("holdings", json.dumps(held))

    # Chalice remembers what it deployed in a file of one machine; from here any machine goes on.

    def save_deployed(self) -> None:
        text = json.dumps(json.loads(self._stage.deployed.read_text()), separators=(",", ":"))
        self.put("deployed", b64encode(gzip.compress(text.encode(), mtime=0)).decode())

    def restore_deployed(self) -> bool:
        """Whether it had to be, because this machine never deployed the stage, and could."""
        kept = None if self._stage.deployed.exists() else self.get("deployed")
        if kept is None:
            return False
        self._stage.deployed.parent.mkdir(exist_ok=True)
        self._stage.deployed.write_text(json.dumps(json.loads(gzip.decompress(b64decode(kept))), indent=2) + "\n")
        return True


def sealed_secret(kept: Kept, kms: Any, stage: Stage, key_arn: str) -> str:
    """The service's secret as its functions are given it, made at the first call. Under another key than the stage's
    own, as after a stack was made anew around a kept table, it is encrypted again without being seen."""
    sealed = kept.get("secret")
    if sealed is None:
        sealed = fresh_sealed(kms, stage, key_arn)
        kept.put("secret", sealed, again=False)
        kept.put("secret-key", key_arn)
    elif kept.get("secret-key") != key_arn:
        sealed = _sealed_again(kms, stage, key_arn, sealed)
        links = [_sealed_again(kms, stage, key_arn, each) for each in link_secrets(kept)]
        kept.put("secret", sealed)
        if links:
            kept.put("link-secrets", ",".join(links))
        kept.put("secret-key", key_arn)
    return sealed


def link_secrets(kept: Kept) -> list[str]:
    """What signs links, sealed, and after it what signed those that are still to open. Empty: the service's secret."""
    found = kept.get("link-secrets")
    return found.split(",") if found else []


def fresh_sealed(kms: Any, stage: Stage, key_arn: str) -> str:
    made = kms.generate_data_key_without_plaintext(KeyId=key_arn, NumberOfBytes=32, EncryptionContext=stage.sealed_for)
    return SEALED + b64encode(made["CiphertextBlob"]).decode()


def _sealed_again(kms: Any, stage: Stage, key_arn: str, sealed: str) -> str:
    again = kms.re_encrypt(
        CiphertextBlob=b64decode(sealed.removeprefix(SEALED)),
        SourceEncryptionContext=stage.sealed_for,
        DestinationKeyId=key_arn,
        DestinationEncryptionContext=stage.sealed_for,
    )
    return SEALED + b64encode(again["CiphertextBlob"]).decode()


def operator_token(kept: Kept, *, renew: bool = False) -> tuple[str, str | None]:
    """The digest that the functions know, and the token itself when it was made just now: it is shown once."""
    digest = None if renew else kept.get("operator-token")
    if digest is not None:
        return digest, None
    token = "op_" + secrets.token_urlsafe(32)
    digest = DIGEST + hashlib.sha256(token.encode()).hexdigest()
    kept.put("operator-token", digest)
    return digest, token
