"""Every page of a control plane and of a desk: without JavaScript, by keyboard, and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect

from sluicegate.acts.act import DEVELOPER
from tests.pages.keyboard import CALM, reach, round_trip, skip
from tests.pages.readers import ANYONE, READERS, REVIEWER, Readable, readable
from tests.waiting import BOUND_S

BYTES_MAX = 300_000
"""How many a page has on the wire, with all that it needs and nothing kept."""
FRAMELESS = {"/person"}
"""Pages without a head, which no link leads to or from."""
WIDTHS = (320, 375, 1_280)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Readable]]:
    with readable(tmp_path_factory.mktemp("readers")) as found:
        yield found


@contextmanager
def opened(browser: Browser, reader: Readable, **how: Any) -> Iterator[Page]:
    """A browser of a reader who has come in."""
    with browser.new_context(base_url=reader.origin, **CALM, **how) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        page = context.new_page()
        reader.enter(page)
        yield page


EMPTY = """() => [...document.querySelectorAll("main :is(h1, h2, h3, h4, p, li, dt, dd, pre, code, caption)")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height > 0)
  .filter((each) => !each.textContent.trim() && !each.querySelector("button, input, select, textarea, svg"))
  .map((each) => each.outerHTML)"""
"""What is shown and says nothing."""


@pytest.mark.parametrize("reader", READERS)
def test_each_page_is_read_without_javascript(
    browser: Browser, pages: Mapping[str, Readable], reader: str
) -> None:
    with opened(browser, pages[reader], java_script_enabled=False) as page:
        for path in pages[reader].paths:
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            assert page.get_by_role("heading", level=1).inner_text(), path
            assert page.evaluate(EMPTY) == [], path
            assert "Loading" not in page.locator("body").inner_text(), path
            disabled = page.locator("button[disabled]:visible")
            for each in disabled.all():
                assert each.locator("xpath=ancestor::form").locator("noscript p").is_visible(), path


SHIFTS = """() => new Promise((done) => {
  const found = [], seen = new PerformanceObserver((list) => found.push(...list.getEntries()));
  seen.observe({ type: "layout-shift", buffered: true });
  const said = (node) => (node?.outerHTML ?? node?.data ?? "").slice(0, 80);
  const moved = () => [...found, ...seen.takeRecords()].filter((each) => !each.hadRecentInput)
    .map((each) => [each.value, ...each.sources.map((source) => said(source.node))]);
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(moved()))));
})"""
"""How what a page shows has moved while it came."""


TRAPS: Mapping[str, tuple[str, str]] = {
    "a focus that cannot be seen": ('<button style="outline: none">b</button>', "focus cannot be seen"),
    "a focus outside": ('<button style="position: fixed; left: -999px">b</button>', "focus cannot be seen"),
    "a button that is no stop": ('<button tabindex="-1">b</button>', "no stop: "),
    "a button that keeps": ('<button onkeydown="event.preventDefault()">b</button>', "it is not over"),
}
"""What no one uses by keyboard, and what is found of it."""


@contextmanager
def shown(browser: Browser, body: str) -> Iterator[Page]:
    """A page of some HTML."""
    with browser.new_context(base_url="http://shown.example", **CALM) as context:
        page = context.new_page()
        style = "<!doctype html><style>:focus { outline: 3px solid }</style>"
        page.route("**/*", lambda route: route.fulfill(body=f"{style}{body}", content_type="text/html"))
        page.goto("/")
        yield page


@pytest.mark.parametrize("trap", TRAPS)
def test_what_no_keyboard_uses_is_found(browser: Browser, trap: str) -> None:
    body, why = TRAPS[trap]
    with (
        shown(browser, f'<a href="#m">skip</a>{body}<p id="m">m</p>') as page,
        pytest.raises(AssertionError, match=why),
    ):
        round_trip(page)


def test_what_is_not_reached_by_keyboard_is_found(browser: Browser) -> None:
    with shown(browser, '<a href="#m">a</a><p tabindex="-1">p</p>') as page:
        reach(page.get_by_role("link"))
        with pytest.raises(AssertionError, match="no way by keyboard"):
            reach(page.locator("p"))


LATE = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  document.body.prepend(Object.assign(document.createElement("div"), { style: "height: 300px" }));
  requestAnimationFrame(() => requestAnimationFrame(done));
})))"""
"""Something comes above what is shown already."""


