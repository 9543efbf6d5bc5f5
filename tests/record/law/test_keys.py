"""Each check of the law of keys by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entities.key import KeyEnd
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.keys import KeyStatement
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, again, finds, first, says
from tests.worlds import LOG, digest, keyid, public_key, signed

NEW, OWNED, SIGNED = "is_a_new_key", "has_its_own_owner", "is_signed_by_its_party"
ENDS, ENDED_BY = "may_end", "is_ended_by_its_party"
PINNED = first("key.pinned", owner="ostp")
LATER = first("key.pinned", owner="third")
ROTATED = first("key.pinned", replaces=keyid("fourth"))
RETIRED = first("key.ended", how="retired")
REVOKED = first("key.ended", how="revoked")
OTHERWISE = "a key that was pinned otherwise"
UNSIGNED = "a key that its party did not sign"


def stated(entry: Entry, *signers: str, **said: Any) -> dict[str, Any]:
    """What an entry says of the same statement with other words, or signed by others."""
    found = replace(KeyStatement.read(Envelope.from_json(entry.public["envelope"])), **said)
    envelope = signed(found.payload(), *signers)
    shown = {name: value for name, value in found.to_json().items() if name not in {"key", "says"}}
    more = {} if found.key is None else {"publicKey": canonical.b64(found.key)}
    return {**shown, **more, "digest": envelope.digest, "envelope": envelope.to_json()}


def signs(*signers: str, **said: Any) -> Tell:
    """Something else was signed, or by others, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        more = stated(entry, *signers, **said)
        if "log" not in entry.public:
            del more["log"]
        return told(entry, more)

    return tell


def signs_alone(*signers: str, **said: Any) -> Tell:
    """Something else was signed than the entry says."""

    def tell(record: Record, entry: Entry) -> Entry:
        more = stated(entry, *signers, **said)
        return told(entry, {"digest": more["digest"], "envelope": more["envelope"]})

    return tell


def as_a_passkey(record: Record, entry: Entry) -> Entry:
    """The entry says that the key is a passkey's."""
    info = bytes.fromhex("302a300506032b6570032100") + public_key("third")
    passkey = {"rpId": "desk.example", "origin": "https://desk.example"}
    return told(entry, {"publicKey": canonical.b64(info), "webauthn": passkey})


def ended(name: str, how: str = "revoked") -> Tell:
    """A key has ended before the entry."""

    def tell(record: Record, entry: Entry) -> Entry:
        found = record.keys[keyid(name)]
        record.keys[keyid(name)] = replace(found, ended=KeyEnd(how=how, seq=entry.seq, since=0))
        record.keys_changed()
        return entry

    return tell


def alone(record: Record, entry: Entry) -> Entry:
    """The party has no other key."""
    for name in ("first", "second", "third"):
        ended(name)(record, entry)
    return entry


def retired_instead(record: Record, entry: Entry) -> Entry:
    """What was signed is the end of the key."""
    said = KeyStatement(
        log=LOG, party="trade", owner="third", says="retires", keyid=keyid("third"), reason="lost"
    )
    return told(entry, {"envelope": signed(said.payload(), "first", "second", "third").to_json()})


def replaced_by_a_stranger(record: Record, entry: Entry) -> Entry:
    """The control plane rotates an agency's key to one of its own."""
    return signs("thief", "thief-2", keyid=keyid("thief"), key=public_key("thief"))(record, entry)


def goes_on_there() -> Entry:
    """The grant goes on that the stolen key had carried."""
    suspended = first("grant.suspended", reasonCode="key_compromised")()
    return first("grant.resumed", grant=suspended.public["grant"])()


def doubted(record: Record, entry: Entry) -> Entry:
    """No case has carried the grant since."""
    name = entry.public["grant"]
    record.grants[name] = replace(record.grants[name], doubted=True)
    return entry


