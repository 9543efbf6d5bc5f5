"""What is written as CSV computes nothing where it is opened, whatever separates cells there."""

from __future__ import annotations

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core import sheet

STARTS = re.compile('[\\s"]*[=+\\-@\uff1d\uff0b\uff0d\uff20]')
SEPARATORS = ",;\t|"
TEXTS = st.text(st.sampled_from("=+-@\uff1d;,|\t\r\n \"'x1"), max_size=12)


FORMULAS = ("=1+1", "x;=1+1", "x,+1", " =1", '"=1', "x\t@a", "a\n-1", "x; =1", "\uff1d1")


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_none(cell: str) -> None:
    assert not formulas(sheet.written([["a", cell, "b"]]))
    assert sheet.harmless(cell) != cell


@pytest.mark.parametrize("cell", ["", "2026-06-26", "a-b", "x=1", "a b; c", "it's", "a@b.example"])
def test_a_plain_text_stays_as_it_is(cell: str) -> None:
    assert sheet.harmless(cell) == cell


def test_numbers_stay_numbers() -> None:
    assert sheet.written([["a", -1, 2.5]]) == "a,-1,2.5\n"


@given(rows=st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_no_cell_is_a_formula_for_any_reader(rows: list[list[str]]) -> None:
    assert not formulas(sheet.written(rows))


def formulas(text: str) -> list[str]:
    """The cells that begin as formulas do, by readers with each separator, with quotes and without."""
    cells = [cell for each in SEPARATORS for line in text.splitlines() for cell in line.split(each)]
    for each in SEPARATORS:
        cells += [cell for row in csv.reader(text.splitlines(keepends=True), delimiter=each) for cell in row]
    return [cell for cell in cells if STARTS.match(cell)]
