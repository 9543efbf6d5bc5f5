"""The feed: the log's tail in signed answers, and how long an answer may be trusted.

Rules:
- An answer is good for one question: its signature covers the asker's nonce and incarnation.
- The answer's root is the root of the log up to the last entry in the answer. An answer with only a part of
  the tail gives no lease.
- An answer is signed with the log's key, or with a feed's own under a certificate of the log's key. Then it
  also holds the log's signed head, and gives no lease unless that is of its root: a feed's key can give
  leases, and cannot invent an entry.
- If the log's key was replaced, an answer to a gateway that does not have that entry holds the handover. Any
  key of the log that a gateway knows leads to the one that signs; over a handover by officers only if the
  gateway knows the officers.
- A question that says who spends is answered with the part of the rates that comes with the lease. An
  earlier build does not say it, and its answer has no part; nor has the answer of an earlier build.
- A question that asks for budgets of days is answered with them, if it gets a lease.
- The lease ends at (moment the question was sent) + leaseMs - ageMs on the asker's CLOCK_BOOTTIME. No delay,
  replay, cache or wall clock can stretch that.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluicegate.core.access.rate import RatePart
from sluicegate.errors import BadFeed, BadSignature, InvalidInput, SluicegateError, VerificationFailed
from sluicegate_record.entities.logkey import follow
from sluicegate_record.entries import Entry
from sluicegate_record.entries import read as read_entry
from sluicegate_record.form import Form, Hex, Key, Time, form
from sluicegate_record.log import canonical, checkpoint, dsse
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.checkpoint import Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.times import DAY_MS

PAYLOAD_TYPE = "application/vnd.sluicegate.poll.v1+json"
CERTIFICATE_TYPE = "application/vnd.sluicegate.feed-key.v1+json"
CERTIFIED_MS = DAY_MS
"""How long a certificate is good for, at most."""
ANSWER_BYTES_MAX = 64 * 1024 * 1024
CUTS_MAX = 100
"""How many causes of cuts a gateway reports, and a feed knows of each run: the newest."""


@form
class FeedKey(Form):
    """What a certificate says: the key of a feed, and until when it is good. Units: `key` 32 raw bytes."""

    feed: str
    key: Hex
    issued_at_ms: Annotated[Time, Key("issuedAt")]
    valid_until_ms: Annotated[Time, Key("validUntil")]


@form
class Certificate(Form):
    """A feed's key, signed with the log's."""

    stated: FeedKey
    sig: str

    def is_good(self, at_ms: int) -> bool:
        """Whether it is good at a time, in milliseconds since 1970 UTC."""
        return at_ms < self.stated.valid_until_ms

    def opened(self, public: bytes) -> FeedKey:
        """What the log's key has signed. Requires: `public` 32 raw bytes. Raises: BadSignature."""
        try:
            message = dsse.pae(CERTIFICATE_TYPE, canonical.dumps(self.stated.to_json()))
            Ed25519PublicKey.from_public_bytes(public).verify(canonical.unb64(self.sig), message)
        except (InvalidSignature, SluicegateError) as error:
            raise BadSignature("a feed's certificate that the log's key did not sign") from error
        if self.stated.valid_until_ms - self.stated.issued_at_ms > CERTIFIED_MS:
            raise BadSignature("a feed's certificate for longer than a day")
        return self.stated


def certify(stated: FeedKey, log_key: Ed25519PrivateKey) -> Certificate:
    """Sign a feed's key with the log's."""
    message = dsse.pae(CERTIFICATE_TYPE, canonical.dumps(stated.to_json()))
    return Certificate(stated=stated, sig=canonical.b64(log_key.sign(message)))


@dataclass(frozen=True, slots=True)
class Signer:
    """What answers are signed with: a feed's key and its certificate; or, without one, the log's key."""

    key: Ed25519PrivateKey
    certificate: Certificate | None = None


class FeedEntry(Protocol):
    """An entry as an answer carries it."""

    @property
    def leaf(self) -> bytes:
        """The leaf."""

    @property
    def gate(self) -> Mapping[str, Opening]:
        """What opens the gate part."""


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
    part: RatePart | None = None
    """What may be spent of the rates while the lease lasts; None from a feed that knows no parts."""
    budgets: tuple[int, ...] = ()
    """How much may be let through in all of each day that was asked for, in the order of the question."""
    good_until_ms: int | None = None
    """Until when the certificate is good of the feed that signed it, milliseconds since 1970 UTC."""
    note: str = ""
    """The log's signed head of this size, where the answer has one."""
    log_key: str = ""
    """The verifier key of the log that signs now."""


