"""Answers kept for a day, readable only with the words of who asked for them.

An answer may hold what the table otherwise never does (a key's token, shown once) or what an erasure must reach (a
name). It is encrypted under a key made of the service's secret and the caller's Idempotency-Key, of which the table
holds a hash alone.
"""

import hmac
import secrets
from base64 import b64decode, b64encode

_NONCE = 12


class Seal:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, words: bytes, *, scope: str, name: str) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(_NONCE)
        made = AESGCM(self._key(scope, name)).encrypt(nonce, words, scope.encode())
        return b64encode(nonce + made).decode()

    def open(self, sealed: str, *, scope: str, name: str) -> bytes:
        """Raises `cryptography.exceptions.InvalidTag` for what was closed with other words."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        raw = b64decode(sealed)
        return AESGCM(self._key(scope, name)).decrypt(raw[:_NONCE], raw[_NONCE:], scope.encode())

    def _key(self, scope: str, name: str) -> bytes:
        return hmac.digest(self._secret, f"answer:{scope}:{name}".encode(), "sha256")
