"""An order that two officers say has come: they say which letter or call it was."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core import statements
from sluicegate.core.lifecycle.directives import IssueDirective
from sluicegate.core.statements import Position
from sluicegate.errors import BadEnvelope
from tests.core.lifecycle.test_directives import LETTER, lifting, transcription
from tests.worlds import LOG, OFFICER, OTHER_OFFICER, World, directive_value, signed

NOTHING = {"how": "letter", "on": "2026-06-12"}


def test_a_transcription_of_nothing_in_particular_is_none() -> None:
    world, value = World.opened(), directive_value("d-1", issuer="bis", liftedBy={"allOf": ["bis"]})
    value["metadata"] = {"name": "d-1", "log": LOG, "transcribed": NOTHING}
    with pytest.raises(BadEnvelope, match="digest of the letter"):
        world.do(IssueDirective(signed(statements.directive_payload(value), OFFICER, OTHER_OFFICER)))


@pytest.mark.parametrize("received", [NOTHING, LETTER], ids=["nothing", "a letter"])
def test_nor_is_that_of_a_position(received: dict[str, Any]) -> None:
    world = World.opened()
    world.must(transcription())
    said = Position(lifting(world).question, "bis", "approve", "", None)
    envelope = signed(statements.transcription_payload(said, received), OFFICER, OTHER_OFFICER)
    if received is LETTER:
        assert statements.read_transcription(envelope)[0] == said
    else:
        with pytest.raises(BadEnvelope, match="how and when"):
            statements.read_transcription(envelope)
