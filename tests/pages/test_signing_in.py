"""Signing in to the pages, in a real browser with an authenticator in software."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from sluicegate.pages.frame import CONTROL
from tests.control.conftest import Plane
from tests.pages.signing_in import authenticator, invitation, named, sign_in
from tests.waiting import BOUND_S


@pytest.fixture
def page(browser: Browser, site: Plane) -> Iterator[Page]:
    with browser.new_context(base_url=named(site)) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def test_a_passkey_made_by_a_link_signs_in_and_the_link_does_not_again(page: Page, site: Plane) -> None:
    authenticator(page)
    link = invitation(site, "developer", "release")
    page.goto(link)
    page.get_by_role("button", name="Sign in as release").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("What to call it").fill("laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("rowheader", name="laptop")).to_be_visible()
    page.get_by_role("button", name="Sign out of this browser").click()
    page.wait_for_url("**/")
    page.goto("/account")
    page.wait_for_url("**/sign-in?next=/account")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("release")
    expect(page.get_by_role("rowheader", name="passkey this one", exact=True)).to_be_visible()
    page.context.clear_cookies()
    assert page.goto(link).status == 401  # type: ignore[union-attr]
    expect(page.locator("main")).to_contain_text("has been used")


def test_a_token_signs_in_without_javascript_and_says_what_its_role_may_do(
    browser: Browser, site: Plane
) -> None:
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        opened.goto("/sign-in")
        opened.get_by_role("textbox", name="Token").fill(site.token("developer"))
        opened.get_by_role("button", name="Sign in").click()
        opened.goto("/acts")
        opened.get_by_role("link", name="Show each release").first.click()
        assert "gpt-5.6" in opened.locator("main").inner_text()


def test_an_act_is_done_by_its_form_once_and_a_refusal_keeps_what_was_written(
    page: Page, site: Plane
) -> None:
    sign_in(page, site, "developer", "acting")
    page.goto("/acts/token.issue")
    page.get_by_label("Role").select_option("agency")
    page.get_by_label("Name").fill("by-form")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("alert")).to_contain_text("names one of")
    assert page.get_by_label("Name").input_value() == "by-form"
    page.get_by_label("Role").select_option("applicant")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("main")).to_contain_text("sgt_")


def test_a_session_that_another_browser_ended_is_over(browser: Browser, page: Page, site: Plane) -> None:
    sign_in(page, site, "applicant", "two-browsers")
    with browser.new_context(base_url=named(site)) as other:
        second = other.new_page()
        sign_in(second, site, "applicant", "two-browsers")
        second.get_by_role("button", name="End").first.click()
        expect(second.get_by_role("status")).to_contain_text("Done: end a session of yours")
    page.goto("/account")
    page.wait_for_url("**/sign-in?next=/account")


def test_a_link_leads_from_an_address_to_the_name_of_the_pages_before_it_is_used(
    page: Page, site: Plane
) -> None:
    page.goto(site.url + invitation(site, "applicant", "lost"))
    assert page.url.startswith(f"{named(site)}/welcome/")
    page.get_by_role("button", name="Sign in as").click()
    page.goto(f"{named(site)}/account")
    page.get_by_role("button", name="Make an invitation for me").click()
    expect(page.locator("main")).to_contain_text(f"{named(site)}/welcome/")


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("http://127.0.0.1:8600", "http://control.localhost:8600"),
        ("http://[::1]:8600", "http://control.localhost:8600"),
        ("http://localhost:8600", "http://localhost:8600"),
        ("https://127.0.0.1:8600", "https://127.0.0.1:8600"),
        ("https://release.example", "https://release.example"),
    ],
)
def test_pages_of_this_machine_are_reached_by_a_name(url: str, reached: str) -> None:
    assert CONTROL.reached(url) == reached
