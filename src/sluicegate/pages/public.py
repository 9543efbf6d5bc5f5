"""The public pages: releases and the record. No one signs in; anyone may keep and cite them."""

from __future__ import annotations

from typing import Any

from sluicegate.acts import log, outlook, record, releases
from sluicegate.acts.act import Nothing
from sluicegate.acts.outlook import ReleaseOutlook
from sluicegate.acts.record import EntryArgument, EntryList, EntrySearch, HistoryArgument, RecordedEntry
from sluicegate.acts.releases import ReleaseArgument, Status
from sluicegate.pages import feeds, timeline
from sluicegate.pages.page import Filled, MadePage, SitePage, View

NEWEST = 10
"""How many entries the first page has."""


def _releases(view: View[Nothing, Status]) -> Filled:
    newest = view.ask(record.SEARCH, EntrySearch(limit=NEWEST)).entries
    return Filled("releases.html", {"found": view.found, "newest": newest})


def _release(view: View[ReleaseArgument, ReleaseOutlook]) -> Filled:
    found = view.found
    history = view.ask(record.HISTORY, HistoryArgument(release=view.asked.release))
    values = {
        "found": found,
        "history": history.entries,
        "line": timeline.timeline(found.timeline, found.at_ms),
        "events": sorted(
            ((course.stage, each) for course in found.timeline for each in course.events),
            key=lambda told: told[1].at_ms,
        ),
        "courses": {each.stage: each for each in found.timeline},
        "said": timeline.SAID,
    }
    return Filled("release.html", values)


def _record(view: View[EntrySearch, EntryList]) -> Filled:
    return Filled("record.html", {"found": view.found, "asked": view.asked})


def _entry(view: View[EntryArgument, RecordedEntry]) -> Filled:
    return Filled("entry.html", {"entry": view.found, "head": view.ask(log.HEAD, Nothing())})


def _atom(view: View[EntrySearch, EntryList]) -> MadePage:
    return feeds.atom(view.place, view.found)


def _json(view: View[EntrySearch, EntryList]) -> MadePage:
    return feeds.json_feed(view.place, view.found)


def _calendar(view: View[Nothing, Status]) -> MadePage:
    names = (each.release for each in view.found.releases)
    return feeds.calendar(
        view.place, (view.ask(outlook.SHOW, ReleaseArgument(release=each)) for each in names)
    )


PAGES: tuple[SitePage[Any, Any], ...] = (
    SitePage("/", releases.STATUS, _releases, is_public=True),
    SitePage("/releases", releases.STATUS, _releases, is_public=True),
    SitePage("/releases/{release}", outlook.SHOW, _release, is_public=True),
    SitePage("/record", record.SEARCH, _record, is_public=True),
    SitePage("/record.atom", record.SEARCH, _atom, is_public=True),
    SitePage("/record.json", record.SEARCH, _json, is_public=True),
    SitePage("/record/{index}", record.SHOW, _entry, is_public=True),
    SitePage("/calendar.ics", releases.STATUS, _calendar, is_public=True, asks=10),
)
"""In this order a path is looked for."""
