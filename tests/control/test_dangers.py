"""What a caller could do to others through the API: starve them, learn of them, be told twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import httpx2
import pytest

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.acts import applications, cases
from sluicegate.acts.table import ACTS
from sluicegate.bounds import ACT_BODY_MAX, DEPTH_MAX
from sluicegate.core.terms import document
from sluicegate.errors import InvalidDocument, InvalidInput
from tests.control.conftest import Plane
from tests.control.test_api import error_of
from tests.control.test_errors import settings
from tests.plane import Plane as Desk
from tests.plane import no, yes
from tests.service.test_persons import Staffed
from tests.worlds import CODEX, plan_value


def test_only_acts_with_long_lists_take_large_bodies():
    large = {act.name for act in ACTS.values() if act.body_max > ACT_BODY_MAX}
    assert large == {
        "member.register",
        "directive.preview",
        "directive.issue",
        "directive.lift",
        "directive.to-lift",
    }


def test_a_document_that_is_too_deep_is_left_where_it_becomes_so():
    for depth in (100, 20_000):
        with pytest.raises(InvalidDocument) as caught:
            document.read("[" * depth + "]" * depth, "deep.yaml")
        (place,) = caught.value.at
        expected = f"at most {DEPTH_MAX} lists and mappings inside each other"
        assert (place.expected, place.column < 100) == (expected, True)


def test_a_slash_more_is_no_route_and_redirects_to_nowhere(idle: Plane):
    with idle.client() as anyone:
        response = anyone.get("/api/v1/cases/", headers={"host": "elsewhere.example"})
    assert (response.status_code, error_of(response)["code"]) == (404, "route_unknown")


@pytest.mark.parametrize("path", ["/api/v1/cases%0a", "/api/v1/log%0a", "/log/checkpoint%0a", "/healthz%0a"])
def test_a_path_has_one_spelling(idle: Plane, path: str):
    with idle.staff() as staff:
        assert staff.get(path.removesuffix("%0a")).status_code == 200
        assert staff.get(path).status_code == 404


def test_no_error_is_kept_on_the_way(idle: Plane):
    with idle.client() as anyone:
        for path in ("/api/v1/directives/none", "/api/v1/cases", "/log/tile/0/009", "/nothing"):
            assert anyone.get(path).headers["cache-control"] == "no-store", path


def test_a_command_sent_again_has_its_first_answer_whatever_became_true_since(plane: Plane):
    body = {"name": "a-word", "statuses": ["other"], "source": "an example"}
    key = {"idempotency-key": "define-a-word"}
    first = plane.send("/api/v1/definitions", body, **key)
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    assert plane.send("/api/v1/definitions", body, **key).json() == first.json()
    other = plane.send("/api/v1/definitions", {**body, "name": "another-word"}, **key)
    assert error_of(other)["code"] == "command_id_reused"


@contextmanager
def applicant(desk: Desk) -> Iterator[httpx2.Client]:
    """The applicant of a control plane, over HTTP, with one command id for everything."""
    headers = {"authorization": f"Bearer {desk.tokens['applicant']}", "idempotency-key": "sent-twice"}
    with (
        TemporaryDirectory() as folder,
        served(bootstrap.Control(settings(folder), desk.ledger, desk.fleet)) as url,
        httpx2.Client(base_url=url, headers=headers, trust_env=False, verify=False) as client,
    ):
        yield client


def test_a_command_that_cannot_be_done_twice_has_its_first_answer():
    """What it removed is not there any more, so it would be refused."""
    desk = Staffed()
    provider = desk.provider()
    with applicant(desk) as client:
        first = client.post(f"/api/v1/providers/{provider}/remove")
        again = client.post(f"/api/v1/providers/{provider}/remove")
        other = client.post(f"/api/v1/providers/{provider}x/remove")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (other.status_code, error_of(other)["code"]) == (409, "command_id_reused")


def test_what_is_not_kept_with_a_command_is_in_its_second_answer_too(desk: Desk):
    """The secret of a webhook: a caller whose connection broke has no other way to it."""
    asked = {"kind": "webhook", "target": "https://example.org/hook"}
    with applicant(desk) as client:
        first = client.post("/api/v1/subscriptions", json=asked).json()
        assert client.post("/api/v1/subscriptions", json=asked).json() == first
    assert first["secret"]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.opened()
    return desk


def test_who_may_apply_for_nothing_more_learns_of_no_release(desk: Desk):
    desk.apply(plan_value("secret-1", models=["gpt-secret"], announced=False))
    for number in range(20):
        yes(desk.submit("applicant", f"Example {number}"))
    refused = {
        name: desk.submit("applicant", "Example 99", release=name) for name in ("secret-1", "secret-x")
    }
    assert {no(each) for each in refused.values()} == {"stage_unknown"}


def test_a_page_after_a_case_that_one_may_not_see_is_as_one_after_none(desk: Desk):
    yes(desk.submit("applicant", surface=CODEX))
    theirs = yes(desk.submit("rival", "Example Grid")).application
    for name in (theirs, "case_none"):
        with pytest.raises(InvalidInput, match="no case"):
            desk.do("applicant", cases.LIST, before=name)


def test_an_applicant_is_not_told_who_was_hoped_for(desk: Desk):
    organization = json.dumps({"name": "Example Utility", "registeredIn": "US"})
    yes(
        desk.do(
            "developer",
            applications.NOMINATE,
            release="gpt-5.6",
            stage="trusted-partners",
            organization=organization,
        )
    )
    case = yes(desk.submit()).application
    assert yes(desk.do("developer", cases.SHOW, case=case)).nominated is True
    assert yes(desk.do("applicant", cases.SHOW, case=case)).nominated is None
