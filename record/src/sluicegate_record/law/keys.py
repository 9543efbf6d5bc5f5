"""The law of keys: who may pin one, and who may end one.

Rules:
- The configuration names the first key of an owner. Who counts only signatures takes these from a trust file.
- Each later key is signed by the key that it replaces, or by owners of its party: by two, if the party has
  ever had two. So one stolen key does not become two owners.
- One owner of its party ends a key. That takes power away, and gives none: so an entry that its party did not
  sign has no effect, as the objections of a party must not vanish with its key.
"""

from __future__ import annotations

from sluicegate_record.entities.key import PinnedKey, owners_to_pin
from sluicegate_record.entries import Body
from sluicegate_record.entries.releases import KeyEnded, KeyPinned
from sluicegate_record.law.rule import At, LawRule, is_named_by_its_digest, known, require, same, signed_by
from sluicegate_record.log import dsse
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.keys import ENDS, PINS, KeyStatement

CONFIGURATION, STATEMENT = "configuration", "statement"


def is_a_new_key(at: At, body: KeyPinned) -> None:
    """A key is pinned once, under its own id: a key that has ended never counts again."""
    key = PublicKey(body.public_key, body.webauthn)
    require(body.keyid == key.keyid, "a key under another id than its own")
    key.check()
    require(body.keyid not in at.record.keys, "a key that was pinned before")
    is_signed = body.envelope is not None
    origin = STATEMENT if is_signed else CONFIGURATION
    require((body.from_, body.digest is not None) == (origin, is_signed), "a key from somewhere else")


def has_its_own_owner(at: At, body: KeyPinned) -> None:
    """An owner speaks for one party, and has one key at a time."""
    keys = at.record.keys.values()
    taken = {key.party for key in keys} | {key.owner for key in keys if key.party != body.party}
    require(body.owner not in taken - {body.party}, "the name of another party or owner")
    own = (key for key in keys if key.owner == body.owner)
    in_use = {key.keyid for key in own if key.counts or body.envelope is None}
    require(in_use == {body.replaces} - {None}, "a second key of its owner")


def is_signed_by_its_party(at: At, body: KeyPinned) -> None:
    """A later key is signed by itself, and by the key that it replaces or by enough owners of its party."""
    if body.envelope is None:
        return
    stated = KeyStatement.read(body.envelope)
    why = "a key that was pinned otherwise"
    same(body, stated, "owner party keyid webauthn replaces", why)
    require(stated.says == PINS, why)  # its id binds the key
    require(stated.log == at.log, "a key pinned for another log")
    own = {body.keyid: PublicKey(body.public_key, body.webauthn)}
    require(dsse.verify(body.envelope, own), "a key that did not sign itself")
    signers = at.keys.signers(body.envelope, {body.party})
    is_handed_over = body.replaces is not None and body.replaces in {key.keyid for key in signers}
    owners = {key.owner for key in signers}
    is_enough = len(owners) >= owners_to_pin(at.record.keys.values(), body.party)
    require(is_handed_over or is_enough, "a key that its party did not sign")
    is_named_by_its_digest(at, body)


def may_end(at: At, body: KeyEnded) -> None:
    """A key ends once; later it may be found to have been compromised, or compromised earlier. So a thief who
    revokes it first says for no one since when.
    """
    key = known(at.record.keys, body.keyid, "key")
    same(body, key, "owner party", "the key of another owner")
    ended, since = key.ended, body.since
    is_found_out = ended is not None and since is not None and (ended.since is None or since < ended.since)
    require(key.counts or is_found_out, "the end of a key that has ended")
    require(body.since is not None or _has_another(at, key), "the end of a party's only key")
    require(body.since is None or body.since <= at.entry.seq, "a key that is to be compromised later")


def _has_another(at: At, key: PinnedKey) -> bool:
    """Whether a party can say something without a key."""
    keys = at.record.keys.values()
    return any(each.counts and each.party == key.party and each.keyid != key.keyid for each in keys)


def is_ended_by_its_party(at: At, body: KeyEnded) -> None:
    """An owner of its party ends a key, for this log, and the entry says what was signed."""
    stated = KeyStatement.read(body.envelope)
    same(body, stated, "log owner party keyid since reason", "a key that was ended otherwise")
    require(ENDS.get(stated.says) == body.how, "a key that was ended otherwise")
    why = "the end of a key that its party did not sign for this log"
    require(stated.log == at.log, why)
    signed_by(at, body.envelope, body.party, [body.by], why)


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    KeyPinned: (is_a_new_key, has_its_own_owner, is_signed_by_its_party),
    KeyEnded: (may_end, is_ended_by_its_party, is_named_by_its_digest),
}
