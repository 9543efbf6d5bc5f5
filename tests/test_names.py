"""One name, one meaning: every public class has its name alone, in both packages."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from sluicegate.acts.table import ACTS

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT / "record/src", ROOT / "src")


def test_every_public_class_has_its_name_alone() -> None:
    found = defaultdict(list)
    for path in (each for source in SOURCES for each in sorted(source.rglob("*.py"))):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(ROOT)))
    assert found
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


PARTICIPLES = ("Shown", "Gone", "Taken", "Known", "Chosen", "Made", "Over", "Opened")


def test_the_answers_of_acts_are_named_by_nouns() -> None:
    answers = {act.answered.__name__ for act in ACTS.values()}
    assert {name for name in answers if name.endswith(("ed", *PARTICIPLES))} == set()
