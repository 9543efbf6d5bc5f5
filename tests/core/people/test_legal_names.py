"""Which spellings mean the same organization."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.people import legal_names
from sluicegate.core.people.legal_names import bare_key, latin_form, look_alikes, name_key

NAME = "O'Example-Brown Labs, Inc."
SAME = (
    "O\u2019Example-Brown Labs, Inc.",
    "O\u02bcExample\u2011Brown Labs, Inc",
    "O\u00b4EXAMPLE\u2013Brown  Labs Inc.",
    "O`Example Brown Labs, Inc.",
    "\uff2f\uff07Example/Brown\u00a0Labs; Inc",
    "\u201cO'Example-Brown Labs\u201d, Inc.",
    "OExample-Brown Labs (Inc.)",
)
OTHER = (
    "O'Example-Brown Labs, Inc. (a.k.a. OEB)",
    "O'\u0415x\u0430mple-Brown L\u0430bs, Inc.",
    "O'Example-Browne Labs, Inc.",
    "O'Ex\u00e4mple-Brown Labs, Inc.",
    "O'ExampleBrown Labs, Inc.",
    "O'Example-Brown Labs, Ltd.",
    "Inc. O'Example-Brown Labs",
)


@pytest.mark.parametrize(
    "name", ["Example Utility", "EXAMPLE UTILITY", "  example\u00a0 utility ", "\uff25xample Utility"]
)
def test_spellings_of_one_name_have_one_key(name: str) -> None:
    assert name_key(name) == "example utility"


def test_other_names_have_other_keys() -> None:
    names = [
        "Example Utility",
        "ExampleUtility",
        "Example Utilities",
        "Ex\u00e4mple Utility",
        "Example-Utility",
    ]
    assert len({name_key(name) for name in names}) == len(names)
    assert name_key("Stra\u00dfe") == name_key("STRASSE")


@pytest.mark.parametrize("name", SAME)
def test_names_that_differ_in_punctuation_have_the_same_bare_form(name: str) -> None:
    assert bare_key(name) == bare_key(NAME)
    assert name_key(name) != name_key(NAME)


@pytest.mark.parametrize("name", OTHER)
def test_names_of_other_letters_do_not(name: str) -> None:
    assert bare_key(name) != bare_key(NAME)


def test_and_is_a_word() -> None:
    names = ("Smith & Sons", "Smith&Sons", "SMITH and Sons")
    assert {bare_key(name) for name in names} == {"smith and sons"}


def test_a_name_of_signs_only_is_no_empty_name() -> None:
    assert bare_key("!!!") == "!!!"
    assert bare_key("!!!") != bare_key("???")


@given(st.text(max_size=40))
def test_a_key_of_a_key_is_the_key(name: str) -> None:
    """So what is stored, which is a key, is found by the name."""
    assert bare_key(name_key(name)) == bare_key(name)
    assert bare_key(bare_key(name)) == bare_key(name)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        (NAME, ""),
        (OTHER[1], "\u0415\u0430"),
        ("\u0410\u043a\u0446\u0438\u043e\u043d\u0435\u0440 Example", ""),  # words of one alphabet each
        ("\u0391cme", "\u0391"),
        ("\u65e5\u672cExample", ""),  # no letter of it could be taken for another
        ("Ex\u00e4mple", ""),
    ],
)
def test_letters_of_another_alphabet_within_a_word_are_found(name: str, letters: str) -> None:
    assert look_alikes(name) == letters


def test_what_looks_the_same_has_one_latin_form() -> None:
    assert latin_form(OTHER[1]) == latin_form(NAME) == bare_key(NAME)


def test_names_share_a_tag_if_they_are_taken_for_one() -> None:
    key = bytes(32)
    assert len(legal_names.tags(key, "Example Utility")) == 1
    spelled, bare = legal_names.tags(key, NAME)
    assert spelled != bare
    assert all(bare in legal_names.tags(key, name) for name in SAME)
    assert not any({spelled, bare} & {*legal_names.tags(key, name)} for name in OTHER)
