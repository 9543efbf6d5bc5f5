"""A directive that is found to be too large is so before anybody signs it, not when it should be in force."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core import statements
from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import DOCUMENT_BYTES_MAX, Signing
from sluicegate.core.lifecycle.directives import IssueDirective
from sluicegate.errors import InvalidInput
from sluicegate_record.log import canonical
from tests.worlds import LOG, World, directive_value, signed

SIGNING = Signing(LOG, lambda: bytes(32))


def explained(text: str) -> dict[str, Any]:
    value = directive_value("d-1", reasons={"form": "written", "text": text})
    return {**value, "metadata": {"name": "d-1"}}


def test_whatever_may_be_signed_fits_into_an_entry() -> None:
    room = DOCUMENT_BYTES_MAX - len(canonical.dumps(directive.to_sign(explained(""), SIGNING)[0]))
    text = "理" * (room // 3) + "a" * (room % 3)
    document, _ = directive.to_sign(explained(text), SIGNING)
    signers = ["oncd", "ostp", "caisi", "release-officer", "release-officer-2"]
    World.opened().must(IssueDirective(signed(statements.directive_payload(document), *signers)))
    with pytest.raises(InvalidInput, match=f"{DOCUMENT_BYTES_MAX + 1} bytes as it is signed"):
        directive.to_sign(explained(text + "a"), SIGNING)
