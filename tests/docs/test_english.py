"""Plain English is checked, and the check can fail."""

from pathlib import Path

import pytest

from tools import english

ROOT = Path(__file__).parents[2]
NONE = dict.fromkeys(english.BUDGETS, 0)


def test_the_docs_and_docstrings_are_within_their_budgets():
    lines, is_within = english.report(ROOT, english.BUDGETS)
    assert is_within, "\n".join(lines)


@pytest.mark.parametrize(
    "sentence",
    [
        "The agency to whom it is sent.",
        "Whoever signs it.",
        "A URL that is none.",
        "Nobody is refused, lest it fails.",
        "As they were told.",
        "It shall be sent anew.",
        "What becomes of a grant.",
        "Made by its constructor, it is safe.",
        "It is safe. Of the parts only one is public.",
    ],
)
def test_a_listed_word_is_found_with_its_line(sentence, tmp_path):
    (tmp_path / "page.md").write_text(f"# A page\n\n{sentence}\n")
    lines, is_within = english.report(tmp_path, NONE)
    assert not is_within
    assert lines[0].startswith("page.md:3: ")


@pytest.mark.parametrize(
    "text", ["The agency signs it.", "`whoever`", "```\nnobody\n```", "It returns None: the key is None."]
)
def test_plain_words_and_code_are_not(text, tmp_path):
    (tmp_path / "page.md").write_text(text)
    assert english.report(tmp_path, NONE) == ([], True)


def test_docstrings_have_a_budget_of_their_own(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "one.py").write_text('"""Plain."""\n\nX = 1\n"""Whoever reads it."""\n')
    lines, is_within = english.report(tmp_path, NONE)
    assert not is_within
    assert lines[0].startswith("src/one.py:4: 'Whoever'")
    assert english.report(tmp_path, NONE | {"docstrings": 1}) == ([], True)


def test_a_generated_page_has_another_budget(tmp_path):
    (tmp_path / "page.md").write_text(f"{english.GENERATED}\nNobody.\n")
    assert english.report(tmp_path, NONE | {"generated pages": 1}) == ([], True)
    assert not english.report(tmp_path, NONE)[1]
