"""The public pages without a browser: who sees what, what is escaped, what may be kept, what a feed has."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args, get_type_hints
from xml.etree import ElementTree as ET

import icalendar
import pytest

from sluicegate.acts.outlook import StageEvent
from sluicegate.acts.record import SEARCHED_MAX
from sluicegate.control import pages
from sluicegate.core.explanations import narration
from sluicegate.core.explanations.narration import recorded
from sluicegate.pages import timeline
from sluicegate.pages.page import MadePage, PagePlace
from sluicegate.pages.public import PAGES
from sluicegate.service import record
from sluicegate_record.entries import TYPES
from tests.control.conftest import Plane

EVERY_ACT = Path(__file__).parents[1] / "vectors" / "every_act"
PLACES = {"release": "gpt-5.6", "index": "2"}
DOCUMENTS = {"/record.atom", "/record.json", "/calendar.ics"}
SHOWN = [page.path.format(**PLACES) for page in PAGES]


def get(site: Plane, path: str, **headers: str) -> Any:
    with site.client() as anyone:
        return anyone.get(path, headers=headers)


class Tags(HTMLParser):
    """The tags of a page, and what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = list[str]()
        self.inline = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(tag)
        self.inline += [name for name in names if name.startswith("on") or name == "style"]


def parsed(text: str) -> Tags:
    made = Tags()
    made.feed(text)
    return made


@pytest.mark.parametrize("path", SHOWN)
def test_each_page_is_there_for_anyone_and_no_token_shows_more(site: Plane, path: str) -> None:
    answer = get(site, path)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    with site.staff() as staff:
        assert staff.get(path).content == answer.content