def test_what_moves_while_a_page_comes_is_found(browser: Browser) -> None:
    with shown(browser, "<h1>A title</h1><p>It stays.</p>") as page:
        assert page.evaluate(SHIFTS) == []
        page.evaluate(LATE)
        assert page.evaluate(SHIFTS) != []


class Watched:
    """A page, with what it asks for and says."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self._origin = page, origin
        self.bytes = 0
        self.said = list[str]()
        self._pending = set[Request]()
        page.on("console", lambda each: self.said.append(each.text) if each.type == "error" else None)
        page.on("dialog", lambda each: self.said.append(each.message))
        page.on("request", self._asked)
        page.on("requestfinished", self._over)
        page.on("requestfailed", self._over)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.loadingFinished", self._came)

    def open(self, path: str) -> None:
        """Load a page, until it asks for nothing more."""
        self.bytes = 0
        self.page.goto(path)
        while self._pending:
            self.page.wait_for_event("requestfinished")

    def _asked(self, request: Request) -> None:
        self._pending.add(request)
        if not request.url.startswith(self._origin):
            self.said.append(f"it asks {request.url}")

    def _over(self, request: Request) -> None:
        self._pending.discard(request)

    def _came(self, event: Mapping[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]


@pytest.mark.parametrize("reader", READERS)
def test_each_page_is_light_stays_where_it_is_and_has_no_barrier(
    browser: Browser, pages: Mapping[str, Readable], reader: str
) -> None:
    with opened(browser, pages[reader], timezone_id="America/New_York") as page:
        watched = Watched(page, pages[reader].origin)
        for path in pages[reader].paths:
            watched.open(path)
            assert 0 < watched.bytes <= BYTES_MAX, (path, watched.bytes)
            assert page.evaluate(SHIFTS) == [], path
            expect(page.locator("script:not([blocking=render])")).to_have_count(0)  # also on a slow line
            if path not in FRAMELESS:
                round_trip(page)
            _accessible(page, path)
        assert watched.said == []
        assert bool(page.context.cookies()) == (reader != ANYONE)


CONTRAST = "() => axe.run({ runOnly: ['color-contrast'] }).then(({ violations }) => violations)"
"""What differs by scheme. Requires: axe has been run."""


def _accessible(page: Page, path: str) -> None:
    """Check that no one is kept out, in either scheme and any width."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = Axe().run(page)
    assert not found.response["violations"], (path, found.generate_report())
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate(CONTRAST) == [], path
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


@pytest.mark.parametrize("reader", READERS)
def test_the_link_to_the_content_leads_past_the_top(
    browser: Browser, pages: Mapping[str, Readable], reader: str
) -> None:
    with opened(browser, pages[reader]) as page:
        page.goto(pages[reader].paths[0])
        skip(page)


@pytest.mark.parametrize("reader", [DEVELOPER, REVIEWER])
def test_who_is_in_is_ended_without_javascript(
    browser: Browser, pages: Mapping[str, Readable], reader: str
) -> None:
    with opened(browser, pages[reader], java_script_enabled=False) as page:
        page.goto("/account")
        page.get_by_role("button", name=re.compile("Make (an invitation|a link)")).click()
        expect(page.locator("main")).to_contain_text("/welcome/")
        page.goto("/account")
        page.get_by_role("button", name="Sign out").click()
        page.goto("/account")
        page.wait_for_url("**/sign-in?next=/account")
