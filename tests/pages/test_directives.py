"""What the pages of the developer's staff say of directives and their cases, without a browser."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import pytest

from sluicegate.acts import directives
from sluicegate.client.directives import signed_directive
from sluicegate.core.directives.directive import Signing
from sluicegate.statements.directives import salt
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
    signed = signed_directive(given, Signing(plane.ledger.vkey(), salt), worlds.private_key("oncd"))
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
    assert "Should this directive be lifted for m-large only?" in text(page)


def test_what_is_lifted_of_a_directive_is_said_and_not_offered_again(plane: Plane, staff: Reading) -> None:
    directed(plane, "in-part")
    before = text(staff.get("/directives/in-part").text)
    assert "Only for m-large" in before
    assert "Only for m-small" in before
    case = lifting(plane, "in-part", "m-large")
    offices.say(plane, case, "oncd")
    page = text(staff.get("/directives/in-part").text)
    assert "for everyone. Lifted for m-large only." in page
    assert ": for m-large only" in page
    assert "Only for m-large" not in page
    assert "Only for m-small" in page
    assert '"m-large"' not in page


def test_an_order_of_another_is_not_shown_to_sign_without_how_it_arrived(staff: Reading) -> None:
    order = json.dumps(
        {
            "apiVersion": "sluicegate/v1",
            "kind": "Directive",
            "metadata": {"name": "by-letter"},
            "spec": {
                "issuer": "oncd",
                "basis": {"kind": "order", "authority": "a letter"},
                "action": "suspend",
                "models": ["m-large"],
                "surfaces": "all",
                "covers": "everyone",
                "reasons": {"form": "none"},
            },
        }
    )
    for drill in ("", "yes"):
        sent = {"what": "directive", "text": order, "drill": drill}
        refused = staff.post("/to-sign", sent)
        assert refused.status_code != 303
        assert "this order is of oncd, and how it arrived is not said" in text(refused.text)
        arrived = {"how": "call", "on": "2026-06-12", "note": "by telephone"}
        assert staff.post("/to-sign", sent | arrived).status_code == 303


@pytest.mark.parametrize(
    ("path", "field", "offered", "name"),
    [
        (
            "/acts/directive.lift",
            "directive",
            "two-models",
            "suspend m-large, m-small for everyone: in force",
        ),
        ("/to-sign/new/closing", "release", "gpt-5.6", "GPT-5.6 limited preview"),
        ("/to-sign/new/closing", "stage", worlds.STAGE, "of GPT-5.6 limited preview"),
        ("/to-sign/new/key", "keyid", worlds.keyid("oncd"), "oncd of oncd"),
        ("/to-sign/new/note", "case", "case_", "lift, two-models: in review"),
    ],
)
def test_a_field_offers_what_it_can_name(
    plane: Plane, staff: Reading, path: str, field: str, offered: str, name: str
) -> None:
    lifting(plane, "two-models", "m-small")
    page = staff.get(path).text
    (listed,) = re.findall(rf'name="{field}"[^>]* list="([\w-]+)"', page)
    (options,) = re.findall(rf'(?s)<datalist id="{listed}">(.*?)</datalist>', page)
    assert re.search(rf'<option value="{offered}\w*">{re.escape(name)}</option>', options), options


def test_nothing_is_offered_that_its_reader_may_not_know(plane: Plane) -> None:
    with reading(plane, "applicant", "curious") as own:
        page = own.get("/acts/licence.request").text
        assert "two-models" not in page
        assert 'name="directive"' in page
        assert "<datalist" not in own.get("/acts/case.withdraw").text


def test_a_person_is_offered_among_the_people_of_the_readers_organization(
    plane: Plane, staff: Reading
) -> None:
    plane.token("gateway", "gateway-1")
    with reading(plane, "applicant", "curious") as own:
        for act in ("colleague.end", "colleague.promote", "colleague.demote"):
            assert ">curious, an administrator</option>" in own.get(f"/acts/{act}").text
            page = staff.get(f"/acts/{act}").text
            assert 'value="developer_' in page
            assert 'value="gateway_' not in page
            assert 'value="applicant_' not in page
        assert ">curious, an administrator</option>" in own.get("/acts/sign-in.list").text
    page = staff.get("/acts/sign-in.list").text
    assert ">curious, applicant</option>" in page
    (agency,) = re.findall(r'value="(\w+)">ostp, ostp</option>', page)
    assert f"for an agency: OSTP. In entries of the record they are {agency}" in text(
        staff.get(f"/sign-ins?principal={agency}").text
    )
    assert 'value="gateway_' not in page
    assert 'value="applicant_' in staff.get("/acts/token.revoke").text


def test_who_administers_no_one_is_offered_their_own_ways_in_alone(plane: Plane) -> None:
    with reading(plane, "applicant", "several") as own, reading(plane, "developer", "intern") as staff:
        found = {each.name: each for each in plane.ledger.store.principals.all()}
        for name in ("several", "intern"):
            plane.ledger.store.principals.administer(found[name].id, administers=False)
        for name, by in (("several", own), ("intern", staff)):
            offered = re.findall(r'<option value="(\w+)">', by.get("/acts/sign-in.list").text)
            assert offered == [found[name].id]


def test_a_command_in_a_hint_is_said_by_what_it_does(staff: Reading) -> None:
    page = staff.get("/acts/licence.end").text
    assert "&#39;licence list&#39;" not in page
    assert '<a href="/acts/licence.list">List licences under directives, newest first</a>' in page


def test_a_new_order_has_a_name_that_no_directive_has(plane: Plane, staff: Reading) -> None:
    (name,) = re.findall("metadata: {name: ([a-z0-9-]+)-1}", staff.get("/order").text)
    directed(plane, f"{name}-1")
    assert f"metadata: {{name: {name}-2}}" in staff.get("/order").text


def test_the_board_counts_cases_of_directives_and_names_those_in_force(plane: Plane, staff: Reading) -> None:
    directed(plane, "on-board")
    counting = re.compile(r"(\d+) open case")
    before = counting.search(text(staff.get("/board").text))
    case = lifting(plane, "on-board", "m-large")
    page = staff.get("/board").text
    after = counting.search(text(page))
    assert before is not None
    assert after is not None
    assert int(after[1]) == int(before[1]) + 1
    assert f'/cases/{case}"><bdi>on-board for m-large only</bdi>' in page
    assert "on-board: suspend m-large, m-small for everyone, since" in text(page)
    with plane.client() as anyone:
        public = anyone.get("/releases/two").text
    for shown in (page, staff.get("/board/two").text, public):
        assert re.search("in force: .*on-board, to suspend m-large, m-small for everyone", text(shown))
        assert "Every stage is open, but" in text(shown)
