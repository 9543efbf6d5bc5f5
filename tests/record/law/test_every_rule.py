"""No rule of the law stands without a lie that it alone finds, in one of the tables of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from sluicegate_record.law import RULES
from tests.record.law.test_checks import Untrue
from tests.record.law.test_law import LIES

TOLD_APART = {"is_the_applicants", "opens_terms_in_force", "is_tighter"}
"""Rules with tests of their own."""


def untrue() -> Iterator[Untrue]:
    """What is untrue in any table of any module here."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        tables = vars(import_module(f"tests.record.law.{path.stem}")).values()
        for table in (each for each in tables if isinstance(each, dict)):
            yield from (each for each in table.values() if isinstance(each, Untrue))


def test_every_rule_is_broken_by_some_lie() -> None:
    rules = {rule.__name__ for rules in RULES[1].values() for rule in rules}
    broken = {each.rule for each in untrue()} | {rule for *_, rule in LIES.values()}
    assert rules - broken <= TOLD_APART
