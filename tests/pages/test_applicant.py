"""The applicant's pages: what they show and to whom, and what their forms do."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from random import Random

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from sluicegate.acts import credentials, directives, drafts
from sluicegate.acts.fields import opened_beside
from sluicegate.core.access import apikey
from sluicegate.core.people import persons
from sluicegate.pages import applicant, applying
from sluicegate_record.terms import kinds
from tests import worlds
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.applicants import (
    CRITERIA,
    Furnished,
    applied,
    browsing,
    furnished,
    key_of,
    serving,
    used,
)
from tests.pages.browsing import reading
from tests.pages.conftest import HOSTILE
from tests.pages.signing_in import named, sign_in
from tests.pages.test_public import parsed
from tests.worlds import API, MODEL, RELEASE, STAGE


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with serving(tmp_path_factory.mktemp("applicant")) as made:
        yield made


@pytest.fixture
def page(browser: Browser, site: Plane) -> Iterator[Page]:
    with browsing(browser, site) as made:
        yield made


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
        expect(opened.get_by_role("status")).to_contain_text("Done: answer an agency's question.")
        expect(opened.locator("main")).to_contain_text("You answered: Our own staff.")
        opened.get_by_role("button", name="Withdraw it").click()
        expect(opened.locator(".lead")).to_have_text("Withdrawn by you.")


def test_what_was_sent_is_on_the_page_of_the_case_in_the_words_of_each_criterion(site: Plane) -> None:
    answers = {CRITERIA[0]: "Ada does.\nAt night, too.", "Where is it kept?": "here"}
    documents = [{"name": "plan.txt", "digest": f"sha256:{'ab' * 32}"}]
    owners = [{"name": "Holding", "registeredIn": "US", "share": 60}]
    sent = {"criteria": answers, "attachments": documents, "owners": owners, "intendedUse": "finding faults"}
    case = applied(site, "sent", "Sent Works", **sent)
    for role, name, path in (("applicant", "sent", "applications"), ("developer", "developer", "cases")):
        with reading(site, role, name) as reader:
            shown = reader.get(f"/{path}/{case}").text
        for words in (CRITERIA[0], "Ada does.\nAt night, too.", "Where is it kept?", documents[0]["digest"]):
            assert f">{words}<" in shown, words
        for words in ("finding faults", "share: 60", "plan.txt", "has no answer to it"):
            assert words in shown


def test_the_page_of_the_largest_application_is_light(site: Plane) -> None:
    letters = Random(5)
    many = {
        f"{number}".zfill(400): "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(240))
        for number in range(100)
    }
    case = applied(site, "large", "Large Works", criteria=many)
    with reading(site, "applicant", "large") as own:
        shown = own.get(f"/applications/{case}")
    assert shown.text.count("<blockquote") == len(many)
    assert len(zlib.compress(shown.content)) < 300_000


# Applying


def test_everything_but_digests_works_in_an_application_without_javascript(
    browser: Browser, site: Plane
) -> None:
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        sign_in(opened, site, "applicant", "plain")
        opened.goto(f"/apply/{RELEASE}/{STAGE}")
        opened.get_by_label("Legal name").fill(HOSTILE[:60])
        opened.get_by_label("Registered in").fill("US")
        opened.get_by_role("button", name="Begin").click()
        opened.get_by_label("No one owns more than 25 per cent").check()
        for _ in range(2):
            opened.get_by_role("button", name="Save and go on").click()
        opened.get_by_label("Attachments").fill(f"plan; {'ab' * 32}")
        opened.get_by_role("button", name="Save and go on").click()
        expect(opened.locator("main")).to_contain_text("sha256:abab")
        opened.get_by_role("button", name="Send the application").click()
        expect(opened.locator("main")).to_contain_text(HOSTILE[:60])


def test_a_form_that_is_refused_comes_back_with_what_was_written_in_it(browser: Browser, site: Plane) -> None:
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        sign_in(opened, site, "applicant", "refused")
        opened.goto(f"/apply/{RELEASE}/{STAGE}")
        opened.get_by_label("Legal name").fill(HOSTILE[:60])
        opened.get_by_label("Registered in").fill("US")
        opened.get_by_label("Surface").evaluate("field => { field.options[0].value = 'x'.repeat(200) }")
        with opened.expect_response(lambda answer: answer.request.method == "POST") as answered:
            opened.get_by_role("button", name="Begin").click()
        assert 400 <= answered.value.status < 500
        expect(opened.get_by_role("alert")).to_contain_text("surface")
        expect(opened.get_by_label("Legal name")).to_have_value(HOSTILE[:60])
        opened.get_by_label("Surface").select_option(API)
        opened.get_by_role("button", name="Begin").click()
        opened.wait_for_url("**/drafts/*/organization")


def test_one_click_saves_a_step_and_what_was_wrong_goes_with_its_value(page: Page, site: Plane) -> None:
    draft = furnished(site, "clicks").draft
    sign_in(page, site, "applicant", "clicks")
    page.goto(f"/drafts/{draft}/organization")
    wrong = page.locator(".field", has=page.get_by_label("Registered in")).locator(".fault")
    expect(wrong).to_be_visible()
    button = page.get_by_role("button", name="Save and go on")
    page.get_by_label("Registered in").fill("US")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    assert button.bounding_box() == box
    expect(wrong).to_be_hidden()
    page.mouse.up()
    page.wait_for_url("**/use")


def test_a_send_that_is_refused_comes_back_to_its_draft(site: Plane) -> None:
    case = applied(site, "renamed", "Renamed Works")
    offices.say(site, case, "oncd", "object", reason="not now")
    organization = {"name": "Renamed Works", "registeredIn": "US", "owners": [], "aliases": ["Another"]}
    kept = {"release": RELEASE, "stage": STAGE, "surface": API, "organization": json.dumps(organization)}
    draft = offices.put(site, "applicant", "renamed", drafts.SAVE.path, kept)["draft"]
    with reading(site, "applicant", "renamed") as own:
        answer = own.post("/acts/draft.submit", {"draft": draft, "_next": "/applications"})
    assert answer.status_code == 409
    assert "<h1>Look through and send</h1>" in answer.text
    assert "the aliases, lei and registry differ" in answer.text, re.findall(
        "(?s)Not done.*?</div>", answer.text
    )
    assert "application amend" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/applications/case_1", 404),
        ("/board", 403),
        ("/applications?nonsense=1", 400),
        ("/nothing", 404),
        ("/acts/nothing", 404),
        ("/assets/nothing.css", 404),
        ("/sign-out", 405),
    ],
)
def test_an_error_is_a_page_for_who_is_signed_in(site: Plane, path: str, status: int) -> None:
    with reading(site, "applicant", "astray") as own:
        answer = own.get(path)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert ">astray</a>" in answer.text
    assert "No cookies" not in answer.text
    assert ">Sign in</a>" not in answer.text


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/releases/", "/releases"),
        ("/record/2/", "/record/2"),
        ("/record/?text=an+order&type=terms.put", "/record?text=an+order&type=terms.put"),
    ],
)
def test_a_slash_at_the_end_leads_to_the_one_address(site: Plane, path: str, to: str) -> None:
    with site.client() as client:
        answer = client.get(path, headers={"accept": "text/html"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (308, to)
        elsewhere = client.get(f"{site.url}//elsewhere.example/", headers={"accept": "text/html"})
        assert "location" not in elsewhere.headers


def test_a_grant_is_renewed_and_its_fallback_chosen_on_pages(site: Plane) -> None:
    case = applied(site, "renews", "Renewed Works")
    grant = offices.admit(site, case)
    with reading(site, "applicant", "renews") as own:
        answer = own.post("/acts/grant.amend", {"grant": grant, "renew": "yes"})
        assert "Done" in answer.text
        assert "Change of a grant" in own.get("/applications").text
        fallback = {"grant": grant, "fallback": "yes", "_next": f"/grants/{grant}"}
        assert own.post("/acts/grant.fallback", fallback).status_code == 303
        assert "Another model answers it" in own.get(f"/grants/{grant}").text


# Keys and people


def test_a_key_is_made_in_the_browser_and_only_its_digest_is_sent(page: Page, site: Plane) -> None:
    grant = offices.admit(site, applied(site, "keys", "Key Works"))
    sent = list[str]()
    page.on("request", lambda each: sent.append(f"{each.url} {each.post_data}"))
    sign_in(page, site, "applicant", "keys")
    page.goto(f"/grants/{grant}")
    page.get_by_label("Label").fill(f"build server {HOSTILE[:30]}")
    page.get_by_role("button", name="Make a key").click()
    made = page.locator("#made-key")
    expect(made).to_have_text(re.compile("sg_.{49}"))
    key = made.inner_text()
    assert apikey.is_well_formed(key, apikey.KEY_PREFIX)
    expect(page.get_by_text("No key yet")).to_be_hidden()
    expect(page.get_by_text("without a key yet")).to_be_hidden()
    assert key in page.locator("#code ~ pre").first.inner_text()
    assert not any(key in each for each in sent)
    with site.ledger.reading() as state:
        assert state.table.credentials[apikey.digest(key)].grant.id == grant
    page.get_by_role("link", name="I have kept it").click()
    expect(page.locator("#keys ~ table")).to_contain_text("build server <script>")
    assert key not in page.content()
    page.locator("summary", has_text="Replace").click()
    page.get_by_role("button", name="Make a new key in its place").click()
    expect(made).to_have_text(re.compile("sg_.{49}"))
    page.get_by_role("link", name="I have kept it").click()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(2)
    page.get_by_role("button", name="Revoke").last.click()
    expect(page.locator("#keys ~ table")).to_contain_text("revoked")


def test_a_key_made_elsewhere_is_known_by_its_digest(browser: Browser, site: Plane) -> None:
    grant = offices.admit(site, applied(site, "typed", "Typed Works"))
    with browser.new_context(base_url=named(site), java_script_enabled=False) as context:
        opened = context.new_page()
        sign_in(opened, site, "applicant", "typed")
        opened.goto(f"/grants/{grant}")
        assert f"credential issue --grant {grant}" in opened.content()
        opened.get_by_label("Digest").first.fill("no digest")
        opened.get_by_role("button", name="Make a key").click()
        expect(opened.get_by_role("alert")).to_be_visible()
        opened.goto(f"/grants/{grant}")
        opened.get_by_label("Digest").first.fill("ab" * 32)
        opened.get_by_role("button", name="Make a key").click()
        expect(opened.locator("#keys ~ table")).to_contain_text("valid")


def csv(text: str) -> FilePayload:
    """A list as somebody chooses it."""
    return {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}


def test_people_are_registered_from_a_list_whose_names_stay_in_the_browser(page: Page, site: Plane) -> None:
    grant = offices.admit(site, applied(site, "people", "People Works"))
    sent = list[str]()
    page.on("request", lambda each: sent.append(f"{each.url} {each.post_data}"))
    sign_in(page, site, "applicant", "people")
    page.goto(f"/grants/{grant}")
    sheet = page.get_by_label("A CSV file")
    sheet.set_input_files(csv("identifier,status\nada,wrong\n"))
    expect(page.locator("#sheet-said")).to_contain_text("Not done")
    expect(page.get_by_role("button", name="Register them")).to_be_disabled()
    rows = 'identifier;status;method\n"ada;@example.org";us_citizen;document-seen\nbén@example.org;;\n'
    sheet.set_input_files(csv(rows))
    expect(page.locator("#sheet-said")).to_contain_text("2 rows: all would be registered")
    expect(page.locator("#sheet-rows")).to_contain_text("ada;@example.org")
    with site.ledger.reading() as state:
        before = state.size
    page.get_by_role("button", name="Register them").click()
    expect(page.locator("#people ~ table")).to_contain_text("us citizen")
    assert site.ledger.size() > before
    sheet.set_input_files(csv(rows))
    expect(page.locator("#people ~ table")).to_contain_text("bén@example.org")
    assert not any("example.org" in each for each in sent)
    found = {persons.identifier(each) for each in ("ada;@example.org", "bén@example.org")}
    with site.ledger.reading() as state:
        members = state.registry.members[state.grants[grant].organization]
        known = {name for names in members.values() for name in names}
    assert found <= known


def test_a_directive_says_what_it_means_for_ones_people_and_an_exception_is_asked_for(
    page: Page, site: Plane
) -> None:
    grant = offices.admit(site, applied(site, "directed", "Directed Works"))
    value = worlds.directive_value(
        "d-page", covers=worlds.committed(["Directed Works"]), licensedBy={"allOf": ["ostp"]}
    )
    opened = {worlds.COVERED: opened_beside(worlds.opened_names(["Directed Works"]))}
    with site.ledger.reading() as state:
        value["metadata"]["log"] = state.log
    signed = worlds.signed(worlds.directive_payload(value), "oncd")
    offices.put(
        site, "agency", "oncd", directives.ISSUE.path, {"envelope": signed.to_json(), "opened": opened}
    )
    sign_in(page, site, "applicant", "directed")
    page.goto(f"/grants/{grant}")
    expect(page.locator("main")).to_contain_text("Directive d-page suspends gpt-5.6")
    expect(page.locator("main")).to_contain_text("from this directive. It is decided by ostp")
    with site.ledger.reading() as state:
        digest = state.directives["d-page"].document.digest
    facts = page.locator("section", has_text="What a directive means").locator("dl.facts").first
    expect(facts).to_contain_text("d-page, by oncd, issued")
    expect(facts).to_contain_text("letter")
    expect(facts).to_contain_text(digest)
    expect(page.locator("main")).to_contain_text("You have no key and no registered member yet.")
    expect(page.get_by_role("cell", name="0 members")).to_have_count(0)
    key_of(site, grant, "directed")
    page.reload()
    expect(page.locator("main")).to_contain_text("It covers all of your keys and registered members.")
    page.get_by_role("button", name="Ask for an exception").click()
    page.goto("/applications")
    expect(page.get_by_role("link", name="Exception from a directive: d-page")).to_be_visible()


# What others try


COMPOSED = {each.path for each in applying.FORMS}
OWNED = [
    each.path
    for each in (*applicant.PAGES, *applying.PAGES)
    if any(f"{{{what}}}" in each.path for what in ("case", "draft", "grant"))
]
"""The pages of something that an applicant has."""


def _another(own: Mapping[str, str]) -> dict[str, str]:
    """What has other names than that, and is not there."""
    return {what: f"{own[what][:-1]}2" for what in ("case", "draft", "grant")}


def _but_for(text: str, names: Mapping[str, str]) -> str:
    for what in ("case", "draft", "grant"):
        text = text.replace(names[what], what)
    return text


def test_anothers_case_looks_like_one_that_does_not_exist(site: Plane) -> None:
    case = applied(site, "owner", "Owned Works")
    site.token("applicant", "stranger")
    draft = furnished(site, "owner").draft
    with reading(site, "applicant", "stranger") as stranger:
        assert "Owned" not in stranger.get("/applications").text
        grant = offices.admit(site, case)
        with site.ledger.reading() as state:
            size = state.size
        for page in OWNED:
            for step in applying.STEPS if "{step}" in page else ("",):
                own = {"case": case, "draft": draft, "grant": grant, "step": step}
                path, other = page.format(**own), page.format(**{**own, **_another(own)})
                theirs, nothing = stranger.get(path), stranger.get(other)
                assert theirs.status_code == nothing.status_code == 404
                assert _but_for(theirs.text, own) == _but_for(nothing.text, _another(own))
                if page in COMPOSED:
                    assert stranger.post(path, {"name": "mine"}).status_code == 404
        issued = stranger.post("/acts/credential.issue", {"grant": grant, "digest": "cd" * 32})
        assert issued.status_code == 404
        assert stranger.post("/acts/grant.surrender", {"grant": grant}).status_code == 404
        assert (
            stranger.post("/acts/credential.revoke", {"credential": key_of(site, grant)}).status_code == 404
        )
        for act in ("case.answer", "case.reply", "case.appeal"):
            assert stranger.post(f"/acts/{act}", {"case": case, "text": "mine"}).status_code == 404
        assert stranger.post("/acts/case.withdraw", {"case": case}).status_code == 404
        assert site.ledger.size() == size + 1  # the owner's key


def test_how_often_a_key_was_used_is_a_picture_and_the_same_in_a_table(page: Page, site: Plane) -> None:
    grant = offices.admit(site, applied(site, "uses", "Using Works"))
    sign_in(page, site, "applicant", "uses")
    page.goto(f"/grants/{grant}")
    expect(page.locator("#usage ~ .empty")).to_contain_text("No request")
    used(site, key_of(site, grant, "uses", "build server"))
    page.reload()
    pictures = page.locator("figure.uses")
    expect(pictures.locator("figcaption")).to_have_text(
        [
            "build server: 2,468 let through, 12 refused",
            f"{MODEL}: 2,400 let through, 12 refused",
            "without a model: 68 let through, 0 refused",
        ]
    )
    assert pictures.locator("rect.passed").count() == 3
    expect(pictures.first.locator(".ends")).to_contain_text(re.compile(r"\d{4}.*let through.*refused.*\d{4}"))
    row = page.locator("table", has_text="Requests by key and day").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("2,468")
    by_model = page.locator("table", has_text="Requests by model and day").locator("tbody tr")
    expect(by_model).to_have_count(2)
    expect(by_model.first).to_contain_text("2,400")


def test_why_a_key_may_be_used_is_said_in_words_what_refuses_first(page: Page, site: Plane) -> None:
    grant = offices.admit(site, applied(site, "why", "Why Works"))
    key = key_of(site, grant, "why")
    sign_in(page, site, "applicant", "why")
    page.goto(f"/grants/{grant}")
    page.get_by_role("link", name=f"why {key}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Why this key may use {MODEL}")
    expect(page.get_by_role("heading", level=2).first).to_have_text("What lets it through")
    main = page.locator("main")
    expect(main).to_contain_text("The key: this key is valid")
    assert re.search(r"\d{4}-\d\d-\d\dT", main.inner_text()) is None
    offices.put(site, "applicant", "why", credentials.REVOKE.path.format(credential=key), {})
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Why this key may not use {MODEL}")
    expect(page.get_by_role("heading", level=2).first).to_have_text("What refuses it")
    expect(main).to_contain_text("refused, with status 401: credential revoked")
    page.get_by_label("Model").fill("")
    page.goto("/acts/credential.explain?credential=cred_x&model=m")
    expect(page.get_by_role("alert")).to_contain_text("no credential 'cred_x'")


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
        searched = anyone.get("/applications?state=open&kind=appeal")
        assert searched.headers["location"] == "/sign-in?next=/applications%3Fstate%3Dopen%26kind%3Dappeal"


def test_a_form_counts_only_from_our_page_and_the_session_it_was_made_for(site: Plane) -> None:
    case = applied(site, "forged", "Forged Works")
    fields = {"case": case}
    with reading(site, "applicant", "forged") as own, reading(site, "applicant", "forged") as again:
        assert own.post("/acts/case.withdraw", {**fields, "_form": ""}).status_code == 403
        assert own.post("/acts/case.withdraw", {**fields, "_form": again.form}).status_code == 403
        for origin in ("https://elsewhere.example", "null", site.url.replace("http", "https")):
            assert own.post("/acts/case.withdraw", fields, origin=origin).status_code == 403
        assert own.get(f"/acts/case.withdraw?case={case}").status_code == 200  # only shows the form
        begun = {"name": "N", "registeredIn": "US", "surface": API}
        assert own.post(f"/apply/{RELEASE}/{STAGE}", begun, origin="null").status_code == 403
        assert own.post(f"/apply/{RELEASE}/{STAGE}", {**begun, "_form": again.form}).status_code == 403
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


def pages(has: Furnished) -> list[str]:
    """Each page, for a reader who has these."""
    kept = [f"/drafts/{has.draft}/{step}" for step in applying.STEPS]
    grants = [f"/grants/{has.grant}", f"/acts/credential.explain?credential={has.key}&model={MODEL}"]
    return [
        "/applications", f"/applications/{has.case}", *grants, f"/apply/{RELEASE}/{STAGE}", *kept, "/acts"
    ]  # fmt: skip


def test_what_anyone_wrote_is_text_on_each_page(site: Plane) -> None:
    has = furnished(site, "hostile")
    with reading(site, "applicant", "hostile") as own:
        own.post("/acts/case.answer", {"case": has.case, "agency": "oncd", "text": HOSTILE})
        for path in pages(has):
            found = parsed(own.get(path).text)
            assert found.tags.count("img") == 1  # the mark
            assert not found.inline, path
