"""The law of epochs: who may say that a log goes on from an older copy, where, and how often.

Whether the root of `restored` is that of the entries before is checked by those who have the tree: the
writer, gateways and the audit.
"""

from __future__ import annotations

from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entries import Body
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.law.rule import At, LawRule, is_named_by_its_digest, require, same
from sluicegate_record.statements.epochs import Epoch


def is_begun_by_two_officers(at: At, body: EpochBegan) -> None:
    """Two officers signed an epoch for this log, and the entry says what they signed."""
    stated = Epoch.read(body.envelope)
    same(body, stated, "restored abandoned reason", "an epoch that was signed otherwise")
    require(stated.log == at.log, "an epoch for another log")
    officers = at.keys.owners(body.envelope, at.keys.developer)
    require(len(officers) >= OWNERS_TOGETHER, "an epoch that two officers did not sign")
    named = not at.believes or tuple(sorted(officers)) == body.officers
    require(named, "an epoch of other officers than signed it")


def begins_where_it_says(at: At, body: EpochBegan) -> None:
    """An epoch is the first entry after what was restored."""
    require(body.restored.size == at.entry.seq, "an epoch that begins elsewhere")


def abandons_each_head_once(at: At, body: EpochBegan) -> None:
    """No head is abandoned a second time: an earlier epoch does not come again."""
    again = [head for head in body.abandoned if head in at.record.abandoned]
    require(not again, "an epoch that abandons what was abandoned before")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    EpochBegan: (
        is_begun_by_two_officers,
        begins_where_it_says,
        abandons_each_head_once,
        is_named_by_its_digest,
    ),
}
