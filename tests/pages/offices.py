"""Agencies and officers of a control plane under test: they agree, open a stage, and take positions by its
API, with keys of tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sluicegate.acts import directives, releases, review
from sluicegate.client.directives import signed_directive
from sluicegate.core.directives.directive import Signing
from sluicegate.statements.directives import salt
from sluicegate_record.entities.case import Case
from sluicegate_record.terms import kinds
from sluicegate_record.terms.quorum import parties_of
from tests import worlds
from tests.control.conftest import Plane
from tests.pages.conftest import HOSTILE, LONG, RTL

ORDER = "hostile-order"
"""A directive with hostile texts."""


def put(plane: Plane, role: str, name: str, path: str, body: Mapping[str, Any]) -> Any:
    """What somebody with a token does, which the plane allows."""
    with plane.client(plane.token(role, name, name if role == "agency" else None)) as client:
        answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def case(plane: Plane, name: str) -> Case:
    """A case as it is on the record."""
    with plane.ledger.reading() as state:
        return state.cases[name]


def say(plane: Plane, name: str, agency: str, word: str = "approve", **changes: Any) -> None:
    """An agency takes a position."""
    envelope = worlds.position(case(plane, name), agency, word, **changes)
    put(plane, "agency", agency, review.IMPORT.path, {"envelope": envelope.to_json()})


def receive(plane: Plane, name: str, agency: str) -> None:
    """An agency confirms receipt: its clock starts."""
    envelope = worlds.receipt(case(plane, name), agency).envelope
    put(plane, "agency", agency, review.IMPORT.path, {"envelope": envelope.to_json()})


def opened(plane: Plane, plan: Mapping[str, Any]) -> None:
    """A plan in force, its terms agreed to, and its first stage open."""
    made = put(plane, "developer", "developer", releases.APPLY.path, {"text": json.dumps(plan)})
    for name in made["cases"]:
        for agency in sorted(parties_of(case(plane, name).rule)):
            say(plane, name, agency)
    metadata, stages = plan["metadata"], plan["spec"]["stages"]
    with plane.ledger.reading() as state:
        envelope = worlds.opening(state, metadata["name"], stages[0]["name"])
    put(plane, "developer", "developer", releases.OPEN.path, {"envelope": envelope.to_json()})


def admit(plane: Plane, name: str) -> str:
    """Agencies approve an application; its grant."""
    for agency in sorted(parties_of(case(plane, name).rule)):
        say(plane, name, agency)
    found = case(plane, name)
    assert found.state == kinds.DETERMINED
    assert found.grant is not None
    return found.grant


def ordered(plane: Plane) -> None:
    """Put a directive in force whose texts are hostile, long or in another script."""
    given = worlds.directive_value(ORDER)
    given["spec"] |= {
        "basis": {"kind": "order", "authority": HOSTILE[:100]},
        "reasons": {"form": "written", "summary": HOSTILE[:100], "text": f"{HOSTILE} {RTL} {LONG}"},
    }
    signed = signed_directive(given, Signing(plane.ledger.vkey(), salt), worlds.private_key("oncd"))
    put(plane, "developer", "developer", directives.ISSUE.path, signed.to_json())
