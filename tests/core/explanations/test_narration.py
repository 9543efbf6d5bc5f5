"""Each entry in plain words, from what everyone may read of it."""

from __future__ import annotations

import json

import pytest

from sluicegate.core.explanations import narration
from sluicegate.core.explanations.narration import narrated, subject
from sluicegate_record import entries
from sluicegate_record.entries import people
from sluicegate_record.entries.body import Hidden
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
