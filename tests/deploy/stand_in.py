"""MiniStack as an account to deploy to: started on loopback, spoken to by the real clients, ended by its own pid."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

PROJECT = Path(__file__).parents[2]
PYTHON = PROJECT / ".venv-ministack" / "bin" / "python"
LAUNCHER = Path(__file__).with_name("launch_ministack.py")


def clean_environment() -> dict[str, str]:
    """Without anybody's AWS settings: nothing here may reach a real account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RANVIER_"))}


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Its URL, once it answers. `folder` takes its log and its data."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with (folder / "ministack.log").open("w") as log:
        running = subprocess.Popen(
            [PYTHON, LAUNCHER], cwd=folder, env=clean_environment() | settings, stdout=log, stderr=log
        )
        try:
            _wait_until_up(url, running)
            yield url
        finally:
            running.terminate()
            try:
                running.wait(timeout=10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def credentials(url: str) -> Mapping[str, str]:
    """The environment in which AWS's own tools speak to it."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _wait_until_up(url: str, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and running.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=2).close()
            return
        except (URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError("MiniStack did not come up; its log says why")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
