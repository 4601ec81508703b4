"""What the pages for operators name is there: commands, targets, AWS's own operations, panels, words of the log."""

import re
import shlex

import boto3
import pytest
from botocore import xform_name

from ops.__main__ import arguments
from ops.stage import PROJECT

PAGES = {
    str(path.relative_to(PROJECT)): path.read_text()
    for path in (PROJECT / "README.md", PROJECT / "docs" / "deploy.md", *(PROJECT / "docs" / "runbook").glob("*.md"))
}
RUNBOOK = {name: text for name, text in PAGES.items() if "runbook" in name}


def found(pattern, pages=PAGES):
    return sorted({(name, hit) for name, text in pages.items() for hit in re.findall(pattern, text)})


@pytest.mark.parametrize(("page", "words"), found(r"python -m ops ([^`\n]+)`"))
def test_every_ops_command_in_the_pages_is_one(page, words):
    typed = shlex.split(words.replace("…", "x"))
    if typed[1:] in ([], ["x"]):
        return
    arguments().parse_args(["dev", *typed[1:]])


def test_every_ops_command_is_told_of():
    usage = next(a for a in arguments()._actions if a.dest == "command")
    told = PAGES["docs/deploy.md"]
    for name in usage.choices:
        assert re.search(rf"`{name}[` ]", told), name


@pytest.mark.parametrize(("page", "target"), found(r"`make ([a-z]+)"))
def test_every_target_in_the_pages_is_in_the_makefile(page, target):
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("page", "call"), found(r"aws ([a-z0-9-]+ [a-z-]+)"))
def test_every_aws_command_in_the_pages_is_an_operation_of_aws(page, call):
    service, operation = call.split()
    if operation in ("tail", "wait", "package", "deploy"):
        return  # the command line's own
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    names = {xform_name(each, "-") for each in client.meta.service_model.operation_names}
    assert operation in names


@pytest.mark.parametrize(("page", "title"), found(r"[Dd]ashboard, \*([^*]+)\*", RUNBOOK))
def test_every_panel_in_the_runbook_is_on_the_dashboard(page, title):
    assert f'"title": "{title}' in (PROJECT / ".chalice" / "resources.yaml").read_text()


@pytest.mark.parametrize(("page", "other"), found(r"\*([a-z]+(?:-[a-z]+)*)\*", RUNBOOK))
def test_every_page_that_another_sends_to_is_there(page, other):
    assert (PROJECT / "docs" / "runbook" / f"{other}.md").exists()


@pytest.mark.parametrize(("page", "word"), found(r"`([a-z]+(?:_[a-z]+)+)`", RUNBOOK))
def test_every_word_of_the_log_in_the_runbook_is_the_codes(page, word):
    code = "".join(path.read_text() for path in (PROJECT / "chalicelib").rglob("*.py"))
    assert re.search(rf"\b{word}\b", code), word


@pytest.mark.parametrize("page", sorted(set(RUNBOOK) - {"docs/runbook/README.md"}))
def test_a_page_begins_with_its_alarms_name_and_says_where_to_look_and_what_to_do(page):
    text = RUNBOOK[page]
    name = page.rpartition("/")[2].removesuffix(".md")
    if name == "restore":
        return
    assert text.startswith(f"# {name}: ")
    assert "## Look" in text
    assert "## Mend" in text
    assert f"| [{name}]({name}.md) | " in RUNBOOK["docs/runbook/README.md"]
