"""Identifiers of organizations: which are one, and which are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.people import identifiers, legal_names
from sluicegate.core.people.identifiers import lei, registration

LEI = "00000EXAMPLEUTILIT31"
KEY = bytes(32)


@pytest.mark.parametrize(
    "text", [LEI, LEI.lower(), f" {LEI} ", "0000 0EXA MPLE UTIL IT31", "0000-0EXA-MPLE-UTIL-IT31",
             "\uff10" * 5 + LEI[5:]]
)  # fmt: skip
def test_spellings_of_one_lei_are_one(text: str) -> None:
    assert lei(text) == LEI


@pytest.mark.parametrize(
    "text", ["", LEI[:-1], LEI + "1", LEI[:-1] + "2", "0" * 20, "O" + LEI[1:], f"{LEI}\n1"]
)
def test_what_is_no_lei(text: str) -> None:
    with pytest.raises(ValueError, match="check digits"):
        lei(text)


@given(st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_wrong_sign_in_an_lei_is_found(at: int, sign: str) -> None:
    """Of the same kind: a letter for a digit is found in 96 of 97 cases."""
    if sign != LEI[at] and sign.isdigit() == LEI[at].isdigit():
        with pytest.raises(ValueError, match="check digits"):
            lei(LEI[:at] + sign + LEI[at + 1 :])


@given(st.integers(0, 18))
def test_two_signs_of_an_lei_in_another_order_are_found(at: int) -> None:
    one, other = LEI[at], LEI[at + 1]
    if one != other and one.isdigit() == other.isdigit():
        with pytest.raises(ValueError, match="check digits"):
            lei(LEI[:at] + other + one + LEI[at + 2 :])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("US-DE 0012345", "US-DE 12345"),
        ("us-de:12345", "US-DE 12345"),
        ("US\u2010DE  12.345", "US-DE 12345"),
        ("GB 00012345", "GB 12345"),
        ("GB SC012345", "GB SC012345"),
        ("DE HRB 12-345", "DE HRB12345"),
        ("FR 0", "FR 0"),
    ],
)
def test_spellings_of_one_number_in_a_register_are_one(text: str, found: str) -> None:
    assert registration(text) == found
    assert registration(found) == found


@pytest.mark.parametrize(
    "text", ["", "12345", "US", "US-DE", "UK 12345", "USA 1", "US-DELA 1", "US-DE #1", "US-DE " + "1" * 61]
)
def test_what_is_no_number_in_a_register(text: str) -> None:
    with pytest.raises(ValueError, match="register"):
        registration(text)


def test_a_register_is_part_of_a_number() -> None:
    assert len({registration(f"{where} 12345") for where in ("US-DE", "US-NY", "US", "GB")}) == 4


@pytest.mark.parametrize(
    "name", ["Example Utility", "lei:", f"lei:{LEI[:-1]}2", f"lie:{LEI}", LEI, "registry:12345"]
)
def test_what_is_no_identifier_is_a_name(name: str) -> None:
    assert identifiers.key(name) is None
    assert legal_names.listed_tags(KEY, name) == legal_names.tags(KEY, name)


@pytest.mark.parametrize("one", [f"lei:{LEI}", f"LEI: {LEI.lower()}"])
def test_an_identifier_has_one_tag_in_all_its_spellings(one: str) -> None:
    assert legal_names.listed_tags(KEY, one) == legal_names.listed_tags(KEY, f"lei:{LEI}")
    assert len(legal_names.listed_tags(KEY, one)) == 1


def test_a_legal_name_that_is_written_as_an_identifier_has_not_its_tag() -> None:
    """Or someone of such a name would be excepted wherever the identifier is."""
    (tag,) = legal_names.listed_tags(KEY, f"lei:{LEI}")
    for name in (f"lei:{LEI}", f"\nlei:{LEI}", f"LEI:{LEI}", LEI):
        assert tag not in legal_names.tags(KEY, name)
