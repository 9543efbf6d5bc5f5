"""The applicant's pages: what they show and to whom, and what their forms do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from sluicegate.acts import applications
from sluicegate.settings import HttpSettings
from sluicegate_record.terms import kinds
from tests.control.conftest import Plane, served
from tests.pages import offices
from tests.pages.browsing import reading
from tests.pages.conftest import HOSTILE, LONG, RTL
from tests.pages.signing_in import named, sign_in
from tests.pages.test_public import parsed
from tests.waiting import BOUND_S
from tests.worlds import API, RELEASE, STAGE, plan_value, stage

CLOCK = {"within": 10, "unit": "business-days", "calendar": "us-federal", "silence": "deny"}
CRITERIA = ["A security officer answers within an hour.", HOSTILE, RTL, LONG]


def prepared(plane: Plane) -> None:
    """Open a stage that has criteria, conditions and a clock."""
    admission = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": CLOCK}
    eligibility = {"criteria": CRITERIA, "owners": {"above": 25}, "onwardAccess": ["none", "affiliates"]}
    plan = plan_value(stages=[stage(admission=admission, eligibility=eligibility)])
    plan["metadata"]["title"] = "GPT-5.6 limited preview"
    offices.opened(plane, plan)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    made = Plane(tmp_path_factory.mktemp("applicant"), HttpSettings(burst=10_000))
    with served(made.wired) as made.url:
        prepared(made)
        yield made


@pytest.fixture
def page(browser: Browser, site: Plane) -> Iterator[Page]:
    with browser.new_context(base_url=named(site)) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def applied(plane: Plane, who: str, name: str = "Example Utility", **more: Any) -> str:
    """An application of somebody, by the API; its case."""
    organization = {"name": name, "registeredIn": "US", "owners": []}
    asked = {"release": RELEASE, "stage": STAGE, "surface": API, "organization": json.dumps(organization)}
    done = offices.put(plane, "applicant", who, applications.SUBMIT.path, {**asked, **more})
    found: str = done["application"]
    return found


def test_what_waits_for_the_applicant_comes_first_and_each_clock_is_in_words(page: Page, site: Plane) -> None:
    site.token("applicant", "first")
    sign_in(page, site, "applicant", "first")
    page.goto("/applications")
    expect(page.locator("main")).to_contain_text("You have not applied for anything yet")
    expect(page.locator("main")).to_contain_text(CRITERIA[0])
    waiting, asked = applied(site, "first", "Waiting Works"), applied(site, "first", "Asked Works")
    offices.receive(site, waiting, "ostp")
    offices.say(site, asked, "oncd", "ask", reason="Who will use it?")
    applied(site, "first", "Later Works")
    page.goto("/applications")
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("your turn")
    expect(first).to_contain_text("waiting for your answer to ONCD")
    row = page.locator("tbody tr", has_text="Waiting Works")
    expect(row).to_contain_text("OSTP, due by the end of")
    expect(row).to_contain_text("Washington time; 10 business days")


def test_a_question_is_answered_and_a_case_withdrawn_by_its_page_without_javascript(
    browser: Browser, site: Plane
) -> None:
    asked = applied(site, "no-script", "Quiet Works")
    offices.say(site, asked, "oncd", "ask", reason=f"Who? {HOSTILE}")
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        sign_in(opened, site, "applicant", "no-script")
        opened.goto(f"/applications/{asked}")
        expect(opened.locator("main")).to_contain_text("ONCD asks")
        expect(opened.locator("#clocks + dl")).to_contain_text("stopped until you answer")
        opened.get_by_label("Your answer").fill(f"Our own staff. {HOSTILE}")
        opened.get_by_role("button", name="Send your answer").click()
        expect(opened.get_by_role("status")).to_contain_text("case: answer")
        expect(opened.locator("main")).to_contain_text("You answered: Our own staff.")
        opened.get_by_role("button", name="Withdraw it").click()
        expect(opened.locator(".lead")).to_have_text("Withdrawn by you.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_an_applicant_has_a_barrier_or_is_wider_than_its_window(
    browser: Browser, site: Plane, scheme: Any
) -> None:
    said = list[str]()
    asked, grant = furnished(site, f"barriers-{scheme}")
    with browser.new_context(base_url=named(site), color_scheme=scheme) as context:
        opened = context.new_page()
        opened.on("console", lambda each: said.append(each.text) if each.type == "error" else None)
        opened.on("dialog", lambda each: said.append(each.message))
        sign_in(opened, site, "applicant", f"barriers-{scheme}")
        for path in pages(asked, grant):
            opened.goto(path)
            found = Axe().run(opened)
            assert not found.response["violations"], (path, found.generate_report())
            for width in (320, 375, 1_280):
                opened.set_viewport_size({"width": width, "height": 800})
                assert opened.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    assert said == []


def furnished(plane: Plane, who: str) -> tuple[str, str]:
    """Somebody's case that waits for an answer, and grant, both with hostile texts."""
    asked = applied(plane, who, f"{HOSTILE[:60]} {RTL}")
    offices.receive(plane, asked, "ostp")
    offices.say(plane, asked, "oncd", "ask", reason=f"{LONG} {HOSTILE} {RTL}")
    return asked, offices.admit(plane, applied(plane, who, LONG))


