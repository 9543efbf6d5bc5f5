"""What someone tries at the desk who is not let in, or sends a form from elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from sluicegate.desk import people
from tests.desk.office import Office
from tests.waiting import BOUND_S

PRIVATE = (
    "/",
    "/instances",
    "/statements",
    "/account",
    "/schedule",
    "/i/openai/record/0",
    "/i/openai/cases/case_x",
    "/i/openai/cases/case_x/approve",
    "/statements/" + "0" * 64,
    "/statements/" + "0" * 64 + "/file",
    "/statements/" + "0" * 64 + "/forget",
)
FORMS = (
    "/schedule",
    "/statements/" + "0" * 64,
    "/statements/" + "0" * 64 + "/forget",
    "/i/openai/cases/case_x/approve",
    "/account/pin",
    "/account/end-key",
    "/account/end-session",
    "/account/remove",
    "/account/invite",
)


def origin(office: Office) -> str:
    """The desk by its address: not every program knows that names below localhost are this machine."""
    return office.url.replace("desk.localhost", "127.0.0.1")


@pytest.fixture
def stranger(office: Office) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=origin(office), timeout=BOUND_S, trust_env=False, verify=False) as client:
        yield client


def entered(office: Office, client: httpx2.Client, who: str) -> None:
    site = office.wired.site
    path = people.let_in(site.memory, site.door.store, who, time.time_ns() // 1_000_000)
    secret = path.rpartition("/")[2]
    sent = client.post("/welcome", data={"invitation": secret}, headers={"origin": origin(office)})
    assert sent.status_code == 303


def test_an_address_that_is_not_there_is_a_page_for_a_browser(stranger: httpx2.Client) -> None:
    page = stranger.get("/nothing", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "There is nothing at /nothing" in page.text
    assert "Agency&#39;s desk" in page.text
    assert stranger.get("/nothing").json()["error"]["code"] == "route_unknown"


def test_who_is_signed_in_and_astray_keeps_the_menu(office: Office, stranger: httpx2.Client) -> None:
    entered(office, stranger, "astray")
    for path in ("/nothing", "/assets/nothing.css", "/account/pin"):
        page = stranger.get(path, headers={"accept": "text/html"})
        assert page.status_code in {404, 405}, path
        assert ">astray</a>" in page.text, path


@pytest.mark.parametrize("path", PRIVATE)
def test_a_stranger_is_sent_to_sign_in_and_sees_nothing(stranger: httpx2.Client, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_a_session_of_another_origin_or_without_its_token_is_refused(
    office: Office, stranger: httpx2.Client, path: str
) -> None:
    assert stranger.post(path, data={}, headers={"origin": origin(office)}).status_code == 401
    entered(office, stranger, "ostp.forms")
    for headers in ({"origin": "https://evil.example"}, {"origin": origin(office)}, {}):
        given: dict[str, Any] = {"headers": headers, "data": {"_form": "00" * 32}}
        assert stranger.post(path, **given).status_code in {401, 403}


def test_someone_who_is_removed_is_out_at_once(office: Office, stranger: httpx2.Client) -> None:
    entered(office, stranger, "ostp.leaves")
    assert stranger.get("/").status_code == 200
    site = office.wired.site
    people.shut_out(site.memory, site.door.store, "ostp.leaves")
    assert stranger.get("/").status_code == 303


def test_a_token_of_a_control_plane_opens_nothing_here(office: Office, stranger: httpx2.Client) -> None:
    token = office.plane.token("agency", "ostp", "ostp")
    assert stranger.get("/", headers={"authorization": f"Bearer {token}"}).status_code == 303
    sent = stranger.post("/sign-in/token", data={"token": token}, headers={"origin": origin(office)})
    assert sent.status_code == 401


def test_what_is_not_there_is_said_so(office: Office, stranger: httpx2.Client) -> None:
    entered(office, stranger, "ostp.looks")
    for path in ("/i/none/cases/c", "/i/openai/cases/case_x", "/i/openai/record/99999999", "/statements/x"):
        assert stranger.get(path).status_code == 404, path


def test_no_page_is_kept_by_anyone(office: Office, stranger: httpx2.Client) -> None:
    entered(office, stranger, "ostp.looks")
    for path in ("/", "/instances", "/account"):
        answer = stranger.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert office.plane.token("agency", "ostp", "ostp") not in answer.text
