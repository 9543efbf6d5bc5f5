"""Notices of directives: everyone affected gets one when a directive covers some of theirs, and when it ends.

Rules:
- The one who applied for an organization with people who are covered gets the notice, on each subscription.
- An entry is news once, however often this runs: the command that posts its letters is done once.
- The notices of an order are posted after it has gone to the gateways, and never delay it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sluicegate.core.access import coverage
from sluicegate.core.lifecycle import State, directives, notices
from sluicegate.core.lifecycle.notices import Notice
from sluicegate.core.lifecycle.persons import parts
from sluicegate.ports import Ports
from sluicegate.service.counting import settled, within_reach
from sluicegate.service.ledger import Ledger
from sluicegate.service.letters import letter
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.happening import CLOCK

ISSUED, LIFTED, REPLACED = "directive.issued", "directive.lifted", "directive.replaced"


class DirectiveNews(NamedTuple):
    """Something to tell of a directive: its entry, and the entry that put it in force.

    An amendment is news twice: to those it covers, and to those it covers no more.
    """

    seq: int
    topic: str
    name: str
    first: int
    at_ms: int

    @property
    def command(self) -> str:
        """The command that tells it."""
        return f"told {self.seq} {self.topic}"


class Telling:
    """Posts notices of directives as they come. What an earlier run has posted is not posted again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._told: set[str] = set()

    def tell(self, size: int) -> None:
        """Post the letters of what is news among the first `size` entries.

        Raises: StoreUnavailable: the notices are posted when this is called again.
        """
        with self._ledger.reading() as state:
            news = {each for each in _news(state) if each.seq < size and each.command not in self._told}
        for each in sorted(news):
            self._post(each)
            self._told.add(each.command)

    def _post(self, news: DirectiveNews) -> None:
        whom = self._whom(news)
        with self._ledger.reading() as state:
            notice = _notice(state, state.directives[news.name], news)

        def change(ports: Ports) -> dict[str, Any]:
            told = [
                letter(notice, subscription.id)
                for subscription, principal in ports.outbox.subscribers(whom)
                if principal.acts_for in whom
            ]
            ports.outbox.post(told)
            return {"told": sorted(whom)}

        self._ledger.arrange(change, by=CLOCK, command_id=news.command, request=["told", news.seq])

    def _whom(self, news: DirectiveNews) -> frozenset[str]:
        """Who gets a notice: those it covers; of its end or change, those who got the first notice."""
        if news.topic == REPLACED:
            return self._earlier(news.first) - self._earlier(news.seq)
        if news.topic != ISSUED:
            return self._earlier(news.first)
        with self._ledger.reading() as state:
            found = state.table.directives.get(news.name)
            if found is None:
                return frozenset()
            among = within_reach(state, found)
        now_ms = self._ledger.now_ms()
        organizations = settled(
            self._ledger, lambda table, held: coverage.affected(table, found, now_ms, among, held)
        )
        whom: set[str] = set()
        for part in parts(sorted(organizations)):
            with self._ledger.reading() as state:
                granted = state.granted.merged(("organization", name) for name in part)
                whom |= {state.holder_of(state.grants[name]) for name in granted}
        return frozenset(whom)

    def _earlier(self, seq: int) -> frozenset[str]:
        """Who got a notice of the entry that put a directive in force."""

        def nobody(_: Ports) -> dict[str, Any]:
            return {"told": []}

        command = f"told {seq} {ISSUED}"
        answer = self._ledger.arrange(nobody, by=CLOCK, command_id=command, request=["told", seq])
        assert isinstance(answer, dict)
        return frozenset(answer["told"])


def _news(state: State) -> Iterator[DirectiveNews]:
    for name, found in state.directives.items():
        if found.is_drill:
            continue
        yield DirectiveNews(found.seq, ISSUED, name, found.seq, found.at_ms)
        for part in found.parts:
            yield DirectiveNews(part.seq, LIFTED, name, found.seq, part.at_ms)
        for before in found.history:
            if before.directive == name:
                yield DirectiveNews(before.by, REPLACED, name, before.seq, before.at_ms)
        ended = found.ended
        if ended is not None:
            yield DirectiveNews(ended.seq, f"directive.{ended.how}", name, found.seq, ended.at_ms)


def _transcribed(state: State, found: Directive, news: DirectiveNews) -> Iterable[str]:
    """The agencies whose word officers wrote down in a notice: of a lift those in its case, otherwise the
    issuer.
    """
    if news.topic == LIFTED:
        parts = (part.case for part in found.parts if part.seq == news.seq)
        cases = [state.transcribed_for(state.cases[name]) for name in parts if name in state.cases]
        return cases[0] if cases else directives.lift_transcribed_for(state, found)
    return [found.issuer] if news.first in state.transcripts else []


def _notice(state: State, found: Directive, news: DirectiveNews) -> Notice:
    spec = found.document.spec
    data: dict[str, Any] = {
        "directive": found.name,
        "issuer": found.issuer,
        "basis": spec.basis.kind,
        "action": spec.action,
        "seq": news.seq,
        "size": news.seq + 1,
        **notices.transcribed_for(_transcribed(state, found, news)),
    }
    return Notice(news.topic, f"directive {found.name}", f"entry {news.seq}", news.at_ms, data)
