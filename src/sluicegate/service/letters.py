"""Letters: who gets a notice of an entry, decided when the entry is appended.

Rules:
- Everyone who may see a case at the moment of an entry about it gets a notice. No one else does, also later.
- A letter is posted by the write that appends its entry: it is sent if and only if the entry stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.core.lifecycle import State, notices
from sluicegate.core.lifecycle.notices import Notice
from sluicegate.ports import Letter, Outbox
from sluicegate.service import access
from sluicegate_record.entries import Entry


def addressed(outbox: Outbox, entries: Sequence[Entry], state: State) -> list[Letter]:
    """The letters of a batch of entries. `state` is the one before it."""
    news = list(notices.news(entries, state.cases, state.record, state.transcripts))
    if not news:
        return []
    subscribers = outbox.subscribers({case.principal for case, _ in news})
    return [
        letter(notice, subscription.id)
        for case, notice in news
        for subscription, principal in subscribers
        if access.sees(principal, case)
    ]


def letter(notice: Notice, subscription: str) -> Letter:
    """A notice to one subscription, due at once."""
    return Letter(notice.message(subscription), subscription, notice.case, notice.body(), notice.at_ms)
