"""The reference is whole: every command, request, public name and term stands in it, and nothing else does."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import lookalike
from lookalike.cli import cli
from lookalike.service.app import create_app
from lookalike.service.settings import Settings

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(autouse=True)
def extensions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules that write the pages can be imported, and are gone afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    yield
    for name in set(sys.modules) - before:
        if name in {"cli_page", "http_page", "links", "markup"}:
            del sys.modules[name]


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command below ``group`` with the words that call it."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def sections(text: str, level: str) -> dict[str, str]:
    """Heading -> what stands below it, up to the next heading of any level."""
    parts = re.split(rf"^({level} .+)$", text, flags=re.MULTILINE)
    return {head.lstrip("# "): body for head, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_command_and_option_is_in_the_reference() -> None:
    """The page has one section for each command of the parser, with each of its options under all its names."""
    import cli_page

    page = sections(cli_page.markdown(), "#+")
    known = dict(commands(cli, "lookalike"))
    assert list(page) == list(known)
    assert len(known) > 25
    options = [
        (path, option) for path, one in known.items() for option in one.params if isinstance(option, click.Option)
    ]
    missing = [
        f"{path} {name}"
        for path, option in options
        for name in [*option.opts, *option.secondary_opts]
        if not option.hidden and not re.search(rf"^`.*(?<![\w-]){re.escape(name)}(?![\w-])", page[path], re.MULTILINE)
    ]
    assert missing == []


def test_every_command_says_what_it_does() -> None:
    """No command and no option of the reference is without a sentence."""
    known = dict(commands(cli, "lookalike"))
    silent = [path for path, command in known.items() if not (command.help or "").strip()]
    silent += [
        f"{path} {option.name}"
        for path, command in known.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden and not option.help
    ]
    assert silent == []


def test_every_request_and_schema_is_in_the_reference() -> None:
    """The page has one section for each request and each schema of the OpenAPI document, with each of its fields."""
    import http_page

    document = create_app(Settings(gallery="any.gallery")).openapi()
    page = sections(http_page.markdown(), "###")
    requests = [f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations]
    assert len(requests) > 25
    assert [request for request in requests if request not in page] == []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for one in operation.get("parameters", ()):
                assert f"| `{one['name']}` |" in page[f"{method.upper()} {path}"]
    for name, schema in document["components"]["schemas"].items():
        if not name.startswith("Body_"):
            assert [key for key in schema.get("properties", {}) if f"| `{key}` |" not in page[name]] == []


def test_the_pages_have_their_generated_part() -> None:
    """Each is written whenever the docs are built: what is in the repository has a mark in its place."""
    for name in ("cli", "http"):
        assert f"\n<!-- generated: {name} -->\n" in (REFERENCE / f"{name}.md").read_text("utf-8")


def test_every_public_name_is_in_the_reference() -> None:
    """The first page of the Python reference has the names in ``lookalike.__all__``, and no others."""
    text = (REFERENCE / "python" / "index.md").read_text("utf-8")
    documented = re.findall(r"^\.\. auto\w+:: lookalike\.(\w+)$", text, re.MULTILINE)
    assert sorted(documented) == sorted(set(lookalike.__all__) - {"__version__"})


def test_text_is_escaped_but_not_code() -> None:
    """What a help text means literally is not taken for markup."""
    from markup import escaped

    assert escaped("a*b [x] `*.jpg` <N> ``--x_y``") == r"a\*b \[x\] `*.jpg` \<N\> ``--x_y``"


def test_links_from_elsewhere_are_led_to_pages() -> None:
    """A link works in the repository, where it was written, and in the site, where files beside docs/ have a page."""
    from links import relinked

    page = ROOT / "docs" / "project" / "changelog.md"
    assert relinked("[a](docs/tutorial.md#x)", ROOT, page) == "[a](../tutorial.md#x)"
    assert relinked("[a](SECURITY.md)", ROOT, page) == "[a](security.md)"
    assert relinked("[a](https://example.org/a.md)", ROOT, page) == "[a](https://example.org/a.md)"
    assert relinked("[a](src/lookalike/types.py)", ROOT, page) == "[a](../../src/lookalike/types.py)"
