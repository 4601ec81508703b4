"""A staff token is believed only when every part of it is the pool's own."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bench.agenda import calls
from chalicelib.adapters.staff_tokens import StaffTokens

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
CLIENT = "client"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(**keys: Any) -> bytes:
    found = [
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": "RS256"}
        for kid, key in keys.items()
    ]
    return json.dumps({"keys": found}).encode()


class Pool:
    """What the pool publishes, and how often it was asked."""

    def __init__(self, **keys: Any) -> None:
        self.keys, self.asked, self.down = keys, 0, False

    def fetch(self, url: str) -> bytes:
        self.asked += 1
        assert url == f"{ISSUER}/.well-known/jwks.json"
        if self.down:
            raise OSError("no answer")
        return published(**self.keys)


def token(key: Any = KEY, kid: str = "one", algorithm: str = "RS256", **changes: Any) -> str:
    said = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "5f0c7b1e-1111-4222-8333-444455556666",
        "token_use": "id",
        "iat": int(NOW.timestamp()) - 60,
        "exp": int(NOW.timestamp()) + 3600,
        "custom:clinic": "kq3Jv0sTqWm2Zb1x",
        "custom:role": "clinician",
    }
    said = {name: value for name, value in (said | changes).items() if value is not None}
    return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


def tokens(pool: Pool | None = None) -> StaffTokens:
    return StaffTokens(ISSUER, CLIENT, (pool or Pool(one=KEY)).fetch)


def test_a_good_token_says_who_and_where() -> None:
    found = tokens().claims(token(), now=NOW)
    assert found is not None
    assert (found.clinic_id, found.role) == ("kq3Jv0sTqWm2Zb1x", "clinician")


def test_an_access_token_names_its_client() -> None:
    made = token(token_use="access", aud=None, client_id=CLIENT)
    assert tokens().claims(made, now=NOW) is not None
    assert tokens().claims(token(token_use="access"), now=NOW) is None, "an audience is an ID token's"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another"]},
        {"aud": None},
        {"exp": int(NOW.timestamp()) - 31},
        {"exp": None},
        {"exp": "never"},
        {"iat": int(NOW.timestamp()) + 120},
        {"nbf": int(NOW.timestamp()) + 120},
        {"token_use": "refresh"},
        {"token_use": None},
        {"custom:clinic": None},
        {"custom:clinic": "a#b"},
        {"custom:clinic": ["kq3Jv0sTqWm2Zb1x"]},
        {"custom:role": None},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_with_one_part_wrong_opens_nothing(changes: dict[str, Any]) -> None:
    assert tokens().claims(token(**changes), now=NOW) is None


def test_a_token_does_not_choose_how_it_is_signed() -> None:
    pem = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())
    head, body, _ = token().split(".")
    bare = jwt.encode(jwt.decode(token(), options={"verify_signature": False}), None, algorithm="none")
    shared = jwt.encode({"iss": ISSUER, "sub": "x"}, "s" * 32, algorithm="HS256", headers={"kid": "one"})
    assert pem
    for made in (bare, shared, f"{head}.{body}.", f"{head}.{body}.AAAA", "a.b.c", "..", token(OTHER)):
        assert tokens().claims(made, now=NOW) is None, made


def test_a_storm_of_unknown_keys_asks_the_pool_once_a_minute() -> None:
    pool = Pool(one=KEY)
    known = tokens(pool)
    for number in range(50):
        assert known.claims(token(OTHER, kid=f"made-up-{number}"), now=NOW) is None
    assert pool.asked == 1
    known.claims(token(OTHER, kid="x"), now=NOW + timedelta(seconds=61))
    assert pool.asked == 2


def test_a_key_that_the_pool_changes_to_is_found_and_one_it_withdraws_forgotten() -> None:
    pool = Pool(one=KEY)
    known = tokens(pool)
    assert known.claims(token(), now=NOW)
    pool.keys = {"two": OTHER}
    assert known.claims(token(OTHER, kid="two"), now=NOW + timedelta(seconds=61))
    assert known.claims(token(), now=NOW + timedelta(seconds=62)) is None


def test_while_the_pool_does_not_answer_the_keys_known_go_on_opening() -> None:
    pool = Pool(one=KEY)
    known = tokens(pool)
    assert known.claims(token(), now=NOW)
    pool.down = True
    later = NOW + timedelta(minutes=59)
    assert known.claims(token(), now=later)


def test_checking_one_is_quick_enough_for_every_request() -> None:
    known, made = tokens(), token()
    known.claims(made, now=NOW)
    assert calls(lambda: known.claims(made, now=NOW)) < 4_000