@pytest.mark.parametrize("path", [each for each in SHOWN if each not in DOCUMENTS])
def test_a_page_keeps_to_its_policy(site: Plane, path: str) -> None:
    answer = get(site, path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    found = parsed(answer.text)
    assert "main" in found.tags
    assert not found.inline


def test_what_people_wrote_is_text_and_nothing_else(site: Plane) -> None:
    answer = get(site, "/releases/hostile")
    found = parsed(answer.text)
    assert found.tags.count("img") == 1  # the mark
    assert not found.inline
    assert "&lt;script&gt;alert(1)" in answer.text
    assert answer.text.count("{{7*7}}") == answer.text.count("onerror=alert(2)") > 0
    search = get(site, "/record?text=" + "%22%3E%3Cscript%3Ealert(3)%3C/script%3E")
    assert "<script>alert" not in search.text
    assert search.status_code == 200


def test_a_page_that_was_not_changed_is_not_sent_again(site: Plane) -> None:
    first = get(site, "/record")
    again = get(site, "/record", **{"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_a_file_of_pages_is_kept_for_ever_and_another_one_is_not_there(site: Plane) -> None:
    page = get(site, "/releases").text
    style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in get(site, style).headers["cache-control"]
    assert get(site, "/assets/style.css").status_code == 404
    assert get(site, "/assets/..%2f..%2fpage.py").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/releases/nope", 404),
        ("/releases/quiet", 404),
        ("/record/99999", 404),
        ("/record/-1", 400),
        ("/record/02", 400),
        ("/record?limit=05", 400),
        ("/record/x", 400),
        ("/record?limit=100000", 400),
        ("/record?nothing=1", 400),
        ("/record?before=x", 400),
        ("/releases?x=1", 400),
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(site: Plane, path: str, status: int) -> None:
    answer = get(site, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/releases"' in answer.text


def test_of_a_release_that_is_not_announced_there_is_only_what_the_log_says(site: Plane) -> None:
    assert "releases/quiet" not in get(site, "/releases").text
    for path in ("/releases", "/calendar.ics", "/record?text=quiet"):
        assert "m-quiet" not in get(site, path).text


def test_a_search_finds_names_in_any_case_and_says_how_far_it_went(site: Plane) -> None:
    with site.client() as anyone:
        found = anyone.get("/api/v1/log/entries", params={"text": "GPT-5.6", "type": "release."}).json()
        assert [each["type"] for each in found["entries"]] == ["release.applied"]
        assert found["next"] is None
        first = anyone.get("/api/v1/log/entries", params={"limit": 2}).json()
        second = anyone.get("/api/v1/log/entries", params={"limit": 2, "before": first["next"]}).json()
    assert [each["index"] for each in (*first["entries"], *second["entries"])] == [
        first["size"] - place for place in (1, 2, 3, 4)
    ]


def test_a_search_goes_through_no_more_than_it_says(monkeypatch: pytest.MonkeyPatch, site: Plane) -> None:
    monkeypatch.setattr(record, "SEARCHED_MAX", 3)
    with site.client() as anyone:
        found = anyone.get("/api/v1/log/entries", params={"text": "there is no such text"}).json()
    assert (found["entries"], found["next"]) == ([], found["size"] - 3)
    assert SEARCHED_MAX == 500


def test_feeds_have_the_newest_entries_under_the_addresses_of_their_pages(site: Plane) -> None:
    atom = ET.fromstring(get(site, "/record.atom").content)
    feed = get(site, "/record.json").json()
    links = [each.get("href") for each in atom.iterfind("{*}entry/{*}link")]
    assert links == [each["url"] for each in feed["items"]]
    assert get(site, str(links[0]).removeprefix(site.url)).status_code == 200


def test_the_calendar_has_the_dates_of_stages(site: Plane) -> None:
    found = icalendar.Calendar.from_ical(get(site, "/calendar.ics").content)
    said = [str(each["summary"]) for each in found.walk("vevent")]
    assert any(each.startswith("gpt-5.6, stage trusted-partners: ") for each in said)
    assert len({str(each["uid"]) for each in found.walk("vevent")}) == len(said)


def leaves() -> list[bytes]:
    files = sorted(EVERY_ACT.glob("entries-*.jsonl"))
    return [json.loads(line)["leaf"].encode() for file in files for line in file.read_bytes().splitlines()]


def test_each_type_of_entry_is_said_in_words_from_its_leaf_alone() -> None:
    said: dict[str, str] = {}
    for leaf in leaves():
        found = recorded(leaf)
        said.setdefault(found.type, found.words)
        assert found.words
        assert "Hidden" not in found.words
        assert TYPES[found.type] in narration._SAID, found.type
        assert found.public == json.loads(leaf)["public"]
    assert said.keys() >= TYPES.keys() - {"unknown"}


def test_pages_that_are_kept_take_so_much_memory_and_no_more() -> None:
    """A stranger makes the largest page again and again, under another name of the host each time."""
    keeper, page = pages.Keeper(), MadePage(bytes(1 << 20), "text/html")
    for number in range(pages.KEPT_MAX):
        keeper.put(PagePlace(f"http://host-{number % 100}", "/record/1", ""), 1, page)
    assert keeper.bytes == pages.KEPT_BYTES_MAX
    kept = [keeper.get(PagePlace(f"http://host-{number}", "/record/1", ""), 1) for number in range(100)]
    assert sum(each is not None for each in kept) == pages.KEPT_BYTES_MAX >> 20


HOST = "control.localhost:8600"


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_a_feed_has_no_links_that_a_strangers_request_has_chosen(site: Plane, path: str) -> None:
    answer = get(site, path, host="evil.example")
    assert answer.status_code == 421
    assert "--url" in answer.text
    own = get(site, path, host=HOST)
    assert own.status_code == 200
    assert f"http://{HOST}/" in own.text


def test_an_entry_says_no_address_that_a_strangers_request_has_chosen(site: Plane) -> None:
    assert "ledger verify URL --key" in get(site, "/record/2", host="evil.example").text
    assert "evil.example" not in get(site, "/record/2", host="evil.example").text
    assert f"ledger verify http://{HOST} --key" in get(site, "/record/2", host=HOST).text


BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/sign-out", 405)])
def test_an_address_that_is_not_there_is_a_page_for_a_browser_and_json_for_a_program(
    site: Plane, path: str, status: int
) -> None:
    page = get(site, path, accept=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-store"
    found = parsed(page.text)
    assert "main" in found.tags
    assert not found.inline
    assert 'href="/releases"' in page.text
    for accept in ("*/*", "application/json"):
        assert get(site, path, accept=accept).json()["error"]["code"] in {
            "route_unknown",
            "method_not_allowed",
        }


def test_what_is_asked_of_the_api_is_json_whatever_is_accepted(site: Plane) -> None:
    answer = get(site, "/api/v1/nothing", accept=BROWSER)
    assert answer.json()["error"]["code"] == "route_unknown"


def test_what_an_unknown_address_says_is_text(site: Plane) -> None:
    page = get(site, "/%3Cscript%3Ealert(1)%3C/script%3E", accept=BROWSER)
    assert page.status_code == 404
    assert "&lt;script&gt;alert(1)" in page.text
    assert parsed(page.text).tags.count("script") == parsed(
        get(site, "/nothing", accept=BROWSER).text
    ).tags.count("script")


def test_what_happened_to_a_stage_leads_to_its_entry(site: Plane) -> None:
    page = get(site, "/releases/gpt-5.6").text
    line = page.partition("What happened, and what comes")[2].partition("</table>")[0]
    index, *_ = re.findall(r'<a href="/record/(\d+)"><time', line)
    assert "is opened: terms of gpt-5.6/trusted-partners" in get(site, f"/record/{index}").text


def test_a_time_line_has_words_for_all_that_happens_to_a_stage() -> None:
    (hint, _) = get_args(get_type_hints(StageEvent, include_extras=True)["what"])
    assert {*get_args(hint)} == timeline.SAID.keys()
