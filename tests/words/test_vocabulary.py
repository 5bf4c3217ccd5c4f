"""What words stand for: synonyms, hypernyms, plurals and compounds; of a word's senses those that people mean."""

from __future__ import annotations

import pytest

from lookalike.words.class_names import class_names
from lookalike.words.tag_head import tag_head
from lookalike.words.vocabulary import vocabulary


def classes(word: str) -> set[str]:
    concept = vocabulary().find(word)
    assert concept is not None
    return {class_names()[number] for number in concept.classes}


def tags(word: str) -> set[str]:
    concept = vocabulary().find(word)
    assert concept is not None
    return {tag_head().names[number] for number in concept.tags}


@pytest.mark.parametrize(
    ("word", "some"),
    [
        ("dog", {"Beagle", "pug"}),
        ("musical instrument", {"violin", "harp"}),
        ("vehicle", {"minivan", "fire truck"}),
        ("automobile", {"convertible", "sports car"}),
    ],
)
def test_a_hypernym_or_a_synonym_finds_its_hyponyms(word: str, some: set[str]) -> None:
    """By names of classes, as a person knows them."""
    assert some <= classes(word)


def test_a_cat_is_no_lion() -> None:
    """WordNet's rare sense "big cat" is left out; "feline" has both."""
    assert "tabby cat" in classes("cat") <= classes("feline")
    assert "lion" in classes("feline") - classes("cat")


def test_tags_stand_for_what_no_class_names() -> None:
    """Their synonyms too, one that has a tag of its own besides; a compound that WordNet lacks; a hypernym has the tags
    below it."""
    assert tags("street") == {"street"}
    assert tags("road") == {"street", "road"}
    assert tags("potted plant") == {"potted plant"}
    assert {"sofa", "chair", "table"} <= tags("furniture")


@pytest.mark.parametrize(
    ("many", "one"),
    [("dogs", "dog"), ("mice", "mouse"), ("knives", "knife"), ("buses", "bus"), ("people", "person"),
     ("cell phones", "cell phone"), ("hot-dogs", "hot dog"), ("teddy bears", "teddy bear")],
)  # fmt: skip
def test_plurals_and_compounds_stand_for_the_same(many: str, one: str) -> None:
    """Irregular ones, hyphens, and words that others write as one."""
    a, b = vocabulary().find(many), vocabulary().find(one)
    assert a is not None
    assert b is not None
    assert (a.classes, a.tags) == (b.classes, b.tags)


@pytest.mark.parametrize("word", ["beautiful", "object", "entity", "xyzzy"])
def test_what_nobody_can_judge_is_not_known(word: str) -> None:
    """Feelings, words that mean nearly everything, and no words at all."""
    assert vocabulary().find(word) is None
