"""Every command of the README is run as it stands there."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def served():
    """The service as the README starts it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    settings = dict(re.findall(r"(\w+)=(\S+)", next(b for b in BLOCKS if "make serve" in b)))
    server = subprocess.Popen(
        [sys.executable, "-m", "local.serve"],
        cwd=ROOT,
        env={**os.environ, **settings, "PORT": port},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, server.stdout.read()
                time.sleep(0.1)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)


def test_a_stranger_can_follow_the_walk_through_the_api(served):
    walk = next(b for b in BLOCKS if "post /patients" in b)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", walk],
        env={**os.environ, "PORT": served},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    clock, _, timeline = done.stdout.partition("}")
    assert json.loads(clock + "}")["sent"] >= 3
    items = json.loads(timeline)["items"]
    assert {"delivered", "scheduled", "skipped"} <= {item["state"] for item in items}
    assert all(item["reason"]["detail"] for item in items)


def test_every_make_command_named_in_the_readme_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z]+)", text)) | set(
        re.findall(r"^(?:\w+=\S+ )*make ([a-z]+)", text, re.MULTILINE)
    )
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"demo", "test", "serve", "check", "bench"} <= named <= targets


def test_every_file_the_readme_points_to_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pointed = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r"`((?:bench|tests|chalicelib|local)/[\w./]*)`", text)
    for path in pointed:
        assert (ROOT / path).exists(), path
