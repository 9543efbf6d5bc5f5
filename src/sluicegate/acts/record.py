"""Acts on the entries of the public log, in words. Anyone may ask."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import ANYONE, Act, ActAnswer, Arguments
from sluicegate.acts.fields import text
from sluicegate.acts.log import Size
from sluicegate.bounds import SEARCH_MAX
from sluicegate_record.form import Json, Note, Time, form, within

SEARCHED_MAX = 500
"""Through how many entries one search goes."""


@form
class RecordedEntry(ActAnswer):
    """An entry of the log, as anyone may read it.

    `by` and `stream` name applicants and persons by pseudonym.
    """

    index: int
    at_ms: Time
    type: str
    by: str
    stream: str
    about: Annotated[str, Note("What it is about, such as `stage gpt-5.6/trusted-partners`.")]
    words: Annotated[str, Note("What it says, in one line.")]
    public: Annotated[Json, Note("Its public part.")]
    committed: Annotated[
        tuple[str, ...], Note("The fields of its other parts, of which the log has commitments only.")
    ]


@form
class EntrySearch(Arguments):
    """Which entries, newest first.

    One search goes through at most 500 entries. The answer says through which, and `next` goes on.
    """

    text: Annotated[
        Annotated[str, text(0, SEARCH_MAX)] | None,
        Note("Only those whose public text has this: a name, an id, a word. Case does not matter."),
    ] = None
    type: Annotated[
        Annotated[str, text(0, 64)] | None,
        Note("Only those of this type, such as `stage.opened`, or of types that begin so."),
    ] = None
    before: Annotated[Size | None, Note("Only those before this place.")] = None
    limit: Annotated[int, within(1, 200), Note("How many.")] = 50


@form
class EntryList(ActAnswer):
    """Some entries of the log of `size`, newest first: those found from place `searchedFrom` on.

    `next` is the place before which the search goes on; null if it is through.
    """

    size: int
    entries: tuple[RecordedEntry, ...]
    searched_from: int
    next: int | None


SEARCH = Act(
    "entry.list",
    ANYONE,
    "question",
    "/api/v1/log/entries",
    EntrySearch,
    EntryList,
    "List entries of the public log in words, newest first; search them.",
    weight=10,
)


@form
class EntryArgument(Arguments):
    """Which entry."""

    index: Annotated[int, Note("Its place in the log, from 0.")]


SHOW = Act(
    "entry.show",
    ANYONE,
    "question",
    "/api/v1/log/entries/{index}",
    EntryArgument,
    RecordedEntry,
    "Show one entry of the public log in words.",
)


@form
class HistoryArgument(Arguments):
    """Of which release."""

    release: Annotated[str, text(1, 128), Note("The release.")]


@form
class ReleaseHistory(ActAnswer):
    """What is on the record about a release, its stages and what serves it, newest first, at most 200."""

    size: int
    entries: tuple[RecordedEntry, ...]


HISTORY = Act(
    "release.history",
    ANYONE,
    "question",
    "/api/v1/releases/{release}/history",
    HistoryArgument,
    ReleaseHistory,
    "Show what is on the public record about a release, newest first.",
)
