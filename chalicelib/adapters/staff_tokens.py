"""Staff tokens: JWTs of the user pool, believed only when every part of them is the pool's own.

Both kinds that Cognito signs are taken: an ID token names the app client as its audience, an access token as
`client_id` and has the clinic and role only where the pool's pre-token trigger puts them there. Clinic and role are
custom attributes that the pool lets no member of staff write.
"""

import json
import re
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ALGORITHM = "RS256"
"""The one Cognito signs with. A token does not get to choose: `none` and HS256 with the public key are old attacks."""

FRESH = timedelta(hours=1)
"""The pool's keys are asked for anew after this, so that one it withdraws stops opening."""

ASKED_AGAIN = timedelta(seconds=60)
"""A key id nobody knows has the keys asked for at most this often, however many tokens make one up."""

LEEWAY = timedelta(seconds=30)
"""Clocks differ."""

CLINIC, ROLE = "custom:clinic", "custom:role"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    subject: str
    clinic_id: str
    role: str


class StaffTokens:
    """Thread-safe. `fetch` reads the pool's published keys, and raises OSError where it cannot."""

    def __init__(self, issuer: str, audience: str, fetch: Fetch) -> None:
        self._issuer, self._audience, self._fetch = issuer, audience, fetch
        self._lock = threading.Lock()
        self._keys: Mapping[str, Any] = {}
        self._read: datetime | None = None
        self._asked: datetime | None = None

    def claims(self, token: str, *, now: datetime) -> Claims | None:
        """Who bears the token; None when it is forged, expired, of another pool or client, or says no clinic."""
        import jwt

        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") != ALGORITHM or not isinstance(head.get("kid"), str):
                return None
            key = self._key(head["kid"], now)
            if key is None:
                return None
            said = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                # Times are held against the clock that was passed in, the audience by the kind of token, both below.
                options={
                    "require": ["exp", "iat", "iss", "sub", "token_use"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
        except jwt.InvalidTokenError:
            return None
        return self._read_claims(said, now)

    def _read_claims(self, said: Mapping[str, Any], now: datetime) -> Claims | None:
        for name in ("exp", "iat", "nbf"):
            if name in said and (not isinstance(said[name], int) or isinstance(said[name], bool)):
                return None
        at, leeway = now.timestamp(), LEEWAY.total_seconds()
        if said["exp"] <= at - leeway or said["iat"] > at + leeway or said.get("nbf", 0) > at + leeway:
            return None
        client = {"id": said.get("aud"), "access": said.get("client_id")}.get(str(said["token_use"]))
        if client != self._audience:
            return None
        clinic, role, subject = said.get(CLINIC), said.get(ROLE), said["sub"]
        if not all(isinstance(each, str) and _ID.fullmatch(each) for each in (clinic, role, subject)):
            return None
        return Claims(subject=str(subject), clinic_id=str(clinic), role=str(role))

    def _key(self, kid: str, now: datetime) -> Any:
        with self._lock:
            stale = self._read is None or not timedelta(0) <= now - self._read < FRESH
            lately = self._asked is not None and timedelta(0) <= now - self._asked < ASKED_AGAIN
            if (stale or kid not in self._keys) and not lately:
                self._asked = now
                found = self._published()
                if found:
                    self._keys, self._read = found, now
            return self._keys.get(kid)

    def _published(self) -> Mapping[str, Any]:
        """The pool's signing keys; none when they cannot be had, and the ones known so far go on being believed."""
        import jwt

        try:
            page = json.loads(self._fetch(f"{self._issuer}/.well-known/jwks.json"))
            return {
                each["kid"]: jwt.PyJWK(each, ALGORITHM).key
                for each in page["keys"]
                if each.get("kty") == "RSA" and each.get("use", "sig") == "sig"
            }
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError):
            return {}


def fetch(url: str) -> bytes:
    """Raises OSError where nothing comes."""
    if not url.startswith("https://"):
        raise OSError("a pool's keys are read over TLS only")
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (https only, and the URL is a setting)
        content: bytes = answer.read(256 * 1024)
    return content
