"""A control plane that lies to a gateway with a trust file: what nobody signed takes nothing away."""

from __future__ import annotations

import pytest

from tests.core.access.test_vouch import honest
from tests.core.access.test_vouch_attacks import Liar
from tests.core.access.test_vouch_directives import issued_as
from tests.core.lifecycle.test_directives import change
from tests.worlds import OFFICER, World, suspension

ELSEWHERE = {"covers": {"organizations": ["org-elsewhere"]}}


def directed() -> World:
    """A directive over the organization whose key asks."""
    world = honest()
    (grant,) = world.state.table.grants_by_id.values()
    world.must(suspension("d-1", [grant.organization]))
    return world


@pytest.mark.parametrize("signer", ["stranger", OFFICER, "ostp"])
def test_the_same_directive_again_that_its_issuer_did_not_sign_names_nobody_else(signer: str) -> None:
    """Word for word as narrow; whom its names come to is for the control plane to say, when it is signed."""
    world = directed()
    covers = world.state.directives["d-1"].document.to_json()["spec"]["covers"]
    liar = Liar(world)
    liar.write("directive.issued", issued_as(change(world, signer, covers=covers)), named=ELSEWHERE)
    liar.refused()
