"""Numbers as shops write them."""

from __future__ import annotations

import pytest

from lookalike.gallery.catalogue.numbers import decimal_mark, is_plain, number


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["12.90", "1,299.00"], [12.9, 1299.0]),
        (["12,90 €", "1.299,00 €", "5"], [12.9, 1299.0, 5.0]),
        (["$1,299", "$12"], [1299.0, 12.0]),
        (["EUR 4,5", "1.299"], [4.5, 1299.0]),
        (["1'299.50", "CHF 3"], [1299.5, 3.0]),
        (["-3", "0"], [-3.0, 0.0]),
        (["1,299,000", "2.5"], [1299000.0, 2.5]),
        (["39.90", "24.50", "129,00 €", "1.299,00", "1,299"], [39.9, 24.5, 129.0, 1299.0, 1299.0]),
    ],
)
def test_a_column_is_read_by_the_decimal_mark_of_most_of_its_values(column, expected):
    mark = decimal_mark(column)
    assert expected == [number(text, mark) for text in column]


@pytest.mark.parametrize("text", ["on request", "", "12.90.1", "1,2,3", "10-20", "€", "nan", "1e5 m2"])
def test_what_is_no_number_is_none(text):
    assert number(text, ".") is None


def test_codes_with_leading_zeros_and_long_article_numbers_stay_text():
    assert [is_plain(text) for text in ("00123", "4006381333931", "7", "7.5")] == [False, False, True, True]
