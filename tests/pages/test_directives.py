"""What the pages of the developer's staff say of directives and their cases, without a browser."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from sluicegate.acts import directives
from sluicegate.client.directives import Binding, signed_directive
from tests import worlds
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.browsing import Reading, reading

MODELS = ("m-large", "m-small")


@pytest.fixture(scope="module")
def plane(site: Plane) -> Plane:
    """A plan with two models, and a directive that suspends both for everyone."""
    offices.opened(site, worlds.plan_value("two", models=MODELS))
    directed(site, "two-models")
    return site


@pytest.fixture
def staff(plane: Plane) -> Iterator[Reading]:
    with reading(plane, "developer", "developer") as found:
        yield found


def directed(plane: Plane, name: str) -> None:
    """A directive of `oncd` over both models, for everyone."""
    given = worlds.directive_value(name, models=list(MODELS))
    signed = signed_directive(given, Binding(plane.ledger.vkey()), worlds.private_key("oncd"))
    offices.put(plane, "developer", "developer", directives.ISSUE.path, signed.to_json())


def lifting(plane: Plane, name: str, *models: str) -> str:
    """A case about lifting a directive for some models."""
    path = directives.LIFT.path.format(directive=name)
    case: str = offices.put(plane, "agency", "oncd", path, {"scope": {"models": list(models)}})["case"]
    return case


def text(page: str) -> str:
    """What a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())


def test_the_page_of_a_lift_says_which_part(plane: Plane, staff: Reading) -> None:
    case = lifting(plane, "two-models", "m-large")
    page = staff.get(f"/cases/{case}").text
    assert "two-models for m-large only" in text(re.findall("<h1>.*</h1>", page)[0])
    assert "two-models for m-large only" in text(re.findall("<title>.*</title>", page)[0])
    assert "Should this directive be lifted? For m-large only." in text(page)
