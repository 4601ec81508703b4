"""The rings, held by what the files say: these fail when a rule of the design is broken."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = sorted((ROOT / "chalicelib").rglob("*.py"))
CORE = [p for p in SHIPPED if p.relative_to(ROOT).parts[1] in ("domain", "service")]
OTHERS = [*(ROOT / "local").rglob("*.py"), *(ROOT / "ops").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
EVERYTHING = [ROOT / "app.py", *SHIPPED, *sorted(OTHERS)]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def _calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_the_core_imports_the_standard_library_and_itself_alone(path):
    for module in _imports(path):
        top = module.partition(".")[0]
        assert top in sys.stdlib_module_names or top == "chalicelib", f"{_name(path)} imports {module}"


@pytest.mark.parametrize("path", CORE, ids=_name)
def test_the_core_reads_no_clock_and_no_chance(path):
    found = set(_calls(path)) & {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "time.time",
        "time.monotonic",
        "uuid.uuid4",
        "uuid4",
        "random.random",
        "secrets.token_urlsafe",
    }
    assert not found, f"{_name(path)} must be told: {found}"
    assert not {"uuid", "random", "secrets", "time", "os"} & {m.partition(".")[0] for m in _imports(path)}


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_boto3_is_known_to_adapters_and_wiring_alone(path):
    ring = path.relative_to(ROOT).parts[1]
    if ring not in ("adapters", "wiring.py"):
        assert not {"boto3", "botocore"} & {m.partition(".")[0] for m in _imports(path)}


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_chalice_is_known_to_web_alone(path):
    if path.relative_to(ROOT).parts[1] != "web":
        assert "chalice" not in {m.partition(".")[0] for m in _imports(path)}


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_the_environment_is_read_in_the_settings_alone(path):
    if path.name != "settings.py":
        assert "os" not in {m.partition(".")[0] for m in _imports(path)}


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_no_module_is_named_for_having_no_name(path):
    assert not {"utils", "util", "helpers", "manager", "managers", "common", "misc"} & set(path.with_suffix("").parts)


@pytest.mark.parametrize("path", EVERYTHING, ids=_name)
def test_nothing_is_patched(path):
    """What has to be patched should have been passed in."""
    assert "unittest.mock" not in set(_imports(path))
    assert not any(call.startswith(("monkeypatch.setattr", "mock.patch", "mocker.")) for call in _calls(path))


def test_app_is_a_table_of_contents():
    text = (ROOT / "app.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert not any(isinstance(node, ast.If | ast.Try | ast.While) for node in ast.walk(ast.parse(text)))


def test_starting_up_loads_nothing_a_request_might_not_need():
    """In an interpreter of its own: `import app` is what every cold start of every function pays."""
    script = "import app, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"boto3", "msgspec", "phonenumbers", "jinja2", "jwt", "icalendar", "zoneinfo", "cryptography", "moto"}
    assert not heavy & set(loaded), "loaded by import app"


def test_every_event_function_stands_in_app_itself():
    """Chalice deploys a Blueprint's function under its own module, and never imports app for it."""
    import app

    for source in app.app.event_sources:
        assert source.handler_string.startswith("app."), source.name


def test_every_route_has_a_view_and_a_sentence():
    from chalicelib.web.routes import ROUTES

    assert len({(r.method, r.path) for r in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        module, _, name = route.view.partition(".")
        assert callable(getattr(import_module(f"chalicelib.web.views.{module}"), name)), route.view
        assert route.summary, route.path


def test_what_is_deployed_has_no_local_controls():
    import app

    assert not [path for path in app.app.routes if "_local" in path]


def test_public_routes_are_these_and_no_others():
    from chalicelib.web.access import PUBLIC
    from chalicelib.web.routes import ROUTES

    public = {(r.method, r.path) for r in ROUTES if r.roles is PUBLIC}
    assert public <= {
        ("GET", "/health"),
        ("GET", "/openapi.json"),
        ("GET", "/r/{token}"),
        ("POST", "/r/{token}"),
        ("GET", "/unsubscribe/{token}"),
        ("POST", "/unsubscribe/{token}"),
        ("GET", "/tips/{language}"),
    }