KEYS = {
    "a key under another id": Untrue(PINNED, says(keyid="0" * 64), NEW, "a key under another id"),
    "a key that is pinned twice": Untrue(PINNED, again, NEW, "a key that was pinned before"),
    "a key under which anyone could sign": Untrue(
        PINNED,
        says(
            publicKey="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            keyid="01d0fabd251fcbbe2b93b4b927b26ad2a1a99077152e45ded1e678afa45dbec5",
        ),
        NEW,
        "it cannot be checked: BadKey",
    ),
    "a key that comes from elsewhere": Untrue(
        PINNED, says(**{"from": "the API"}), NEW, "a key from somewhere else"
    ),
    "a key of the configuration with a digest": Untrue(
        PINNED, says(digest=digest("none")), NEW, "a key from somewhere else"
    ),
    "a key that a revoked key signed": Untrue(LATER, ended("first"), SIGNED, UNSIGNED),
    "a second key of its owner": Untrue(PINNED, says(owner="oncd", party="oncd"), OWNED, "a second key"),
    "an owner under the name of another party": Untrue(
        LATER, signs("first", "second", "third", owner="ostp"), OWNED, "the name of another party or owner"
    ),
    "an owner of another party": Untrue(
        LATER, signs("first", "second", "third", owner="oncd-2"), OWNED, "the name of another party or owner"
    ),
    "a key in place of one that has ended": Untrue(
        LATER, signs("first", "second", "third", replaces=keyid("ostp")), OWNED, "a second key of its owner"
    ),
    "a key under another owner than signed": Untrue(LATER, says(owner="fifth"), SIGNED, OTHERWISE),
    "a key for another party than signed": Untrue(LATER, says(party="bis"), SIGNED, OTHERWISE),
    "another key than signed": Untrue(
        LATER,
        signs_alone("first", "second", "thief", keyid=keyid("thief"), key=public_key("thief")),
        SIGNED,
        OTHERWISE,
    ),
    "a passkey that was signed as none": Untrue(LATER, as_a_passkey, SIGNED, OTHERWISE),
    "a rotation that was signed as a further key": Untrue(
        ROTATED, signs_alone("first", "second", "fourth-2", replaces=None), SIGNED, OTHERWISE
    ),
    "the end of a key, as one that is pinned": Untrue(
        LATER,
        retired_instead,
        SIGNED,
        OTHERWISE,
    ),
    "a key for another log": Untrue(
        LATER, signs("first", "second", "third", log="other"), SIGNED, "a key pinned for another log"
    ),
    "a key that did not sign itself": Untrue(
        LATER, signs("first", "second"), SIGNED, "a key that did not sign itself"
    ),
    "a key that one owner of two signed": Untrue(LATER, signs("first", "third"), SIGNED, UNSIGNED),
    "a key that owners of another party signed": Untrue(
        LATER, signs("oncd", "ostp", "third"), SIGNED, UNSIGNED
    ),
    "a rotation that another owner alone signed": Untrue(
        ROTATED, signs("first", "fourth-2"), SIGNED, UNSIGNED
    ),
    "a rotation by the control plane": Untrue(ROTATED, replaced_by_a_stranger, SIGNED, UNSIGNED),
    "the end of no key": Untrue(RETIRED, says(keyid="0" * 64), ENDS, "no key"),
    "the end of another owner's key": Untrue(RETIRED, says(owner="first"), ENDS, "the key of another owner"),
    "the end of another party's key": Untrue(
        RETIRED, signs("oncd", party="oncd"), ENDS, "the key of another owner"
    ),
    "an end of another owner's key than signed": Untrue(
        RETIRED, signs_alone("first", owner="first"), ENDED_BY, "a key that was ended otherwise"
    ),
    "an end that was signed for another party": Untrue(
        RETIRED, signs_alone("first", party="oncd"), ENDED_BY, "a key that was ended otherwise"
    ),
    "a key that ends twice": Untrue(
        RETIRED, ended("fourth-2", "retired"), ENDS, "the end of a key that has ended"
    ),
    "a key that is revoked twice": Untrue(REVOKED, ended("third"), ENDS, "the end of a key that has ended"),
    "the end of the only key": Untrue(RETIRED, alone, ENDS, "the end of a party's only key"),
    "a compromise that is to come": Untrue(
        REVOKED,
        signs("first", since=1_000_000),
        ENDS,
        "a key that is to be compromised later",
    ),
    "a compromise that was backdated": Untrue(
        REVOKED, says(since=3), ENDED_BY, "a key that was ended otherwise"
    ),
    "a revocation as a retirement": Untrue(
        REVOKED, says(how="retired"), ENDED_BY, "a key that was ended otherwise"
    ),
    "an end that was signed for another log": Untrue(
        RETIRED, signs("first", log="other"), ENDED_BY, "the end of a key that its party did not sign"
    ),
    "an end that another party signed": Untrue(
        RETIRED, signs("oncd"), ENDED_BY, "the end of a key that its party did not sign"
    ),
    "an end under another digest": Untrue(
        RETIRED, says(digest=digest("other")), "is_named_by_its_digest", "a signed statement under another"
    ),
    "a doubted grant that goes on": Untrue(
        goes_on_there,
        doubted,
        "rests_on_what_counts",
        "a grant that rests on what a compromised key signed",
    ),
}


@pytest.mark.parametrize("name", KEYS)
def test_what_is_untrue_about_a_key_is_found(name: str) -> None:
    finds(KEYS[name])
