"""What somebody looks for, read: things, colours and their places, facts of files, what is not to be seen."""

from __future__ import annotations

import pytest

from lookalike.words.text_query import ColourTerm, FileTerm, TextQuery, read_query


def words(query: TextQuery) -> tuple[list[str], list[list[str]], list[str]]:
    unwanted = [[term.word for term in group] for group in query.unwanted]
    return [term.word for term in query.wanted], unwanted, list(query.unknown)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted", "unknown"),
    [
        ("Red car on a street", ["red", "car", "street"], [], []),
        ("a dog, no people", ["dog"], [["people"]], []),
        ("dog without a red ball at the beach", ["dog", "beach"], [["red", "ball"]], []),
        ("beach -red car, no dogs or people", ["beach", "car"], [["red"], ["dog"], ["people"]], []),
        ("dog not on a street", ["dog"], [["street"]], []),
        ("beautiful orange", ["orange"], [], ["beautiful"]),
        ("photo of a teddy bear", ["teddy bear"], [], []),
        ("", [], [], []),
    ],
)
def test_a_text_is_read(text: str, wanted: list[str], unwanted: list[list[str]], unknown: list[str]) -> None:
    """The longest compound counts; articles and prepositions say nothing; a "no" holds until the next of them, a
    minus for one term, and "or" goes on with what is not to be seen."""
    assert words(read_query(text)) == (wanted, unwanted, unknown)


def test_a_place_belongs_to_a_colour() -> None:
    """Of a thing nobody can tell where it is, and that is said."""
    assert read_query("blue at the top").wanted == (ColourTerm("blue", "blue", "top"),)
    assert read_query("dog on the left").unknown == ("left",)


def test_orange_is_a_fruit_or_a_colour() -> None:
    """A colour before a thing, a thing alone."""
    assert isinstance(read_query("orange cat").wanted[0], ColourTerm)
    assert not isinstance(read_query("orange").wanted[0], ColourTerm)


def test_files_answer_for_themselves() -> None:
    """Years, months, formats and proportions become filters."""
    query = read_query("screenshot png portrait July 2019")
    filters = [term.where for term in query.wanted if isinstance(term, FileTerm)]
    assert len(filters) == len(query.wanted) == 5
    assert filters[1:] == ["format = 'PNG'", "aspect < 1", "taken like '____-07-%'", "taken like '2019-%'"]


def test_all_of_the_other_text_is_unwanted() -> None:
    """Each part between commas is a group of its own."""
    assert words(read_query("street", "red cars, people"))[1] == [["red", "car"], ["people"]]
