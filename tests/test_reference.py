"""The reference is whole: every command, request, public name and term stands in it, and nothing else does."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
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
        if name in {"cli_page", "http_page", "python_page", "links", "markup"}:
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


def options_of(path: str, command: click.Command) -> list[click.Option]:
    """Those that ``--help`` shows, but for itself; a command may make its own when they are asked for."""
    params = command.get_params(click.Context(command, info_name=path))
    return [one for one in params if isinstance(one, click.Option) and not one.hidden and "--help" not in one.opts]


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
        for name in opts(option)
        if not re.search(rf"^`.*(?<![\w-]){re.escape(name)}(?![\w-])", page[path], re.MULTILINE)
    ]
    assert missing == []


def test_every_command_says_what_it_does() -> None:
    """No command and no option of the reference is without a sentence."""
    known = dict(commands(cli, "lookalike"))
    silent = [path for path, command in known.items() if not (command.help or "").strip()]
    silent += [
        f"{path} {option.name}"
        for path, command in known.items()
        for option in options_of(path, command)
        if not option.help
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


def test_every_sub_package_is_in_the_reference() -> None:
    """Each package and module right below ``lookalike`` has a page, made at every build, but for surfaces and tools."""
    surfaces = {"cli", "page", "service", "demo", "version", "__main__", "__init__"}
    ground = {"csvfile", "distance", "formatting", "logistic", "parallel", "paths", "pca"}
    rooms = {path.stem for path in (ROOT / "src" / "lookalike").iterdir() if path.suffix == ".py" or path.is_dir()}
    pages = {path.stem for path in (REFERENCE / "python").glob("*.md")} - {"index"}
    assert pages == {room for room in rooms if not room.startswith("__")} - surfaces - ground
    for page in pages:
        text = (REFERENCE / "python" / f"{page}.md").read_text("utf-8")
        assert f"\n<!-- generated: python:lookalike.{page} -->\n" in text


def test_a_page_of_a_package_has_its_functions_and_classes() -> None:
    """What a module defines is there, once; what it imports, what is private, and what the first page has are not."""
    import python_page

    text = python_page.markdown("lookalike.descriptors")
    members = re.findall(r"automodule:: ([\w.]+)\n   :members: (.+)", text)
    assert "DescriptorCard" in dict(members)["lookalike.descriptors.base"]
    assert "Colour" in dict(members)["lookalike.descriptors.hashes.colour"]
    assert len(members) == len(dict(members))
    assert not re.search(r"\bImage\b|\b_\w+", " ".join(dict(members).values()))


def test_the_glossary_is_sorted_and_names_files_that_speak_of_the_term() -> None:
    """One line for each term, in alphabetical order; its file exists, and the file or its path has a word of it."""
    lines = re.findall(
        r"^- \*\*(.+?)\*\*: (.+\.) `(.+)`$", (REFERENCE / "glossary.md").read_text("utf-8"), re.MULTILINE
    )
    terms = [term for term, _, _ in lines]
    assert len(terms) == (REFERENCE / "glossary.md").read_text("utf-8").count("\n- ")
    assert len(terms) > 80
    assert terms == sorted(set(terms), key=str.casefold)
    files = {term: ROOT / "src" / "lookalike" / file for term, _, file in lines}
    assert [term for term, file in files.items() if not file.is_file()] == []
    assert [term for term, file in files.items() if not speaks_of(file, term)] == []


def speaks_of(file: Path, term: str) -> bool:
    text = f"{file} {file.read_text('utf-8')}".casefold()
    words = re.findall(r"[\w+]{3,}", term.casefold())
    return any(word in text or word.removesuffix("s") in text for word in words)


def test_the_words_about_http_are_those_of_the_document() -> None:
    """Each name in the hand-written part of the page is a name in the OpenAPI document."""
    import http_page

    known = json.dumps(http_page.document())
    names = re.findall(r"`([a-z][a-z_]+)`", (REFERENCE / "http.md").read_text("utf-8"))
    assert len(names) > 20
    assert [name for name in names if f'"{name}"' not in known] == []


def test_the_commands_of_all_pages_exist() -> None:
    """Each line with ``lookalike`` in a block of any page calls a command that there is, with options that it has."""
    known = dict(commands(cli, "lookalike"))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    blocks = [
        block for page in pages for block in re.findall(r"^```(?:sh)?\n(.*?)^```", page.read_text("utf-8"), FLAGS)
    ]
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("lookalike ")]
    assert len(lines) > 60
    assert [line for line in lines if not can_be_called(known, line)] == []


def test_the_options_that_the_text_names_exist() -> None:
    """An option in backticks is one of some command."""
    known = {name for path, one in commands(cli, "lookalike") for o in options_of(path, one) for name in opts(o)}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]  # the changelog also names those that were
    spans = [span for page in pages for span in re.findall(r"`([^`\n]+)`", page.read_text("utf-8"))]
    named = {word for span in spans for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", span)}
    assert len(named) > 30
    assert sorted(named - known - {"--help"}) == []


def opts(option: click.Option) -> list[str]:
    return [*option.opts, *option.secondary_opts]


FLAGS = re.MULTILINE | re.DOTALL


def can_be_called(known: Mapping[str, click.Command], line: str) -> bool:
    path, words = "lookalike", shlex.split(re.split(r"  #| \| ", line)[0])[1:]
    while words and f"{path} {words[0]}" in known:
        path = f"{path} {words.pop(0)}"
    if path not in known:
        return False
    options = {name for one in options_of(path, known[path]) for name in opts(one)}
    return {word for word in words if re.match(r"--?[a-z]", word)} <= options | {"--help", "-h"}


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
