"""What surrounds the code agrees with it: hooks, changelog, lint exceptions, templates."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDERS = ("benchmarks", "docs", "recipes", "src", "tests")
EXCEPTION = re.compile(r"#\s*(noqa: [A-Z0-9, ]+|type: ignore\[[^]]*\])(.*)$")


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile, with variables filled in."""
    text = (ROOT / "Makefile").read_text("utf-8")
    variables = dict(re.findall(r"^(\w+) :?= (.*)$", text, re.MULTILINE))
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert lines is not None
    commands = lines[1].replace("\t", "")
    for _ in range(2):  # a variable may hold another one
        commands = re.sub(r"\$\((\w+)\)", lambda match: variables.get(match[1], match[0]), commands)
    return commands.splitlines()


def test_hooks_are_the_steps_of_make_lint() -> None:
    """Before a commit runs what ``make lint`` runs, with the tools in .venv, before a push the docs."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks)
    steps = [step for step in recipe("lint") if "sphinx" not in step]
    assert [hook["entry"] for hook in hooks if hook["entry"].startswith(".venv/")] == steps
    assert [hook["entry"] for hook in hooks if hook.get("stages") == ["pre-push"]] == ["make docs"]


def test_no_test_is_left_out() -> None:
    """``make test`` and ``make test-full`` run every test between them, CI runs both, and all markers are known."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    known = {marker.split(":")[0] for marker in config["markers"]}
    assert (recipe("test")[0].split(" -m ")[-1], recipe("test-full")[0].split(" -m ")[-1]) == ('"not full"', "full")
    assert set(re.findall(r"\w+", recipe("test-fast")[0].split('"')[1])) - {"not", "or"} == known
    assert (ROOT / ".ci" / "run").read_text("utf-8").splitlines()[-1] == "make lint test test-full"


def test_lint_builds_the_docs_with_warnings_as_errors() -> None:
    """``make lint`` and ``make docs`` build them alike, from every page anew."""
    built = [step for step in recipe("lint") if "sphinx" in step]
    assert len(built) == 1
    assert built[0] in recipe("docs")
    assert "--fail-on-warning" in built[0]
    assert "--fresh-env" in built[0]


def test_every_lint_exception_has_its_reason() -> None:
    """What is allowed against ruff or mypy says why, on its line."""
    bare = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := EXCEPTION.search(line)) and path != Path(__file__) and not found[2].strip(" #")
    ]
    assert bare == []


@pytest.mark.parametrize("table", ["lint", "mypy", "pytest"])
def test_every_exception_in_the_configuration_has_its_reason(table: str) -> None:
    """Each line of pyproject.toml that ignores something has a comment, or one in the line above."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    wanted = {
        "lint": r'^\s*("(N|RUF)\d+"|"(tests|src|docs|benchmarks|recipes)/.*" = \[)',
        "mypy": r"^(ignore_missing_imports|follow_imports)\b",
        "pytest": r'^\s*"ignore:',
    }[table]
    found = [number for number, line in enumerate(lines) if re.match(wanted, line)]
    assert found
    assert [lines[n] for n in found if "#" not in lines[n] + lines[n - 1] + lines[n + 1]] == []


def test_the_changelog_has_the_form_that_it_promises() -> None:
    """Keep a Changelog: a section for each version, the unreleased one first, and only the known kinds of change."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0].startswith("[Unreleased]")
    assert [one for one in versions[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", one)] == []
    kinds = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {"Added", "Changed", "Fixed"} <= set(kinds)


def test_templates_of_issues_can_be_read() -> None:
    """Each form has a name, a description and fields with a unique id, as the forge asks for."""
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) >= 4
    for form in forms:
        result = yaml.safe_load(form.read_text("utf-8"))
        if form.name == "config.yml":
            continue
        assert {"name", "description", "body"} <= set(result), form.name
        ids = [field["id"] for field in result["body"] if field["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 0


def test_the_versions_of_the_docs_tools_are_pinned() -> None:
    """Whatever a dependency group names has its exact version in constraints.txt."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.split("==")[0].casefold().replace("_", "-") for line in lines}
    wanted = [re.split(r"[<>=\[]", one)[0].casefold() for group in ("docs", "dev", "test") for one in groups[group]]
    assert [name for name in wanted if name.replace("_", "-") not in pinned] == []
