"""Staff tokens through `make serve`, exactly as deployed: a process of its own, settings from its environment, and the
pool's keys read over TLS from where its issuer publishes them."""

import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from chalicelib.web.access import PUBLIC, STAFF, Role
from chalicelib.web.door import Route
from chalicelib.web.examples import EXAMPLES
from chalicelib.web.routes import ROUTES

START = datetime(2026, 3, 2, 15, tzinfo=UTC)
OPERATOR, CLIENT = "operator-of-this-test", "console"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STAFF_ROLES = tuple(sorted(role.value for role in STAFF))
GUARDED = [route for route in ROUTES if route.roles is not PUBLIC]


def certificate(directory: Path) -> Path:
    """A key and a certificate for loopback, valid on this very day."""
    key, now = rsa.generate_private_key(public_exponent=65537, key_size=2048), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pool")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "pool.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


class Pool:
    """What publishes the keys: an issuer on loopback."""

    def __init__(self, directory: Path) -> None:
        pool, self.asked = self, 0
        self.keys = {"one": KEY}
        self.pem = certificate(directory)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pool.asked += 1
                found = self.path == "/pool/.well-known/jwks.json"
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": pool.published()}).encode() if found else b"")

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self._http.server_port}/pool"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def published(self) -> list[dict[str, Any]]:
        return [
            {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class Served:
    def __init__(self, pool: Pool) -> None:
        self.pool, self.now = pool, START
        settings = {
            "PORT": "0",
            "RANVIER_OPERATOR_TOKEN": OPERATOR,
            "RANVIER_LOCAL_NOW": f"{START:%Y-%m-%dT%H:%M:%SZ}",
            "RANVIER_STAFF_ISSUER": pool.issuer,
            "RANVIER_STAFF_AUDIENCE": CLIENT,
            "SSL_CERT_FILE": str(pool.pem),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "local.serve"],
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        self._port = int(self.process.stdout.readline().split("127.0.0.1:")[1].split()[0])
        self.clinic = self.ask("POST", "/clinics", OPERATOR, EXAMPLES["NewClinic"])[1]["id"]
        self.patient = self.ask("POST", "/patients", self.token("admin"), EXAMPLES["NewPatient"])[1]["id"]

    def ask(
        self, method: str, path: str, token: str, body: Any = None, kind: str = "application/json"
    ) -> tuple[int, Any]:
        line = HTTPConnection("127.0.0.1", self._port, timeout=60)
        said = json.dumps(body) if body is not None else None
        line.request(method, path, said, {"Content-Type": kind, "Authorization": f"Bearer {token}"})
        reply = line.getresponse()
        answer = reply.read()
        line.close()
        return reply.status, json.loads(answer) if answer[:1] in (b"{", b"[") else answer

    def token(
        self, role: str = "clinician", key: Any = KEY, kid: str = "one", algorithm: str = "RS256", **changes: Any
    ) -> str:
        said = {
            "iss": self.pool.issuer,
            "aud": CLIENT,
            "sub": f"5f0c7b1e-1111-4222-8333-{role:0>12.12}",
            "token_use": "id",
            "iat": int(self.now.timestamp()),
            "exp": int(self.now.timestamp()) + 3600,
            "custom:clinic": self.clinic,
            "custom:role": role,
        }
        said = {name: value for name, value in (said | changes).items() if value is not None}
        return jwt.encode(said, key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pool = Pool(tmp_path_factory.mktemp("pool"))
    made = Served(pool)
    yield made
    made.process.terminate()
    made.process.wait(timeout=60)
    pool.close()


@pytest.mark.parametrize("role", STAFF_ROLES)
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_role_gets_in_where_the_table_says(served: Served, route: Route, role: str) -> None:
    path = re.sub(r"\{\w+\}", "absent", route.path)
    status, _ = served.ask(route.method, path, served.token(role), kind=route.content_types[0])
    assert (status == 403) == (Role(role) not in route.roles)
    assert status != 401


def test_who_it_was_stands_in_the_audit(served: Served) -> None:
    token = served.token("viewer", sub="the-one-who-read")
    assert served.ask("GET", f"/patients/{served.patient}", token)[0] == 200
    entries = served.ask("GET", f"/audit?patient={served.patient}", served.token("admin"))[1]["items"]
    assert "the-one-who-read" in {entry["actor"] for entry in entries if entry["action"] == "patient.read"}


def test_an_access_token_opens_by_its_client(served: Served) -> None:
    access = served.token(token_use="access", aud=None, client_id=CLIENT)
    assert served.ask("GET", "/patients", access)[0] == 200


def test_a_clinics_staff_see_nothing_of_another(served: Served) -> None:
    other = served.ask("POST", "/clinics", OPERATOR, {**EXAMPLES["NewClinic"], "sms_number": "+12025550188"})[1]["id"]
    token = served.token("admin", **{"custom:clinic": other})
    absent = served.ask("GET", "/patients/AAAAAAAAAAAAAAAA", token)
    assert served.ask("GET", f"/patients/{served.patient}", token) == absent
    assert absent[0] == 404
    assert served.ask("GET", "/patients", token)[1]["items"] == []


def test_a_token_with_one_part_wrong_is_told_like_none_at_all(served: Served) -> None:
    public = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    now = int(served.now.timestamp())
    none = served.token()
    bare = jwt.encode(jwt.decode(none, options={"verify_signature": False}), None, algorithm="none")
    wrong = {
        "issuer": served.token(iss=served.pool.issuer.replace("/pool", "/another")),
        "audience": served.token(aud="another-client"),
        "client": served.token(token_use="access", aud=None, client_id="another-client"),
        "use": served.token(token_use="refresh"),
        "expired": served.token(exp=now - 31, iat=now - 3600),
        "not yet": served.token(nbf=now + 120),
        "key": served.token(key=OTHER),
        "kid": served.token(key=OTHER, kid="another"),
        "no algorithm": bare,
        "the public key as a secret": served.token(key=public.hex(), algorithm="HS256"),
        "no signature": none.rpartition(".")[0] + ".",
        "operator": served.token("operator"),
        "no such role": served.token("owner"),
        "no such clinic": served.token(**{"custom:clinic": "AAAAAAAAAAAAAAAA"}),
        "no clinic": served.token(**{"custom:clinic": None}),
    }
    answers = {name: served.ask("GET", "/patients", token) for name, token in wrong.items()}
    without = served.ask("GET", "/patients", "")
    assert without[0] == 401
    assert {name: answer for name, answer in answers.items() if answer != without} == {}


def test_made_up_key_ids_do_not_have_the_pool_asked_each_time(served: Served) -> None:
    before = served.pool.asked
    for number in range(20):
        assert served.ask("GET", "/patients", served.token(key=OTHER, kid=f"made-up-{number}"))[0] == 401
    assert served.pool.asked - before <= 1


def test_a_token_ends_with_its_hour_and_a_key_with_its_rotation(served: Served) -> None:
    token = served.token()
    served.ask("POST", "/_local/clock", "", {"advance": "PT59M"})
    assert served.ask("GET", "/patients", token)[0] == 200
    served.ask("POST", "/_local/clock", "", {"advance": "PT2M"})
    assert served.ask("GET", "/patients", token)[0] == 401
    served.pool.keys = {"two": OTHER}
    served.ask("POST", "/_local/clock", "", {"advance": "PT2M"})
    served.now += timedelta(minutes=63)
    assert served.ask("GET", "/patients", served.token(key=OTHER, kid="two"))[0] == 200
    assert served.ask("GET", "/patients", served.token())[0] == 401
