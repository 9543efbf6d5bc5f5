"""Themes about a log that goes on after a loss: who signs, where it begins, what is abandoned once."""

from __future__ import annotations

from sluicegate_record.statements.epochs import TreeHead
from tests.vectors.history import History
from tests.worlds import OFFICER, epoch, head_of

LOST = TreeHead(size=1_000_000, root=bytes(32))


def _goes_on(h: History) -> None:
    here = head_of(h.entries)
    h.no("second_officer", epoch(here, LOST, at_ms=h.now_ms, signers=(OFFICER,)))
    h.no("signature_invalid", epoch(here, LOST, at_ms=h.now_ms, signers=("stranger", "another")))
    h.no("other_log", epoch(here, LOST, at_ms=h.now_ms, log="other"))
    h.no("epoch_elsewhere", epoch(head_of(h.entries[:-1]), LOST, at_ms=h.now_ms))
    h.must(epoch(here, LOST, at_ms=h.now_ms), by="officers")
    h.no("epoch_again", epoch(head_of(h.entries), LOST, at_ms=h.now_ms))


BEGUN = (_goes_on,)
