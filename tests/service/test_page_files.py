"""The files of the page as they lie in the package: nothing missing, nothing twice, every text in both languages."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "src" / "lookalike" / "page"
VIEWS = sorted(one.name for one in PAGE.iterdir() if one.is_dir())
SCRIPTS = sorted(PAGE.glob("**/*.js"))
ENTRY = re.compile(r'^  (?:"([^"]+)"|([\w-]+)): (\[.*\]|".*"),$', re.MULTILINE)


@cache
def text(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def words(folder: Path) -> dict[str, list[str]]:
    """The texts of a folder, each [English, Chinese]; one alone is the Chinese of a name that is English already."""
    found = {quoted or plain: json.loads(value) for quoted, plain, value in ENTRY.findall(text(folder / "words.js"))}
    assert len(found) == sum(": " in line and line.startswith("  ") for line in text(folder / "words.js").splitlines())
    return {key: [key.partition(".")[2], one] if isinstance(one, str) else one for key, one in found.items()}


def known(script: Path) -> dict[str, list[str]]:
    """The texts that a script may use: everybody's, and those of its view."""
    return words(PAGE) | (words(script.parent) if script.parent != PAGE else {})


def test_each_view_is_a_folder_of_its_code_its_words_and_its_look():
    """What views.js loads by the view's name is there."""
    views = "compare detail duplicates library map people search shop start text videos"
    assert views.split() == VIEWS
    for view in VIEWS:
        for name in (f"{view}.js", "words.js", f"{view}.css"):
            assert (PAGE / view / name).is_file()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(PAGE)))
def test_what_is_imported_is_there(script: Path):
    """Each file that another one names, with each name that it takes from it."""
    for names, where in re.findall(r'import (.+) from "(\.[^"]+)"', text(script)):
        target = (script.parent / where).resolve()
        for name in re.findall(r"\w+", names) if names.startswith("{") else []:
            assert re.search(rf"export (?:async )?(?:function|const|let|class) {name}\b", text(target)), (name, target)
        assert target.is_file()


@pytest.mark.parametrize("view", VIEWS)
def test_views_share_nothing_but_the_common_ground(view: str):
    """No view imports from another one's folder: each can be opened without the others."""
    for script in (PAGE / view).glob("*.js"):
        assert not set(re.findall(r'from "\.\./(\w+)/', text(script)))


def test_the_addresses_of_the_api_stand_in_one_file():
    """Who changes the API changes api.js."""
    assert [script.name for script in SCRIPTS if "/v1/" in text(script)] == ["api.js"]


@pytest.mark.parametrize("folder", ["", *VIEWS])
def test_every_text_is_there_in_both_languages(folder: str):
    """English without Chinese characters, Chinese with some unless it is a sign, and the same blanks in both."""
    for key, (english, chinese) in words(PAGE / folder).items():
        assert english, key
        assert not re.search("[一-鿿]", english), key
        assert re.search("[一-鿿]", chinese), key
        blanks = [sorted(set(re.findall(r"\{(\w+)\}", one))) for one in (english, chinese)]
        assert blanks[0] == blanks[1], key


def test_no_text_is_there_twice():
    """Views learn their words into one dictionary: no key may stand in two of them."""
    keys = [key for folder in ("", *VIEWS) for key in words(PAGE / folder)]
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(PAGE)))
def test_every_text_that_is_used_is_known(script: Path):
    """By its whole name, or by a name that is put together: "why." and the relation."""
    for call in re.findall(r"\bt\(([^(){]*)", re.sub(r"`[^`]*`", "", text(script))):
        assert set(re.findall(r'"([^"]+)"', call)) <= set(known(script))
    for pattern in put_together(text(script)):
        assert any(re.fullmatch(pattern, key) for key in known(script)), pattern


@pytest.mark.parametrize("folder", ["", *VIEWS])
def test_every_text_is_used(folder: str):
    """A view's own in its own scripts or through the common ones, everybody's anywhere."""
    code = "\n".join(
        text(one)
        for one in SCRIPTS
        if one.name != "words.js" and (not folder or one.parent.name in (folder, PAGE.name))
    )
    patterns = put_together(code)
    for key in words(PAGE / folder):
        assert f'"{key}"' in code or any(re.fullmatch(pattern, key) for pattern in patterns), key


def put_together(code: str) -> list[str]:
    """Patterns of the names that code puts together: t(`why.${relation}`), and named("by", name)."""
    templates = [one.split("${") for one in re.findall(r"\bt\(`([^`]+)`", code)]
    begun = [re.escape(f"{name}.") + ".+" for name in re.findall(r'\bnamed\("(\w+)"', code)]
    return begun + [
        ".+".join([re.escape(first), *(re.escape(one.partition("}")[2]) for one in rest)]) for first, *rest in templates
    ]


def test_no_class_is_styled_by_two_views():
    """Stylesheets stay once they were loaded: what a view looks like must not hang on which was opened before."""
    styled = {view: set(re.findall(r"\.([a-z][\w-]*)", rules(PAGE / view / f"{view}.css"))) for view in VIEWS}
    common = set(re.findall(r"\.([a-z][\w-]*)", rules(PAGE / "style.css")))
    for view in VIEWS:
        for other in VIEWS:
            assert view == other or not (styled[view] & styled[other]) - common, (view, other)


def rules(sheet: Path) -> str:
    """The selectors of a stylesheet."""
    return "\n".join(re.findall(r"([^{};]+)\{", text(sheet)))
