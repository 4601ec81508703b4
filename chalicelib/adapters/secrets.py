"""What is made with the service's secret: keyed hashes of numbers, patients' ids, and the keys clinics hold."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

from chalicelib.domain.ids import PatientId

KEY_PREFIX = "rk_"


class Hasher:
    """Keyed hashes: without the secret nobody can try numbers until one fits."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def number(self, number: str) -> str:
        return self._digest("number", number, 18)

    def patient(self, clinic_id: str, external_id: str) -> PatientId:
        """A patient's id: 16 characters, always the same for one external id of one clinic."""
        return PatientId(_letter_first(self._made("patient", f"{clinic_id}|{external_id}", 12)))

    def body(self, body: bytes) -> str:
        return self._digest("body", body.decode(), 18)

    def cursor(self, list_name: str, place: str) -> str:
        """Marks a place in a list as told by this service."""
        return self._digest("cursor", f"{list_name}|{place}", 12)

    def _digest(self, purpose: str, text: str, size: int) -> str:
        return urlsafe_b64encode(self._made(purpose, text, size)).decode()

    def _made(self, purpose: str, text: str, size: int) -> bytes:
        return hmac.digest(self._secret, f"{purpose}:{text}".encode(), "sha256")[:size]


def fresh_id() -> str:
    """An id nobody can guess, 16 characters."""
    return _letter_first(secrets.token_bytes(12))


def _letter_first(made: bytes) -> str:
    """The bytes for a URL, beginning with a letter: a spreadsheet takes a leading `-` for a formula."""
    return urlsafe_b64encode(bytes([made[0] & 0x7F]) + made[1:]).decode()


def fresh_secret() -> str:
    """A clinic's key: 256 random bits, so that a plain hash of it gives nothing away."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_of_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
