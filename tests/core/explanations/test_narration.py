"""Each entry in plain words, from what everyone may read of it."""

from __future__ import annotations

import json

import pytest

from sluicegate.core.explanations import narration
from sluicegate.core.explanations.narration import narrated, subject
from sluicegate_record import entries
from sluicegate_record.entries import people
from sluicegate_record.entries.body import Hidden
from sluicegate_record.entries.cases import PositionRecorded
from sluicegate_record.entries.directives import DirectiveLifted
from sluicegate_record.log.leaf import Opening
from tests.vectors.make_every_act import FOLDER

LEAVES = [
    json.loads(line)["leaf"].encode()
    for file in sorted(FOLDER.glob("entries-*.jsonl"))
    for line in file.read_text().splitlines()
]
READ = [entries.read(leaf) for leaf in LEAVES]


@pytest.mark.parametrize("type_", sorted({entry.type for entry in READ}))
def test_what_everyone_may_read_is_said_in_one_line(type_: str) -> None:
    for entry in (each for each in READ if each.type == type_):
        text = narrated(entry)
        assert text.strip() == text != ""
        assert "None" not in text.split()
        assert not any(each in text for each in ("\n", Hidden.__name__, Opening.__name__))
        assert subject(entry)


def test_each_type_that_is_not_about_persons_has_its_own_words() -> None:
    without = {body.type for body in entries.TYPES.values() if body not in narration._SAID}
    of_persons = {body.type for body in entries.TYPES.values() if body.__module__ == people.__name__}
    assert without <= of_persons | {"credential.attested", "identifiers.declared"}


def said(type_: str) -> set[str]:
    return {narrated(entry) for entry in READ if entry.type == type_}


def test_what_officers_wrote_down_is_not_said_by_its_agency() -> None:
    for type_, whose in (("position.recorded", "bis says approve in case"), ("directive.issued", "of bis: ")):
        written = [each for each in said(type_) if each.startswith("written down by ")]
        who = "written down by release-officer and second-officer (letter of 2026-"
        assert any(
            each.startswith(who) and "), not signed by bis: " in each and whose in each for each in written
        )
    for entry in READ:
        if isinstance(entry.body, PositionRecorded) and entry.body.transcribed is not None:
            assert "not signed by" in narrated(entry)


def test_which_part_of_a_directive_is_lifted_is_said() -> None:
    for entry in READ:
        scope = entry.body.scope if isinstance(entry.body, DirectiveLifted) else None
        if scope is not None:
            assert narrated(entry).endswith(" only is lifted")
            assert all(each in narrated(entry) for each in (*(scope.models or ()), *(scope.surfaces or ())))
    assert any(each.endswith(" only is lifted") for each in said("directive.lifted"))
