"""Texts in Chinese, read: cut into the longest words of the table, with the grammar that searches need."""

from __future__ import annotations

import pytest

from lookalike.words.class_names import class_names
from lookalike.words.tag_head import tag_head
from lookalike.words.text_query import ColourTerm, FileTerm, read_query
from lookalike.words.vocabulary import Concept, vocabulary


def only(text: str) -> Concept:
    (term,) = read_query(text).wanted
    assert isinstance(term, Concept)
    return term


@pytest.mark.parametrize(
    ("text", "english"), [("狗", "dog"), ("车辆", "vehicle"), ("家具", "furniture"), ("乐器", "musical instrument")]
)
def test_a_hypernym_means_what_its_english_word_means(text: str, english: str) -> None:
    """The same classes and tags, called by the word that was written."""
    expected = vocabulary().find(english)
    assert expected is not None
    term = only(text)
    assert (term.word, term.classes, term.tags) == (text, expected.classes, expected.tags)


@pytest.mark.parametrize(
    ("text", "name"), [("黑天鹅", "black swan"), ("起重机", "construction crane"), ("鹤", "crane bird")]
)
def test_a_word_may_be_one_class(text: str, name: str) -> None:
    """Where the English word means several: a crane lifts, or flies."""
    assert [class_names()[number] for number in only(text).classes] == [name]


def test_a_word_may_be_a_tag() -> None:
    """Scenes, which no class names."""
    assert [tag_head().names[number] for number in only("街道").tags] == ["street"]


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted", "unknown"),
    [
        ("街道上的红色汽车", ["街道", "红色", "汽车"], [], []),
        ("一张雪地里的狗的照片", ["雪地", "狗"], [], []),
        ("狗，没有人", ["狗"], [["人"]], []),
        ("没有人的海滩", ["海滩"], [["人"]], []),
        ("没有红色的汽车，街道", ["街道"], [["红色", "汽车"]], []),
        ("没有人和车的街道", ["街道"], [["人"], ["车"]], []),
        ("海滩 -狗 person", ["海滩", "person"], [["狗"]], []),
        ("穿T恤的男人", ["t恤", "男人"], [], []),
    ],
)
def test_grammar(text: str, wanted: list[str], unwanted: list[list[str]], unknown: list[str]) -> None:
    """What is between words, a "no" before a noun's attribute, and English among Chinese."""
    query = read_query(text)
    assert [term.word for term in query.wanted] == wanted
    assert [[term.word for term in group] for group in query.unwanted] == unwanted
    assert list(query.unknown) == unknown


@pytest.mark.parametrize("text", ["人工智能", "火星人", "漂亮"])
def test_what_is_in_no_table_is_named_as_a_whole(text: str) -> None:
    """人 is a person, but not within a longer word."""
    assert (read_query(text).wanted, read_query(text).unknown) == ((), (text,))


def test_an_adjective_that_nobody_can_judge_leaves_its_noun() -> None:
    """A big dog is a dog."""
    query = read_query("大狗")
    assert ([term.word for term in query.wanted], query.unknown) == (["狗"], ("大",))


def test_a_place_stands_before_its_colour_or_behind() -> None:
    """And behind a thing it says where the thing is, which nobody can tell."""
    places = [term.area for term in read_query("上面是蓝色，绿色在下面").wanted if isinstance(term, ColourTerm)]
    assert places == ["top", "bottom"]
    assert [term.word for term in read_query("桌子上面的猫").wanted] == ["桌子", "猫"]
    assert read_query("狗在上面").unknown == ("上面",)


def test_facts_of_files() -> None:
    """Dates with their signs, full-width figures too, and proportions."""
    query = read_query("２０１９年5月的竖图")
    assert [term.where for term in query.wanted if isinstance(term, FileTerm)] == [
        "taken like '2019-%'",
        "taken like '____-05-%'",
        "aspect < 1",
    ]
