"""The record as feeds, and the dates of releases as a calendar, for programs that people read with.

Source: RFC 4287 (Atom), JSON Feed 1.1, RFC 5545 (iCalendar).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

import icalendar

from sluicegate.acts.outlook import ReleaseOutlook
from sluicegate.acts.record import EntryList, RecordedEntry
from sluicegate.pages.page import MadePage, PagePlace
from sluicegate.pages.timeline import SAID
from sluicegate.pages.words import spoken
from sluicegate_record.log import times
from sluicegate_record.terms import dates

_ATOM = "http://www.w3.org/2005/Atom"
_TITLE = "The public record"


def atom(place: PagePlace, found: EntryList) -> MadePage:
    """Entries as an Atom feed."""
    ET.register_namespace("", _ATOM)
    root = _element(None, "feed")
    _element(root, "title", _TITLE)
    _element(root, "id", place.link("/record"))
    _element(root, "updated", times.format_time(found.entries[0].at_ms if found.entries else 0))
    _element(root, "link", href=place.link("/record.atom"), rel="self")
    _element(root, "link", href=place.link("/record"))
    _element(_element(root, "author"), "name", place.link())
    for each in found.entries:
        entry = _element(root, "entry")
        _element(entry, "title", _title(each))
        _element(entry, "id", _entry(place, each.index))
        _element(entry, "updated", times.format_time(each.at_ms))
        _element(entry, "link", href=_entry(place, each.index))
        _element(entry, "category", term=each.type)
        _element(entry, "summary", spoken(each.words))
    body = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return MadePage(body, "application/atom+xml; charset=utf-8")


def json_feed(place: PagePlace, found: EntryList) -> MadePage:
    """Entries as a JSON Feed."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _TITLE,
        "home_page_url": place.link("/record"),
        "feed_url": place.link("/record.json"),
        "items": [
            {
                "id": _entry(place, each.index),
                "url": _entry(place, each.index),
                "title": _title(each),
                "content_text": spoken(each.words),
                "date_published": times.format_time(each.at_ms),
                "tags": [each.type],
            }
            for each in found.entries
        ],
    }
    return MadePage(json.dumps(feed, ensure_ascii=False).encode(), "application/feed+json; charset=utf-8")


class _Date(NamedTuple):
    """What is in the calendar: on a day, or at a moment."""

    uid: str
    at: date | datetime
    text: str
    link: str


def calendar(place: PagePlace, found: Iterable[ReleaseOutlook]) -> MadePage:
    """The dates of releases: what happened to stages, what comes, and what was promised."""
    made = icalendar.Calendar()
    made.add("prodid", "-//Sluicegate//public record//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", "Releases")
    for outlook in found:
        for each in _dates(place, outlook):
            event = icalendar.Event()
            event.add("uid", each.uid)
            event.add("dtstamp", _moment(outlook.at_ms))
            event.add("dtstart", each.at)
            event.add("summary", each.text)
            event.add("url", each.link)
            made.add_component(event)
    return MadePage(made.to_ical(), "text/calendar; charset=utf-8")


def _dates(place: PagePlace, found: ReleaseOutlook) -> Iterator[_Date]:
    name = found.status.release
    link = place.link(f"/releases/{name}")
    host = place.link().rpartition("/")[2]
    for course in found.timeline:
        for each in course.events:
            at = (
                date.fromisoformat(dates.day_before(each.at_ms))
                if each.what == "until"
                else _moment(each.at_ms)
            )
            uid = f"{name}.{course.stage}.{each.what}.{each.at_ms}@{host}"
            where = link if each.entry is None else _entry(place, each.entry)
            yield _Date(uid, at, f"{name}, stage {course.stage}: {SAID[each.what]}", where)
    for promise in found.promises:
        text = f"{promise.party} promised: {promise.text} ({promise.state})"
        yield _Date(f"{promise.promise}@{host}", date.fromisoformat(promise.by), text, link)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def _title(each: RecordedEntry) -> str:
    return f"Entry {each.index}: {spoken(each.words)}"


def _entry(place: PagePlace, index: int) -> str:
    return place.link(f"/record/{index}")


def _element(parent: ET.Element | None, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    tag = f"{{{_ATOM}}}{name}"
    made = ET.Element(tag, attributes)
    if parent is not None:
        parent.append(made)
    made.text = text
    return made
