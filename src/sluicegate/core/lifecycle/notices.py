"""Notices: which entries are news, and what is told of them.

Rules:
- An entry whose public part names a case is news about that case; its topic is its type.
- A notice tells what the public log tells, by the names in `_OF_CASE` and `_OF_ENTRY` alone: no reason, no
  document, nothing of a gate or sealed part, nobody's name.
- The body has the form that Standard Webhooks recommends: `{type, timestamp, data}`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sluicegate.core.lifecycle.case import Case
from sluicegate_record.log import canonical, events, times
from sluicegate_record.log.events import Entry
from sluicegate_record.statements.question import Question
from sluicegate_record.terms.rule import Rule

TEST = "test"
"""The topic of what is sent on request, about no case."""
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every such secret begins with
_OF_CASE = ("release", "stage", "surface", "directive")
_OF_ENTRY = ("outcome", "agency", "position", "grant")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell. `about` names it once and for all; `case` is empty for a test."""

    topic: str
    case: str
    about: str
    at_ms: int
    data: Mapping[str, Any]

    def body(self) -> bytes:
        """What is sent, the same at every attempt."""
        timestamp = times.format_time(self.at_ms)
        return canonical.dumps({"type": self.topic, "timestamp": timestamp, "data": dict(self.data)})

    def message(self, subscription: str) -> str:
        """The id of this notice for a subscription: by it a receiver knows what it has had before."""
        return "msg_" + canonical.digest([subscription, self.about]).removeprefix("sha256:")[:40]


def news(entries: Sequence[Entry], cases: Mapping[str, Case]) -> Iterator[tuple[Case, Notice]]:
    """What a batch of entries tells, and the cases it is about.

    `cases` are those before the batch; one that the batch itself opens is read from its entry.
    """
    opened: dict[str, Case] = {}
    for entry in entries:
        name = entry.public.get("case")
        if entry.type == events.CASE_OPENED:
            opened[entry.public["case"]] = _opened(entry)
        case = opened.get(name) or cases.get(name) if isinstance(name, str) else None
        if case is not None:
            yield case, notice(entry, case)


def notice(entry: Entry, case: Case) -> Notice:
    """What an entry tells about its case."""
    asked = case.question.to_json()
    said = {name: asked[name] for name in _OF_CASE if isinstance(asked.get(name), str)}
    said |= {name: entry.public[name] for name in _OF_ENTRY if isinstance(entry.public.get(name), str)}
    data = {"case": case.id, "kind": case.kind, **said, "seq": entry.seq, "size": entry.size}
    return Notice(entry.type, case.id, f"entry {entry.seq}", entry.at_ms, data)


def trial(subscription: str, asked: str, at_ms: int) -> Notice:
    """A test, asked for by the command `asked`."""
    return Notice(TEST, "", f"test {asked}", at_ms, {"subscription": subscription})


def secret(log: Ed25519PrivateKey, subscription: str) -> bytes:
    """The secret that signs what is sent to a subscription's webhook, 32 bytes.

    It is derived from the log's key, so that it is stored nowhere.
    """
    info = f"sluicegate:v1:webhook:{subscription}".encode()
    return HKDF(SHA256(), 32, None, info).derive(log.private_bytes_raw())


def shown(key: bytes) -> str:
    """A secret as its holder is given it: `whsec_` and base64."""
    return SECRET_PREFIX + canonical.b64(key)


def sign(key: bytes, message: str, timestamp_s: int, body: bytes) -> str:
    """The `webhook-signature` of a body.

    Source: Standard Webhooks, "Signature scheme".
    """
    mac = hmac.new(key, f"{message}.{timestamp_s}.".encode() + body, hashlib.sha256)
    return f"v1,{canonical.b64(mac.digest())}"


def _opened(entry: Entry) -> Case:
    public = entry.public
    return Case(
        id=public["case"],
        kind=public["kind"],
        question=Question.from_json(public["question"]),
        rule=Rule.from_json(public["rule"]),
        applicant=public.get("applicant", entry.by),
        seq=entry.seq,
        at_ms=entry.at_ms,
        organization=entry.gate_value("organization") if "organization" in entry.gate else None,
    )
