"""The feed: the log's tail in signed answers, and how long an answer may be trusted.

Rules:
- An answer is good for one question: its signature covers the asker's nonce and incarnation.
- The answer's root is of exactly the entries it ends with; a part of the tail carries no lease.
- The lease ends at (moment the question was sent) + leaseMs - ageMs on the asker's CLOCK_BOOTTIME. No
  delay, replay, cache or wall clock can stretch that.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluicegate.errors import BadFeed, NotCanonical, VerificationFailed
from sluicegate_record.entries import Entry
from sluicegate_record.entries import read as read_entry
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import Opening

PAYLOAD_TYPE = "application/vnd.sluicegate.poll.v1+json"
ANSWER_BYTES_MAX = 64 * 1024 * 1024
FOLD_VERSION = 2
"""What this build's fold makes of entries; it changes whenever the same entries give another table."""


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """A verified answer.

    Units: `root` 32 raw bytes; `control_ms` milliseconds since 1970 UTC; `lease_ms` and `age_ms`
    milliseconds, a lease of 0 is none.
    """

    entries: Sequence[Entry]
    size: int
    root: bytes
    control_ms: int
    lease_ms: int
    age_ms: int


def answer_json(
    signed: Mapping[str, Any], entries: Sequence[Entry], private_key: Ed25519PrivateKey
) -> dict[str, Any]:
    """The answer on the wire.

    `signed` holds `gateway, incarnation, nonce, after, size, root, controlTime, leaseMs, ageMs`.
    """
    signature = private_key.sign(dsse.pae(PAYLOAD_TYPE, canonical.dumps(dict(signed))))
    return {**signed, "entries": [_entry_json(entry) for entry in entries], "sig": canonical.b64(signature)}


def open_answer(data: bytes, asked: Mapping[str, Any], public: bytes) -> FeedAnswer:
    """Verify an answer against the question it must belong to.

    Requires: `asked` holds the question's `gateway, incarnation, nonce, after`; `public` 32 raw bytes.
    Raises:   BadFeed: malformed, unsigned, of another question, or with entries that do not fit.
    """
    try:
        answer: Any = canonical.loads(data, max_bytes=ANSWER_BYTES_MAX)
        signed = {name: answer[name] for name in _SIGNED}
        signature = canonical.unb64(answer["sig"])
        message = dsse.pae(PAYLOAD_TYPE, canonical.dumps(signed))
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        _check_belongs(signed, asked)
        entries = [_entry(item) for item in answer["entries"]]
        _check_places(entries, signed)
        return FeedAnswer(
            entries,
            signed["size"],
            bytes.fromhex(signed["root"]),
            times.parse_time(signed["controlTime"]),
            signed["leaseMs"],
            signed["ageMs"],
        )
    except InvalidSignature as error:
        raise BadFeed(
            "a feed answer that the log's key did not sign; check the log's key and the address"
        ) from error
    except BadFeed:
        raise
    except (VerificationFailed, NotCanonical, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFeed(f"a malformed feed answer: {error}") from error


_SIGNED = ("gateway", "incarnation", "nonce", "after", "size", "root", "controlTime", "leaseMs", "ageMs")


def _check_belongs(signed: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    for name in ("gateway", "incarnation", "nonce", "after"):
        if signed[name] != asked[name]:
            raise BadFeed(
                f"a feed answer for another question: {name} is {signed[name]!r}, asked {asked[name]!r}"
            )
    for name in ("size", "leaseMs", "ageMs"):
        if not isinstance(signed[name], int) or isinstance(signed[name], bool) or signed[name] < 0:
            raise BadFeed(f"a feed answer whose {name} is {signed[name]!r}, expected a whole number")


def _check_places(entries: Sequence[Entry], signed: Mapping[str, Any]) -> None:
    expected = range(signed["after"], signed["size"])
    if len(entries) != len(expected) or any(map(operator.ne, expected, (entry.seq for entry in entries))):
        raise BadFeed(f"a feed answer without exactly the entries {signed['after']} to {signed['size']}")


def _entry_json(entry: Entry) -> dict[str, Any]:
    gate = {name: [canonical.b64(part.salt), part.body.decode()] for name, part in entry.gate.items()}
    return {"leaf": entry.leaf.decode(), "gate": gate}


def _entry(item: Mapping[str, Any]) -> Entry:
    gate = {
        name: Opening(canonical.unb64(salt), body.encode()) for name, (salt, body) in item["gate"].items()
    }
    entry = read_entry(item["leaf"].encode(), gate)
    if leaves.read(entry.leaf).gate.keys() != gate.keys():
        raise BadFeed(f"entry {entry.seq} came without all of its gate part")
    return entry
