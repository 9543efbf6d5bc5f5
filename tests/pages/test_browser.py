"""The public pages in a real browser: what it proves by itself, by keyboard, without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from sluicegate.pages import site as files
from sluicegate_record.log import canonical, checkpoint
from tests.control.conftest import Plane
from tests.pages.keyboard import CALM, follow, press, skip, write
from tests.record.law.test_logkeys import handovers, world_of
from tests.waiting import BOUND_S
from tests.worlds import LOG, LOG_2, LOG_3, ORIGIN, log_vkey, private_key, public_key

MERKLE = Path(__file__).parents[1] / "vectors" / "merkle"
CHECKED = "Your browser has checked it"


@pytest.fixture
def page(browser: Browser, site: Plane) -> Iterator[Page]:
    with browser.new_context(base_url=site.url, timezone_id="America/New_York", **CALM) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def test_the_record_is_searched_without_javascript(browser: Browser, site: Plane) -> None:
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        opened = context.new_page()
        opened.goto("/record/2")
        assert "ledger verify" in opened.locator("#check").inner_text()
        opened.goto("/record")
        opened.fill("#text", "gpt-5.6")
        opened.press("#text", "Enter")
        assert opened.locator(".entries li").count()


def test_the_way_from_a_link_to_a_date_that_the_browser_has_checked_by_keyboard_alone(page: Page) -> None:
    page.goto("/releases/gpt-5.6")
    skip(page)
    follow(page.locator(".entries .said").get_by_role("link").first)
    expect(page.locator("#verdict")).to_contain_text(CHECKED)
    assert "release.applied" in page.locator("main").inner_text()
    stated = page.locator("#when time").get_attribute("datetime")
    assert stated
    expect(page.locator("#proof div", has_text="Time").locator("dd")).to_have_text(stated)
    write(page.get_by_label("The log's key"), log_vkey(LOG_2))
    press(page.get_by_role("button", name="Check with this key"))
    expect(page.locator("#verdict")).to_contain_text("not signed by")


def test_times_are_in_the_zone_of_the_reader(page: Page) -> None:
    page.goto("/releases/gpt-5.6")
    shown = page.locator("time").first
    assert "UTC" in str(shown.get_attribute("title"))
    assert "UTC" not in shown.inner_text()


def test_a_key_from_elsewhere_decides(page: Page) -> None:
    page.goto("/record/2")
    expect(page.locator("#verdict")).to_contain_text(CHECKED)
    other = checkpoint.vkey("log.example", private_key("mallory").public_key().public_bytes_raw())
    page.fill("#vkey", other)
    page.press("#vkey", "Enter")
    expect(page.locator("#verdict")).to_contain_text("not signed by")
    page.fill("#vkey", "no key")
    page.press("#vkey", "Enter")
    expect(page.locator("#verdict")).to_contain_text("form name+8 hex digits+base64")


def _other_leaf(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "leaf": answer["leaf"].replace('"v":1', '"v":2')}


def _short_proof(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "proof": answer["proof"][:-1]}


def _long_proof(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "proof": [*answer["proof"], answer["proof"][0]]}


@pytest.mark.parametrize("lie", [_other_leaf, _short_proof, _long_proof])
def test_a_lie_about_the_proof_is_seen(page: Page, lie: Any) -> None:
    def answer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=json.dumps(lie(found.json())))

    page.route("**/api/v1/log/inclusion*", answer)
    page.goto("/record/2")
    expect(page.locator("#verdict")).to_contain_text("It could not be shown")


@pytest.mark.parametrize(("shown", "instead"), [("&#34;party&#34;", "&#34;partY&#34;"), ('"20', '"19')])
def test_a_page_that_shows_another_entry_or_time_than_the_log_has_is_seen(
    page: Page, shown: str, instead: str
) -> None:
    def answer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=found.text().replace(shown, instead))

    page.route("**/record/2", answer)
    page.goto("/record/2")
    expect(page.locator("#verdict")).to_contain_text("this page shows something else")


def test_a_head_that_was_altered_is_seen(page: Page) -> None:
    def answer(route: Route) -> None:
        found = route.fetch()
        first, _, rest = found.text().partition("\n")
        size, _, more = rest.partition("\n")
        route.fulfill(response=found, body=f"{first}\n{int(size) + 1}\n{more}")

    page.route("**/log/checkpoint", answer)
    page.goto("/record/2")
    expect(page.locator("#verdict")).to_contain_text("does not verify")


FOLLOWED = """async ([path, cases]) => {
  const { rootFrom } = await import(path);
  const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (each) => parseInt(each, 16));
  const hex = (found) => Array.from(found, (each) => each.toString(16).padStart(2, "0")).join("");
  const said = [];
  for (const each of cases) {
    try {
      const root = await rootFrom(bytes(each.leaf), each.index, each.size, each.proof.map(bytes));
      said.push(each.leaf.length === 64 && hex(root) === each.root);
    } catch { said.push(false); }
  }
  return said;
}"""


def test_the_browser_follows_proofs_as_the_vectors_say(page: Page) -> None:
    cases = json.loads((MERKLE / "inclusion.json").read_text())
    page.goto("/record/2")
    said = page.evaluate(FOLLOWED, [files.ASSETS_BY_NAME["check.js"].path, cases])
    assert said == [not each["want_err"] for each in cases]


LED = """async ([path, cases]) => {
  const { follow } = await import(path);
  const said = [];
  for (const [known, handovers] of cases) {
    try {
      const { name, bytes } = await follow(known, handovers);
      said.push(`${name} ${Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("")}`);
    } catch (error) { said.push(error.message); }
  }
  return said;
}"""


def test_the_browser_follows_the_keys_of_a_log_as_the_record_does(page: Page) -> None:
    """Any of its keys leads to the one that signs now. Officers are not known to a browser."""
    by_key, by_officers = (
        [each.to_json() for each in handovers(world_of(by, by))] for by in ("key", "officers")
    )
    keys = [LOG, log_vkey(LOG_2), log_vkey(LOG_3)]
    unsigned = [{**by_key[0], "signatures": by_key[0]["signatures"][:1]}]
    cases = [*((key, by_key) for key in keys), (LOG, []), (LOG, by_officers), (keys[2], by_officers)]
    cases += [(LOG, unsigned), (LOG, [by_key[0], by_key[0]])]
    page.goto("/record/2")
    said = page.evaluate(LED, [files.ASSETS_BY_NAME["check.js"].path, cases])
    first, last = (f"{ORIGIN} {public_key(name).hex()}" for name in ("log", LOG_3))
    assert said[:4] == [last, last, last, first]
    assert "did not hand over" in said[4]
    assert said[5] == last
    assert "did not hand over" in said[6]
    assert "do not follow each other" in said[7]


SAME_JSON = """async ([path, texts]) => {
  const { ordered } = await import(path);
  return texts.map((each) => JSON.stringify(ordered(JSON.parse(each))));
}"""


def test_the_browser_orders_json_whatever_the_order_it_came_in(page: Page) -> None:
    page.goto("/record/2")
    texts = ['{"b":[{"d":1,"c":2}],"a":null}', '{"a":null,"b":[{"c":2,"d":1}]}']
    found = page.evaluate(SAME_JSON, [files.ASSETS_BY_NAME["check.js"].path, texts])
    assert found[0] == found[1] == canonical.dumps(json.loads(texts[0])).decode()


def test_what_a_person_says_goes_out_with_the_link_alone(page: Page) -> None:
    asked = list[tuple[str, str, str | None]]()

    def answer(route: Route) -> None:
        sent = route.request
        asked.append((sent.method, sent.url, sent.headers.get("authorization")))
        claim = {"yours": True, "status": "other", "method": "self-asserted", "assurance": "self-asserted"}
        claims = [{**claim, "issuer": "person", "until": None}] if len(asked) > 1 else []
        route.fulfill(json={"organization": "org_1", "claims": claims})

    page.route("**/api/v1/person**", answer)
    page.goto("/person#secret-token")
    expect(page.locator("#organization")).to_have_text("org_1")
    page.get_by_label("Other").check()
    page.get_by_role("button", name="Say so").click()
    expect(page.locator("#said")).to_have_text("Noted. You said: other.")
    expect(page.locator("#claims")).to_contain_text("self asserted")
    assert [method for method, _, _ in asked] == ["GET", "POST", "GET"]
    assert all(token == "Bearer secret-token" and "secret" not in url for _, url, token in asked)
    assert not Axe().run(page).response["violations"]