@form
class SignedAnswer(Form):
    """What the signature of an answer covers: the question that it answers, and its contents.

    Units: `root` 32 raw bytes; `control_ms` milliseconds since 1970 UTC; `lease_ms` and `age_ms`
           milliseconds. `part` are the bounds of a part of the rates, for a question that says who spends;
           `budgets` totals of requests, for one that asks for days.
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
    part: tuple[int, ...] | None = None
    budgets: tuple[int, ...] = ()


def answer_json(
    signed: SignedAnswer,
    entries: Sequence[FeedEntry],
    signer: Signer,
    head: str = "",
    handovers: Sequence[Envelope] = (),
) -> dict[str, Any]:
    """The answer on the wire. `head` is the log's signed head, needed beside a certificate; `handovers` are
    those of the log's key that the asker does not have yet.
    """
    stated = signed.to_json()
    signature = signer.key.sign(dsse.pae(PAYLOAD_TYPE, canonical.dumps(stated)))
    answer = {**stated, "entries": [entry_json(each) for each in entries], "sig": canonical.b64(signature)}
    if signer.certificate is not None:
        answer |= {"certificate": signer.certificate.to_json(), "head": head}
    if handovers:
        answer["handovers"] = [each.to_json() for each in handovers]
    return answer


def open_answer(
    data: bytes, asked: Mapping[str, Any], log: Verifier, officers: Callable[[Envelope], int] = lambda _: 0
) -> FeedAnswer:
    """Verify an answer against the question it must belong to, and a key of the log.

    `officers` says how many officers signed a handover, as far as the asker knows officers.
    Requires: `asked` holds the question's `gateway, incarnation, nonce, after`.
    Raises:   BadFeed: malformed, unsigned, of another question, or with entries that do not fit.
    """
    try:
        answer: Any = canonical.loads(data, max_bytes=ANSWER_BYTES_MAX)
        stated = {name: answer[name] for name in _STATED}
        stated |= {name: answer[name] for name in _ASKED_FOR if name in answer}
        sig, items = _REST(answer)
        message = dsse.pae(PAYLOAD_TYPE, canonical.dumps(stated))
        signed = SignedAnswer.from_json(stated)
        certificate, handovers = (
            answer.get("certificate"),
            map(Envelope.from_json, answer.get("handovers", ())),
        )
        known = follow(checkpoint.vkey(log.name, log.public), list(handovers), officers)
        log = known.verifier
        by = None if certificate is None else _certified(certificate, signed, log)
        public = log.public if by is None else by.key
        Ed25519PublicKey.from_public_bytes(public).verify(canonical.unb64(sig), message)
        _check_belongs(signed, asked)
        note = ""
        if certificate is not None and signed.lease_ms:
            note = answer["head"]
            _check_head(note, signed, log)
        entries = [read_item(item) for item in items]
        _check_places(entries, signed)
        return FeedAnswer(
            entries,
            signed.size,
            signed.root,
            signed.control_ms,
            signed.lease_ms,
            signed.age_ms,
            None if signed.part is None else RatePart.read(signed.part),
            signed.budgets,
            None if by is None else by.valid_until_ms,
            note,
            known.vkey,
        )
    except InvalidSignature as error:
        raise BadFeed(
            "a feed answer that the log's key did not sign, nor a feed's key; check the key and the URL"
        ) from error
    except BadFeed:
        raise
    except (VerificationFailed, InvalidInput, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadFeed(f"a malformed feed answer: {error}") from error


def _certified(certificate: Any, signed: SignedAnswer, log: Verifier) -> FeedKey:
    """The feed's key that signs an answer. Raises: BadFeed, VerificationFailed."""
    found = Certificate.from_json(certificate)
    if not found.is_good(signed.control_ms):
        raise BadFeed(
            f"a feed answer under a certificate of {found.stated.feed!r} that is not good at its time"
        )
    return found.opened(log.public)


def _check_head(head: str, signed: SignedAnswer, log: Verifier) -> None:
    """Check that the log's key signed this root at this size. Raises: BadFeed, VerificationFailed."""
    opened = checkpoint.open_checkpoint(head, log)
    if (opened.size, opened.root) != (signed.size, signed.root):
        raise BadFeed(f"a feed answer of size {signed.size} with another signed head, of size {opened.size}")


_STATED = ("gateway", "incarnation", "nonce", "after", "size", "root", "controlTime", "leaseMs", "ageMs")
_ASKED_FOR = ("part", "budgets")
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


def entry_json(entry: FeedEntry) -> dict[str, Any]:
    """An entry on the wire, and as a gateway keeps it."""
    gate = {name: [canonical.b64(part.salt), part.body.decode()] for name, part in entry.gate.items()}
    return {"leaf": entry.leaf.decode(), "gate": gate}


def read_item(item: Mapping[str, Any]) -> Entry:
    """The entry that `entry_json` wrote.

    Raises: BadFeed: without all of its gate part. VerificationFailed, and what malformed JSON raises.
    """
    leaf, opened = _ITEM(item)
    gate = {name: Opening(canonical.unb64(salt), body.encode()) for name, (salt, body) in opened.items()}
    entry = read_entry(leaf.encode(), gate)
    if leaves.read(entry.leaf).gate.keys() != gate.keys():
        raise BadFeed(f"entry {entry.seq} came without all of its gate part")
    return entry