def pages(case: str, grant: str) -> list[str]:
    """Each page, for a reader who has this case and grant."""
    return ["/applications", f"/applications/{case}"]


# What others try


def test_anothers_case_looks_like_one_that_does_not_exist(site: Plane) -> None:
    case = applied(site, "owner", "Owned Works")
    site.token("applicant", "stranger")
    with reading(site, "applicant", "stranger") as stranger:
        theirs, nothing = (stranger.get(f"/applications/{each}") for each in (case, f"{case[:-1]}2"))
        assert theirs.status_code == nothing.status_code == 404
        assert theirs.text.replace(case, "X") == nothing.text.replace(f"{case[:-1]}2", "X")
        assert "Owned" not in stranger.get("/applications").text
        for act in ("case.answer", "case.reply", "case.appeal"):
            assert stranger.post(f"/acts/{act}", {"case": case, "text": "mine"}).status_code == 404
        assert stranger.post("/acts/case.withdraw", {"case": case}).status_code == 404
    assert offices.case(site, case).state != kinds.DETERMINED


def test_a_page_of_applicants_is_for_no_other_role_and_for_no_one_who_is_not_signed_in(site: Plane) -> None:
    case = applied(site, "roles", "Role Works")
    with reading(site, "developer", "developer") as staff:
        assert staff.get(f"/applications/{case}").status_code == 403
    with site.client() as anyone:
        answer = anyone.get(f"/applications/{case}")
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/sign-in?next=/applications/{case}",
        )


def test_a_form_counts_only_from_our_page_and_the_session_it_was_made_for(site: Plane) -> None:
    case = applied(site, "forged", "Forged Works")
    fields = {"case": case}
    with reading(site, "applicant", "forged") as own, reading(site, "applicant", "forged") as again:
        assert own.post("/acts/case.withdraw", {**fields, "_form": ""}).status_code == 403
        assert own.post("/acts/case.withdraw", {**fields, "_form": again.form}).status_code == 403
        for origin in ("https://elsewhere.example", "null", site.url.replace("http", "https")):
            assert own.post("/acts/case.withdraw", fields, origin=origin).status_code == 403
        assert own.get(f"/acts/case.withdraw?case={case}").status_code == 200  # only shows the form
        assert offices.case(site, case).state != kinds.DETERMINED
        assert own.post("/acts/case.withdraw", fields).status_code == 200
    assert offices.case(site, case).state == kinds.DETERMINED


def test_a_form_that_is_sent_twice_is_done_once(site: Plane) -> None:
    asked = applied(site, "twice", "Twice Works")
    offices.say(site, asked, "oncd", "ask", reason="Who?")
    fields = {
        "case": asked,
        "agency": "oncd",
        "text": "us",
        "_name": "form_of-the-page",
        "_next": "/applications",
    }
    with reading(site, "applicant", "twice") as own:
        size = 0
        for _ in range(2):
            answer = own.post("/acts/case.answer", fields)
            assert answer.status_code == 303, answer.text
            assert size in {0, site.ledger.size()}
            size = site.ledger.size()


def test_what_anyone_wrote_is_text_on_each_page(site: Plane) -> None:
    asked, grant = furnished(site, "hostile")
    with reading(site, "applicant", "hostile") as own:
        own.post("/acts/case.answer", {"case": asked, "agency": "oncd", "text": HOSTILE})
        for path in pages(asked, grant):
            found = parsed(own.get(path).text)
            assert found.tags.count("img") == 1  # the mark
            assert not found.inline, path
