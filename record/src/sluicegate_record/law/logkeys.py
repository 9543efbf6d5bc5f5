"""The law of the log's own key: which key may follow which, and who says so.

The audit, which has the tree, checks that the head in the entry is that of the entries before. Otherwise
anyone could make up a log from its start, with officers of their own, who hand it over to another key.
"""

from __future__ import annotations

from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entries import Body
from sluicegate_record.entries.releases import LogKeyReplaced
from sluicegate_record.law.rule import At, LawRule, is_named_by_its_digest, require, same
from sluicegate_record.log import checkpoint
from sluicegate_record.statements.handovers import Handover, is_signed_by_log


def replaces_the_key_that_signs(at: At, body: LogKeyReplaced) -> None:
    """The key that signs the log is replaced by one that it never had, as it was signed for this log."""
    stated = Handover.read(body.envelope)
    same(body, stated, "replaces key reason", "a key of the log that was replaced otherwise")
    require(stated.log == at.log, "a key of another log that was replaced")
    keys = at.record.log_keys
    require(body.replaces == keys.current.vkey, "a key that does not sign the log now")
    require(not keys.knows(body.key), "a key that the log had before")


def is_handed_over(at: At, body: LogKeyReplaced) -> None:
    """The new key of the log signed, and the one before; or two officers, and the entry names them."""
    require(is_signed_by_log(body.envelope, body.key), "a key of the log that did not sign itself")
    if is_signed_by_log(body.envelope, body.replaces):
        require(body.officers == (), "officers where the key before has signed")
        return
    officers = at.keys.owners(body.envelope, at.keys.developer)
    why = "a key of the log that neither the one before nor two officers signed"
    require(len(officers) >= OWNERS_TOGETHER, why)
    named = not at.believes or tuple(sorted(officers)) == body.officers
    require(named, "a key of the log under other officers than signed it")


def follows_the_last_head(at: At, body: LogKeyReplaced) -> None:
    """The key that is replaced signed the head of all entries before."""
    head = checkpoint.open_checkpoint(body.head, checkpoint.parse_vkey(body.replaces))
    require(head.size == at.entry.seq, "a key of the log that is replaced after another head")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    LogKeyReplaced: (
        replaces_the_key_that_signs,
        is_handed_over,
        follows_the_last_head,
        is_named_by_its_digest,
    ),
}
