"""The public pages: releases and the record. No one signs in; anyone may keep and cite them."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import log, outlook, record, releases
from sluicegate.acts.act import Nothing
from sluicegate.acts.outlook import ReleaseOutlook
from sluicegate.acts.record import EntryArgument, EntryList, EntrySearch, HistoryArgument, RecordedEntry
from sluicegate.acts.releases import ReleaseArgument, Status
from sluicegate.pages import feeds, timeline
from sluicegate.pages.page import Document, Page, Shown, View

NEWEST = 10
"""How many entries the first page has."""


def _releases(view: View[Nothing, Status]) -> Shown:
    newest = view.ask(record.SEARCH, EntrySearch(limit=NEWEST)).entries
    return Shown("releases.html", {"found": view.found, "newest": newest})


def _release(view: View[ReleaseArgument, ReleaseOutlook]) -> Shown:
    found = view.found
    history = view.ask(record.HISTORY, HistoryArgument(release=view.asked.release))
    values = {
        "found": found,
        "history": history.entries,
        "line": timeline.timeline(found.timeline, found.at_ms),
        "courses": {each.stage: each for each in found.timeline},
        "said": timeline.SAID,
    }
    return Shown("release.html", values)


def _record(view: View[EntrySearch, EntryList]) -> Shown:
    return Shown("record.html", {"found": view.found, "asked": view.asked})


def _entry(view: View[EntryArgument, RecordedEntry]) -> Shown:
    return Shown("entry.html", {"entry": view.found, "head": view.ask(log.HEAD, Nothing())})


def _atom(view: View[EntrySearch, EntryList]) -> Document:
    return feeds.atom(view.place, view.found)


def _json(view: View[EntrySearch, EntryList]) -> Document:
    return feeds.json_feed(view.place, view.found)


def _calendar(view: View[Nothing, Status]) -> Document:
    names = (each.release for each in view.found.releases)
    return feeds.calendar(
        view.place, (view.ask(outlook.SHOW, ReleaseArgument(release=each)) for each in names)
    )


PAGES: tuple[Page[Any, Any], ...] = (
    Page("/", releases.STATUS, _releases),
    Page("/releases", releases.STATUS, _releases),
    Page("/releases/{release}", outlook.SHOW, _release),
    Page("/record", record.SEARCH, _record),
    Page("/record.atom", record.SEARCH, _atom),
    Page("/record.json", record.SEARCH, _json),
    Page("/record/{index}", record.SHOW, _entry),
    Page("/calendar.ics", releases.STATUS, _calendar),
)
"""In this order a path is looked for."""
