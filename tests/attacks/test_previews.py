"""An agency that previews directives, which change nothing, to learn what is none of its business."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.acts import directives as acts
from sluicegate.core.lifecycle import Refusal
from tests.plane import Plane, yes
from tests.worlds import AGENCIES, CODEX, MODEL, directive_value, plan_value

HIDDEN = "atlas-3"


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    plane.credential(plane.admit())
    told = {agency: {"name": agency} for agency in AGENCIES if agency != "caisi"}
    yes(plane.apply(plan_value("hidden-1", models=(HIDDEN,), announced=False, agencies=told)))
    return plane


def previewed(plane: Plane, who: str, **changes: Any) -> Any:
    text = json.dumps(directive_value(issuer=who if who in AGENCIES else "oncd", **changes))
    return plane.do(who, acts.PREVIEW, text=text)


@pytest.mark.parametrize(("who", "name"), [("oncd", "example utility"), ("caisi", None)])
def test_an_organization_is_named_to_whoever_sees_its_case(plane: Plane, who: str, name: str | None) -> None:
    (found,) = yes(previewed(plane, who)).organizations
    assert found.name == name
    assert found.covered.credentials == 1


def test_the_developers_staff_is_told_every_name(plane: Plane) -> None:
    shown = yes(previewed(plane, "developer"))
    assert [each.name for each in shown.organizations] == ["example utility"]


@pytest.mark.parametrize("changes", [{}, {"surfaces": [CODEX]}, {"surfaces": ["nowhere"]}], ids=str)
def test_a_release_that_an_agency_may_not_know_of_is_none(plane: Plane, changes: dict[str, Any]) -> None:
    hidden, nothing = (
        previewed(plane, "caisi", models=[MODEL, model], **changes) for model in (HIDDEN, "atlas-9")
    )
    assert isinstance(hidden, Refusal)
    assert isinstance(nothing, Refusal)
    assert (hidden.code, hidden.message) == (nothing.code, nothing.message.replace("atlas-9", HIDDEN))
    assert not isinstance(previewed(plane, "oncd", models=[MODEL, HIDDEN]), Refusal)
