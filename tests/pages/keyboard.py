"""A person who has a keyboard and nothing else: what they want to use, they come to by the Tab key.

Rules:
- At each stop the focus can be seen, and is in the window. Where it cannot, the walk fails.
- What is not reached within some stops, is not there for such a person.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, expect

STOPS = 80
"""After how many stops the walk to something ends."""
ROUND = 400
"""After how many stops a page that is not over yet is a trap."""
CALM: Any = {"reduced_motion": "reduce"}
"""How a browser is opened in which walks are watched: a page is where the focus is at once."""

_STOP = """(wanted) => {
  const at = document.activeElement;
  if (at === document.body) return { there: false, seen: true, what: "" };
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const marked = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const inside = box.width > 0 && box.height > 0
    && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  (window.stops ??= new Set()).add(at);
  return { there: at === wanted, seen: marked && inside, what: at.outerHTML.slice(0, 160) };
}"""
_LEFT_OUT = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((each) => !each.disabled && each.type !== "radio" && each.checkVisibility())
  .filter((each) => !window.stops.has(each))
  .map((each) => each.outerHTML.slice(0, 160))"""


def reach(target: Locator, *, back: bool = False) -> None:
    """Go on by Tab, or back by Shift and Tab, until something has the focus."""
    what = ""
    for _ in range(STOPS):
        stop = target.evaluate(_STOP)
        assert stop["seen"], f"the focus cannot be seen: {stop['what']}"
        if stop["there"]:
            return
        what = stop["what"]
        target.page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"no way by keyboard to {target}: after {STOPS} stops it is at {what}")


def press(target: Locator, key: str = "Enter") -> None:
    """Go to something, and press a key there."""
    reach(target)
    target.page.keyboard.press(key)


def follow(target: Locator) -> None:
    """Go to a link or a button, take it, and wait for the page that it leads to."""
    reach(target)
    with target.page.expect_navigation():
        target.page.keyboard.press("Enter")


def write(target: Locator, text: str) -> None:
    """Go to a field, and put a text in the place of what is there."""
    reach(target)
    target.page.keyboard.press("ControlOrMeta+A")
    target.page.keyboard.insert_text(text)


def choose(target: Locator, option: str) -> None:
    """Go to a list, and choose an option by its letters."""
    reach(target)
    target.page.keyboard.type(option)
    expect(target).to_have_value(option)


def give(target: Locator, file: FilePayload) -> None:
    """Go to a field for files, and choose one."""
    target.page.on("filechooser", lambda _: None)  # else it may open as a window of the system
    reach(target)
    with target.page.expect_file_chooser() as chooser:
        target.page.keyboard.press("Enter")
    chooser.value.set_files(file)


def skip(page: Page) -> None:
    """Take the link to the content: the first stop of a page leads past all that is above."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def round_trip(page: Page) -> None:
    """Go once through a page that was just opened: each thing to use is a stop, and after the last one it is
    over.
    """
    for number in range(ROUND):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP, None)
        assert stop["seen"], f"the focus cannot be seen: {stop['what']}"
        assert number or "skip" in stop["what"], f"the first stop is {stop['what']}"
        if not stop["what"]:
            left_out = page.evaluate(_LEFT_OUT)
            assert not left_out, f"no stop: {left_out}"
            return
    raise AssertionError(f"after {ROUND} stops it is not over: {page.url}")
