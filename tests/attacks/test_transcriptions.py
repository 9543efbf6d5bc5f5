"""An order that two officers say has come: they say which letter or call it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluicegate.core.lifecycle.directives import IssueDirective
from sluicegate.errors import BadEnvelope
from sluicegate_record.directives.received import Arrival
from sluicegate_record.statements.cases import Transcription
from tests import worlds
from tests.core.lifecycle.test_directives import LETTER, lifting, transcription
from tests.worlds import LOG, OFFICER, OTHER_OFFICER, World, directive_value, signed

NOTHING = {"how": "letter", "on": "2026-06-12"}


def test_a_transcription_of_nothing_in_particular_is_none() -> None:
    world, value = World.opened(), directive_value("d-1", issuer="bis", liftedBy={"allOf": ["bis"]})
    value["metadata"] = {"name": "d-1", "log": LOG, "transcribed": NOTHING}
    with pytest.raises(BadEnvelope, match="digest of the letter"):
        world.do(IssueDirective(signed(worlds.directive_payload(value), OFFICER, OTHER_OFFICER)))


def test_nor_is_that_of_a_position() -> None:
    world = World.opened()
    world.must(transcription())
    said = worlds.by_letter(lifting(world).question, "bis", LETTER)
    assert Transcription.read(signed(said.payload(), OFFICER, OTHER_OFFICER)) == said
    nothing = Arrival(how="letter", on="2026-06-12")
    with pytest.raises(BadEnvelope, match="received: expected the digest of the letter, or a note"):
        Transcription.read(signed(replace(said, received=nothing).payload(), OFFICER, OTHER_OFFICER))
