"""The service's secret, as its environment holds it: encrypted by the stage's own key.

Whoever may look at a function's configuration does not thereby see what signs patients' links. Opening it is one call
when a function starts, none when it is invoked.
"""

from base64 import b64decode
from typing import Any


def opened(client: Any, sealed: bytes, stage: str) -> bytes:
    """`client` is for `kms`. The stage is part of what was encrypted: another stage's secret does not open."""
    answer = client.decrypt(
        CiphertextBlob=b64decode(sealed.partition(b":")[2]),
        EncryptionContext={"ranvier": stage},
    )
    plain: bytes = answer["Plaintext"]
    return plain
