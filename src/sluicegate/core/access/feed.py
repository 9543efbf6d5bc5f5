"""The feed: the log's tail in signed answers, and how long an answer may be trusted.

Rules:
- An answer is good for one question: its signature covers the asker's nonce and incarnation.
- The answer's root is the root of the log up to the last entry in the answer. An answer with only a part of
  the tail gives no lease.
- The lease ends at (moment the question was sent) + leaseMs - ageMs on the asker's CLOCK_BOOTTIME. No delay,
  replay, cache or wall clock can stretch that.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluicegate.errors import BadFeed, InvalidInput, VerificationFailed
from sluicegate_record.entries import Entry
from sluicegate_record.entries import read as read_entry
from sluicegate_record.form import Form, Hex, Key, Time, form
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import Opening

PAYLOAD_TYPE = "application/vnd.sluicegate.poll.v1+json"
ANSWER_BYTES_MAX = 64 * 1024 * 1024
FOLD_VERSION = 2
"""The version of this build's fold. It changes whenever the same entries would give another table."""


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """A verified answer.

    Units: `root` 32 raw bytes; `control_ms` milliseconds since 1970 UTC; `lease_ms` and `age_ms`
           milliseconds; a lease of 0 means no lease.
    """

    entries: Sequence[Entry]
    size: int
    root: bytes
    control_ms: int
    lease_ms: int
    age_ms: int


@form
class SignedAnswer(Form):
    """What the signature of an answer covers: the question that it answers, and its contents.

    Units: `root` 32 raw bytes; `control_ms` milliseconds since 1970 UTC; `lease_ms` and `age_ms`
           milliseconds.
    """

    gateway: str
    incarnation: str
    nonce: str
    after: int
    size: int
    root: Hex
    control_ms: Annotated[Time, Key("controlTime")]
    lease_ms: int
    age_ms: int


def answer_json(
    signed: SignedAnswer, entries: Sequence[Entry], private_key: Ed25519PrivateKey
) -> dict[str, Any]:
    """The answer on the wire."""
    stated = signed.to_json()
    signature = private_key.sign(dsse.pae(PAYLOAD_TYPE, canonical.dumps(stated)))
    return {**stated, "entries": [_entry_json(entry) for entry in entries], "sig": canonical.b64(signature)}


def open_answer(data: bytes, asked: Mapping[str, Any], public: bytes) -> FeedAnswer:
    """Verify an answer against the question it must belong to.

    Requires: `asked` holds the question's `gateway, incarnation, nonce, after`; `public` 32 raw bytes.
    Raises:   BadFeed: malformed, unsigned, of another question, or with entries that do not fit.
    """
    try:
        answer: Any = canonical.loads(data, max_bytes=ANSWER_BYTES_MAX)
        stated = {name: answer[name] for name in _STATED}
        sig, items = _REST(answer)
        message = dsse.pae(PAYLOAD_TYPE, canonical.dumps(stated))
        Ed25519PublicKey.from_public_bytes(public).verify(canonical.unb64(sig), message)
        signed = SignedAnswer.from_json(stated)
        _check_belongs(signed, asked)
        entries = [_entry(item) for item in items]
        _check_places(entries, signed)
        return FeedAnswer(
            entries, signed.size, signed.root, signed.control_ms, signed.lease_ms, signed.age_ms
        )
    except InvalidSignature as error:
        raise BadFeed(
            "a feed answer that the log's key did not sign; check the log's key and the address"
        ) from error
    except BadFeed:
        raise
    except (VerificationFailed, InvalidInput, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFeed(f"a malformed feed answer: {error}") from error


_STATED = ("gateway", "incarnation", "nonce", "after", "size", "root", "controlTime", "leaseMs", "ageMs")
_REST = operator.itemgetter("sig", "entries")
_ITEM = operator.itemgetter("leaf", "gate")


def _check_belongs(signed: SignedAnswer, asked: Mapping[str, Any]) -> None:
    for name in ("gateway", "incarnation", "nonce", "after"):
        said = getattr(signed, name)
        if said != asked[name]:
            raise BadFeed(f"a feed answer for another question: {name} is {said!r}, asked {asked[name]!r}")
    for name, number in (("size", signed.size), ("leaseMs", signed.lease_ms), ("ageMs", signed.age_ms)):
        if number < 0:
            raise BadFeed(f"a feed answer whose {name} is {number!r}, expected a whole number")


def _check_places(entries: Sequence[Entry], signed: SignedAnswer) -> None:
    expected = range(signed.after, signed.size)
    if len(entries) != len(expected) or any(map(operator.ne, expected, (entry.seq for entry in entries))):
        raise BadFeed(f"a feed answer without exactly the entries {signed.after} to {signed.size}")


def _entry_json(entry: Entry) -> dict[str, Any]:
    gate = {name: [canonical.b64(part.salt), part.body.decode()] for name, part in entry.gate.items()}
    return {"leaf": entry.leaf.decode(), "gate": gate}


def _entry(item: Mapping[str, Any]) -> Entry:
    leaf, opened = _ITEM(item)
    gate = {name: Opening(canonical.unb64(salt), body.encode()) for name, (salt, body) in opened.items()}
    entry = read_entry(leaf.encode(), gate)
    if leaves.read(entry.leaf).gate.keys() != gate.keys():
        raise BadFeed(f"entry {entry.seq} came without all of its gate part")
    return entry
