"""Officers who sign on the pages, in a real browser with passkeys that the record has pinned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from sluicegate.acts import keys
from sluicegate.client import signing
from sluicegate.statements import table
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.conftest import HOSTILE
from tests.pages.keyboard import CALM, follow, press, skip, write
from tests.pages.officers import clear, order, passkey_of, trusted
from tests.pages.signing_in import authenticator, named, sign_in
from tests.waiting import BOUND_S
from tests.worlds import OFFICER, OTHER_OFFICER, plan_value, position, private_key, stage

ORDER = order("by-letter", "{organizations: [Example Utility]}")


@pytest.fixture(scope="module")
def officers(browser: Browser, site: Plane) -> Iterator[tuple[Page, Page]]:
    """Two officers in two browsers, each with a passkey that is pinned as theirs."""
    with ExitStack() as stack:
        pages = [
            stack.enter_context(browser.new_context(base_url=named(site), **CALM)).new_page()
            for _ in range(2)
        ]
        for number, page in enumerate(pages):
            page.set_default_timeout(BOUND_S * 1_000)
            trusted(site.ledger, passkey_of(site.ledger, page, named(site), f"officer-{number}"))
        first, second = pages
        yield first, second


def _sign(page: Page) -> None:
    page.get_by_role("button", name="Sign with your passkey").click()


def test_a_manager_goes_from_a_plan_to_an_opened_stage_and_closes_it_by_keyboard_alone(
    site: Plane, officers: tuple[Page, Page]
) -> None:
    page, _ = officers
    page.goto("/board")
    skip(page)
    follow(page.get_by_role("link", name="Plan", exact=True))
    follow(page.get_by_role("link", name="gpt-5.6"))
    text = page.get_by_role("textbox", name="Text")
    write(text, text.input_value().replace("gpt-5.6", "opened-1").replace("GPT-5.6 limited", "Another"))
    follow(page.get_by_role("button", name="Show what it changes"))
    expect(page.get_by_role("heading", name="A new release: opened-1")).to_be_visible()
    clear(page)
    follow(page.get_by_role("button", name="Put this plan in force"))
    expect(page).to_have_url(re.compile("/board/opened-1.done=plan.apply"))
    for agency in ("oncd", "ostp"):
        with site.ledger.reading() as state:
            asked = [each for each in state.cases.values() if each.question.release == "opened-1"]
        for case in (each for each in asked if agency in each.awaiting):
            envelope = position(case, agency).to_json()
            assert site.send("/api/v1/positions", {"envelope": envelope}).status_code == 200
    page.reload()
    follow(page.get_by_role("button", name="Open trusted-partners"))
    expect(page.locator(".card .lead")).to_have_text("You open the stage trusted-partners of opened-1.")
    clear(page)
    follow(page.get_by_role("button", name="Sign with your passkey"))
    expect(page).to_have_url(re.compile("/board/opened-1.done=stage.open"))
    card = page.locator("#stage-trusted-partners")
    expect(card.locator("h2 .state")).to_have_text("open")
    press(card.locator("summary", has_text="Close it at once"))
    write(card.get_by_label("Why"), HOSTILE[:100])
    follow(card.get_by_role("button", name="Show what I sign"))
    expect(page.locator(".card").first).to_contain_text(HOSTILE[:20])
    follow(page.get_by_role("button", name="Sign with your passkey"))
    expect(page).to_have_url(re.compile("/board/opened-1.done=stage.close"))
    expect(page.locator("#stage-trusted-partners h2 .state")).to_have_text("closed")


def test_an_officer_withdraws_a_release_and_brings_it_back_signature_by_signature(
    site: Plane, officers: tuple[Page, Page]
) -> None:
    stages = [stage(each) for each in ("first", "second", "third")]
    offices.opened(site, plan_value("recalled", models=("m-recalled",), stages=stages))
    page, _ = officers
    page.goto("/board/recalled")
    expect(page.get_by_role("link", name="Bring it back")).to_have_count(0)
    page.get_by_role("link", name="Withdraw this release").click()
    expect(page.get_by_role("heading", name="What follows")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Stage first: open, 0 grants.")
    clear(page)
    page.get_by_label("Reason").fill(HOSTILE[:100])
    page.get_by_role("button", name="Show what I sign").click()
    for number, name in enumerate(("first", "second", "third"), 1):
        expect(page.locator("[aria-current=page]", has_text=str(number))).to_be_visible()
        expect(page.locator(".card")).to_contain_text("all its stages close at once, first, second, third.")
        expect(page.locator(".card")).to_contain_text(f"You close the stage {name} of recalled")
        clear(page)
        _sign(page)
    expect(page).to_have_url(re.compile("/board/recalled.done=release.recall"))
    expect(page.locator("#stage-first h2 .state")).to_have_text("closed")
    clear(page)
    page.get_by_role("link", name="Bring it back").click()
    expect(page.locator("main")).to_contain_text("Stage second (closed")
    clear(page)
    page.get_by_role("button", name="Show what I sign").click()
    expect(page.locator(".card .lead")).to_have_text(
        "You bring recalled back, with what can open now: first."
    )
    _sign(page)
    expect(page).to_have_url(re.compile("/board/recalled.done=release.restore"))
    expect(page.locator("#stage-first h2 .state")).to_have_text("open")


def test_a_passkey_that_is_no_officers_key_signs_nothing(browser: Browser, site: Plane) -> None:
    with browser.new_context(base_url=named(site)) as context:
        page = context.new_page()
        authenticator(page)
        sign_in(page, site, "developer", "no-officer")
        page.goto("/account/passkey")
        page.get_by_role("button", name="Make a passkey").click()
        page.wait_for_url("**/account")
        page.goto("/board/gpt-5.6")
        page.get_by_role("button", name="Open trusted-partners").click()
        expect(page.get_by_role("button", name="Sign with your passkey")).to_have_count(0)
        expect(page.locator("main")).to_contain_text("None of your passkeys is an officer's key")
        expect(page.locator("main")).to_contain_text("webauthn:")


def test_a_signature_over_another_statement_counts_for_nothing(officers: tuple[Page, Page]) -> None:
    page, _ = officers
    page.goto("/board/hostile")
    page.get_by_role("button", name="Open trusted-partners").click()
    other = page.locator("form[data-passkey]").get_attribute("data-options")
    page.goto("/board/gpt-5.6")
    page.get_by_role("button", name="Open trusted-partners").click()
    page.locator("form[data-passkey]").evaluate("(form, other) => { form.dataset.options = other }", other)
    _sign(page)
    expect(page.get_by_role("alert")).to_contain_text("no signature of your passkey over this statement")
    _sign(page)
    expect(page.locator("main")).to_contain_text("Signed by officer-0")
    expect(page.get_by_role("alert")).to_contain_text("Not done")
    expect(page.get_by_role("button", name="Put it on the record")).to_be_visible()


@pytest.mark.parametrize("role", ["developer", "agency", "applicant"])
def test_a_statement_is_made_by_staff_from_a_form_of_theirs_only(
    browser: Browser, site: Plane, role: str
) -> None:
    with browser.new_context(base_url=named(site)) as context:
        page = context.new_page()
        sign_in(page, site, role, f"forged-{role}", "ostp" if role == "agency" else None)
        token = page.locator("input[name=_form]").first.get_attribute("value") or ""
        cookies = {each["name"]: each["value"] for each in context.cookies()}
    sent = {"what": "closing", "release": "gpt-5.6", "stage": "trusted-partners", "reason": "why"}
    with httpx2.Client(
        base_url=site.url, cookies=cookies, trust_env=False, verify=False, timeout=BOUND_S
    ) as client:
        for form, origin in (
            (sent, site.url),
            ({**sent, "_form": token}, "https://evil.example"),
            ({**sent, "_form": token}, "null" if role == "developer" else site.url),
        ):
            answer = client.post("/to-sign", data=form, headers={"origin": origin})
            assert answer.status_code == 403, (form, origin, answer.text)


ANNEX = ORDER.replace("covers: {organizations: [Example Utility]}", "covers: {annexes: [annex-a]}").replace(
    "reasons:", "annexes: {annex-a: {file: a.csv, digest: sha256:" + 64 * "0" + "}}\n  reasons:"
)
WRONG: list[dict[str, str]] = [
    {"what": "nothing"},
    {"what": "opening", "release": "nope", "stage": "trusted-partners"},
    {"what": "closing", "release": "gpt-5.6", "stage": "trusted-partners", "reason": " "},
    {"what": "proceeding", "case": "case_nope", "reason": "why"},
    {"what": "key", "says": "pins", "owner": "x"},
    {"what": "key", "says": "retires", "keyid": 64 * "0", "reason": "why"},
    {"what": "ramp", "release": "gpt-5.6", "stage": "trusted-partners", "says": "pauses", "reason": "why"},
    {"what": "promise", "says": "makes", "text": "x", "by": "soon"},
    {"what": "transcription", "case": "case_nope", "position": "approve", "how": "call", "on": "2026-06-12"},
    {"what": "note", "kind": "call", "on": "2026-06-12", "text": "x"},
    {"what": "directive", "text": "no order"},
    {"what": "directive", "text": ORDER, "how": "letter"},
    {"what": "directive", "text": ORDER, "how": "letter", "on": "yesterday", "note": "x"},
    {"what": "directive", "text": ANNEX},
    {"what": "directive", "text": ANNEX, "annexes": "{"},
    {"what": "directive", "text": ANNEX, "annexes": '{"annex-a": ["x"]}'},
    {"what": "directive", "text": ANNEX, "annexes": '{"annex-b": {"organizations": ["x"]}}'},
    {"what": "directive", "text": ORDER.replace("name: by-letter", "name: by-letter, replaces: nope")},
]


def test_what_cannot_be_signed_is_said_on_a_page(officers: tuple[Page, Page], site: Plane) -> None:
    page, _ = officers
    page.goto("/account")
    token = page.locator("input[name=_form]").first.get_attribute("value") or ""
    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    with httpx2.Client(
        base_url=site.url, cookies=cookies, trust_env=False, verify=False, timeout=BOUND_S
    ) as client:
        for sent in WRONG:
            answer = client.post("/to-sign", data={**sent, "_form": token}, headers={"origin": site.url})
            assert 400 <= answer.status_code < 500, (sent, answer.status_code, answer.text)
            assert "<h1>" in answer.text
        gone = client.get("/to-sign/" + 64 * "0")
        assert (gone.status_code, "no such statement waits here" in gone.text) == (400, True)


def test_who_made_a_statement_or_may_sign_it_takes_it_back_and_no_one_else(
    browser: Browser, officers: tuple[Page, Page], site: Plane
) -> None:
    first, second = officers
    first.goto("/board/hostile")
    first.get_by_role("button", name="Open trusted-partners").click()
    first.wait_for_url("**/to-sign/*")
    path = first.url.removeprefix(named(site))
    with browser.new_context(base_url=named(site)) as context:
        other = context.new_page()
        sign_in(other, site, "developer", "no-officer-either")
        other.goto(path)
        expect(other.get_by_role("heading", name="What you sign")).to_be_visible()
        expect(other.get_by_role("link", name="Take it back")).to_have_count(0)
        other.goto("/account")
        token = other.locator("input[name=_form]").first.get_attribute("value") or ""
        cookies = {each["name"]: each["value"] for each in context.cookies()}
    with httpx2.Client(
        base_url=site.url, cookies=cookies, trust_env=False, verify=False, timeout=BOUND_S
    ) as client:
        answer = client.post(f"{path}/forget", data={"_form": token}, headers={"origin": site.url})
        assert answer.status_code == 403, answer.text
    second.goto(path)
    second.get_by_role("link", name="Take it back").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("Take back what officer-0 has made")
    clear(second)
    second.get_by_role("button", name="Take back the statement of officer-0").click()
    second.wait_for_url("**/to-sign")
    first.goto(path)
    expect(first.locator("main")).to_contain_text("no such statement waits here")


def test_each_kind_of_statement_has_a_form_without_a_barrier(officers: tuple[Page, Page]) -> None:
    page, _ = officers
    page.goto("/to-sign")
    clear(page)
    for each in table.STATEMENTS.values():
        page.goto("/to-sign")
        page.get_by_role("link", name=each.title, exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{each.form}")
        page.goto(f"/to-sign/new/{each.name}")
        expect(page.get_by_role("button", name="Show what I sign")).to_be_visible()
        clear(page)
        page.goto(f"/acts/{each.act.name}")
        expect(page.get_by_role("link", name=each.title, exact=True)).to_be_visible()
    for elsewhere in (act for each in table.ELSEWHERE for act in each.acts):
        page.goto(f"/acts/{elsewhere.name}")
        expect(page.locator("pre").first).to_contain_text("sluicegate ")
        clear(page)


def test_a_form_that_is_refused_keeps_what_was_written_in_it(officers: tuple[Page, Page]) -> None:
    page, _ = officers
    page.goto("/to-sign/new/closing?release=gpt-5.6")
    expect(page.get_by_label("Release")).to_have_value("gpt-5.6")
    page.get_by_label("Stage").fill("no-such-stage")
    page.get_by_label("Reason").fill(HOSTILE[:50])
    page.get_by_role("button", name="Show what I sign").click()
    expect(page.get_by_role("alert")).to_contain_text("no-such-stage")
    expect(page.get_by_label("Reason")).to_have_value(HOSTILE[:50])
    page.get_by_label("Stage").fill("trusted-partners")
    page.get_by_role("button", name="Show what I sign").click()
    expect(page.locator(".card .lead")).to_have_text(
        "You close the stage trusted-partners of gpt-5.6, at once."
    )


def test_back_from_what_one_signs_leads_to_what_one_wrote(officers: tuple[Page, Page]) -> None:
    page, _ = officers
    page.goto("/to-sign/new/closing")
    for label, said in (
        ("Release", "gpt-5.6"),
        ("Stage", "trusted-partners"),
        ("Reason", "It was too early."),
    ):
        page.get_by_label(label).fill(said)
    page.get_by_role("button", name="Show what I sign").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What you sign")
    page.go_back()
    for label, said in (
        ("Release", "gpt-5.6"),
        ("Stage", "trusted-partners"),
        ("Reason", "It was too early."),
    ):
        expect(page.get_by_label(label)).to_have_value(said)


def test_back_from_an_order_that_one_signs_leads_to_how_it_arrived(officers: tuple[Page, Page]) -> None:
    page, _ = officers
    order = ORDER.replace("covers: {organizations: [Example Utility]}", "covers: everyone")
    page.goto("/order")
    page.get_by_role("textbox", name="Text", exact=True).fill(order)
    page.get_by_role("button", name="Show who it covers").click()
    page.get_by_label("How", exact=True).select_option("call")
    page.get_by_label("On which day").fill("2026-06-12")
    page.get_by_label("Or what was said").fill("by telephone")
    page.get_by_role("button", name="Show what I sign").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What you sign")
    page.go_back()
    expect(page.get_by_label("Or what was said")).to_have_value("by telephone")
    expect(page.get_by_label("On which day")).to_have_value("2026-06-12")
    page.go_back()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(order)


def test_without_javascript_the_page_of_a_statement_shows_its_command(browser: Browser, site: Plane) -> None:
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, site, "developer", "no-scripts-here")
        page.goto("/to-sign/new/promise")
        page.get_by_label("Says").select_option("makes")
        page.get_by_label("Text").fill("We answer appeals.")
        page.get_by_label("By", exact=False).first.fill("2027-01-31")
        page.get_by_role("button", name="Show what I sign").click()
        said = page.locator("main").inner_text()
        assert "It is public: \u201cWe answer appeals.\u201d" in said
        assert "Until 2027-01-31" in said
        expect(page.get_by_label("The command that signs it")).to_be_visible()
        expect(page.locator("pre").first).to_contain_text("sluicegate promise make")


def test_officers_with_key_files_pin_a_passkey_by_its_file(browser: Browser, site: Plane) -> None:
    with browser.new_context(base_url=named(site)) as context:
        page = context.new_page()
        page.set_default_timeout(BOUND_S * 1_000)
        made = passkey_of(site.ledger, page, named(site), "officer-4")
        page.goto("/to-sign")
        page.get_by_text("Have officers pin a passkey of yours").click()
        page.get_by_label("As the key of which officer").fill("officer-4")
        page.get_by_role("button", name="Show what I sign").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What you sign")
        _sign(page)
        expect(page.locator("main")).to_contain_text("It lacks 2 signatures")
        page.get_by_text("Let an officer with a key file sign it, too").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="The file with what was signed so far").click()
        given = json.loads(download.value.path().read_text())
        for owner in (OFFICER, OTHER_OFFICER):
            given = signing.countersigned(given, private_key(owner))
        offices.put(site, "developer", "developer", keys.RECORD.path, {"envelope": given})
        with site.ledger.reading() as state:
            [key] = [each for each in state.keys.values() if each.public == made.public]
        assert (key.owner, key.counts, len(key.by)) == ("officer-4", True, 2)
        page.goto("/to-sign")
        expect(page.get_by_text("Have officers pin a passkey of yours")).not_to_be_visible()


def test_two_officers_pin_the_passkey_of_a_third(
    browser: Browser, officers: tuple[Page, Page], site: Plane
) -> None:
    with browser.new_context(base_url=named(site)) as context:
        third = context.new_page()
        third.set_default_timeout(BOUND_S * 1_000)
        made = passkey_of(site.ledger, third, named(site), "officer-2")
        third.goto("/board/gpt-5.6")
        third.get_by_role("button", name="Open trusted-partners").click()
        third.get_by_text("Have officers pin a passkey of yours").click()
        third.get_by_label("As the key of which officer").fill("officer-2")
        third.get_by_role("button", name="Show what I sign").click()
        expect(third.locator(".card .lead")).to_have_text("officer-2 signs for openai with a new key.")
        clear(third)
        path = third.url.removeprefix(named(site))
        _sign(third)
        expect(third.locator("main")).not_to_contain_text("The new key signs it, too")
        expect(third.locator("main")).to_contain_text("It lacks 2 signatures")
    first, second = officers
    first.goto(path)
    _sign(first)
    expect(first.locator("main")).to_contain_text("It lacks 1 signature")
    expect(first.locator("main")).to_contain_text("Another officer signs it next")
    with browser.new_context(base_url=named(site)) as context:
        fourth = context.new_page()
        passkey_of(site.ledger, fourth, named(site), "officer-3")
        fourth.goto(path)
        expect(fourth.get_by_text("Have officers pin a passkey of yours")).to_be_visible()
        expect(fourth.locator("main")).not_to_contain_text("Another officer signs it next")
    second.goto(path)
    _sign(second)
    second.wait_for_url("**/acts/keys.list?done=keys.record~*")
    expect(second.get_by_role("status")).to_contain_text("Done: put what a party signed")
    with site.ledger.reading() as state:
        [key] = [each for each in state.keys.values() if each.public == made.public]
    assert (key.owner, key.counts, len(key.by)) == ("officer-2", True, 2)
