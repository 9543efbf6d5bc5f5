"""Starting the log with the first keys from configuration; what parties sign about their keys later.

Rules:
- The configuration names the first key of an owner, and stays as it was when that owner changes its key.
- A key that may have been stolen suspends each grant that does not hold without what it signed since then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sluicegate.acts.act import Done
from sluicegate.acts.keys import KeyReceipt, KeyView
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.state import Ahead, State
from sluicegate.core.terms.trust import Pin
from sluicegate_record.entities.grant import SUSPENDED
from sluicegate_record.entities.key import KeyEnd, PinnedKey, owners_to_pin
from sluicegate_record.entries import Draft
from sluicegate_record.entries.grants import GrantSuspended
from sluicegate_record.entries.releases import KeyEnded, KeyPinned, LogStarted
from sluicegate_record.form import form, replace
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.publickey import PublicKey, keyid
from sluicegate_record.statements.keys import ENDS, PINS, RETIRES, REVOKES, KeyStatement


@form
class LogReceipt(Done):
    """The log that was started or is continued."""

    origin: str


@dataclass(frozen=True, slots=True)
class StartLog(Command):
    """Start the log, or continue it. Pin the keys of the trust file that the log does not have yet."""

    origin: str
    vkey: str
    developer: str
    pins: Sequence[Pin]


def start_log(state: State, command: StartLog, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `StartLog`. A log continues only under the same name, developer and keys."""
    if state.size and (state.origin, state.developer) != (command.origin, command.developer):
        return Refusal(
            "conflict",
            "other_log",
            f"this database holds the log {state.origin!r} of {state.developer!r}, "
            f"not {command.origin!r} of {command.developer!r}",
            "start with the settings this database was made with, or with an empty state folder",
        )
    refusal = _changed_pin(state, command.pins) or _pinned_twice(command.pins)
    if refusal is not None:
        return refusal
    drafts = [] if state.size else [_started(command)]
    drafts += [_pinned(pin) for pin in command.pins if keyid(pin.public) not in state.keys]
    return Acceptance(drafts, LogReceipt(origin=command.origin))


@dataclass(frozen=True, slots=True)
class RecordKey(SignedCommand):
    """Put a party's signed word on a key of its own on the record."""


def record_key(state: State, command: RecordKey, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `RecordKey`. What is so already changes nothing."""
    said, digest = KeyStatement.read(command.envelope), command.envelope.digest
    if said.log != state.log:
        return other_log()
    return (
        _to_pin(state, command, said, digest) if said.says == PINS else _to_end(state, command, said, now_ms)
    )


def narrows(command: RecordKey) -> bool:
    """Whether a command revokes a key. Raises: BadEnvelope."""
    return KeyStatement.read(command.envelope).says == REVOKES


def _to_pin(state: State, command: RecordKey, said: KeyStatement, digest: str) -> Acceptance | Refusal:
    known = state.keys.get(said.keyid)
    if known is not None and known.counts and (known.owner, known.party) == (said.owner, said.party):
        return Acceptance([], receipt(known))
    if known is not None:
        now = "counts" if known.counts else f"was {state_of(known)}"
        text = f"this key was pinned before, for {known.owner!r} of {known.party!r}, and {now}"
        return Refusal("conflict", "key_known", text, "'sluicegate keys generate -o FILE' makes another one")
    refusal = _not_to_pin(state, command.envelope, said)
    if refusal is not None:
        return refusal
    assert said.key is not None
    body = KeyPinned(
        owner=said.owner,
        party=said.party,
        keyid=said.keyid,
        public_key=said.key,
        from_="statement",
        webauthn=said.webauthn,
        replaces=said.replaces,
        digest=digest,
        envelope=command.envelope,
    )
    made = KeyReceipt(keyid=said.keyid, owner=said.owner, party=said.party, state="counts")
    return Acceptance([Draft("keys", body)], made)


def _not_to_pin(state: State, envelope: Envelope, said: KeyStatement) -> Refusal | None:
    parties = state.parties
    if said.party not in parties:
        text = f"{said.party!r} has no key on the record"
        remedy = f"parties with keys: {', '.join(sorted(parties))}; a first key is pinned in the trust files"
        return Refusal("unknown", "party_unknown", text, remedy)
    own = [key for key in state.keys.values() if key.owner == said.owner]
    if said.owner in parties - {said.party} or any(key.party != said.party for key in own):
        text = f"the name {said.owner!r} is another party's or owner's"
        return Refusal("conflict", "owner_taken", text, "name the owner otherwise")
    current = next((key.keyid for key in own if key.counts), None)
    if said.replaces != current:
        text = f"the key does not replace the one that {said.owner!r} has now"
        return Refusal(
            "conflict",
            "key_moved",
            text,
            "'sluicegate keys list' shows it; sign again: 'sluicegate keys rotate --key KEY --new NEWKEY'",
        )
    keys = signers(state, envelope, {said.party})
    needed = owners_to_sign(said, state.keys.values(), {key.keyid for key in keys})
    owners = {key.owner for key in keys}
    if len(owners) >= needed:
        return None
    if not owners:
        return _unsigned(state, envelope, said.party)
    text = f"{len(owners)} of {needed} owners of {said.party!r} signed"
    return Refusal(
        "unverified",
        "signatures_missing",
        text,
        "another owner: 'sluicegate keys countersign FILE --key KEY -o FILE'",
    )


def owners_to_sign(said: KeyStatement, known: Iterable[PinnedKey | KeyView], signed: Collection[str]) -> int:
    """How many owners of its party sign what is said of a key; `signed` are the ids of those that have.

    One ends a key, and one hands over to another key of the same owner, with the key that it replaces.
    """
    if said.says != PINS or said.replaces in signed:
        return 1
    return owners_to_pin(known, said.party)


def _to_end(state: State, command: RecordKey, said: KeyStatement, now_ms: int) -> Acceptance | Refusal:
    known = state.keys.get(said.keyid)
    if known is None or (known.owner, known.party) != (said.owner, said.party):
        text = f"no key {said.keyid[:12]}… of {said.owner!r} of {said.party!r}"
        return Refusal("unknown", "key_unknown", text, "'sluicegate keys list' shows the keys")
    key = signer_for(state, command.envelope, said.party)
    if isinstance(key, Refusal):
        return key
    refusal = _not_to_end(state, known, said)
    if refusal is not None:
        return refusal
    if known.ended is not None and known.ended.how == ENDS[said.says] and not _is_earlier(known.ended, said):
        return Acceptance([], receipt(known))
    assert said.reason is not None
    body = KeyEnded(
        log=said.log,
        owner=said.owner,
        party=said.party,
        keyid=said.keyid,
        how=ENDS[said.says],
        reason=said.reason,
        by=key.owner,
        digest=command.envelope.digest,
        envelope=command.envelope,
        since=said.since,
    )
    draft = Draft("keys", body)
    ahead = Ahead.of(state, [draft], now_ms)
    doubted = newly_doubted(state, ahead)
    suspended = [_suspended(state, name) for name in doubted if state.grants[name].standing != SUSPENDED]
    after = ahead.record.keys
    with_it = [name for name, each in after.items() if not each.counts and state.keys[name].counts]
    made = replace(
        receipt(after[said.keyid]), grants=doubted, ended=tuple(sorted(set(with_it) - {said.keyid}))
    )
    return Acceptance([draft, *suspended], made)


def _is_earlier(ended: KeyEnd, said: KeyStatement) -> bool:
    """Whether a key that was revoked is found to have been compromised earlier."""
    return ended.since is not None and said.since is not None and said.since < ended.since


def _not_to_end(state: State, known: PinnedKey, said: KeyStatement) -> Refusal | None:
    if known.ended is not None and known.ended.how == ENDS[REVOKES] and said.says == RETIRES:
        return Refusal("conflict", "key_revoked", "this key is revoked, and stays that", "")
    since = said.since or 0
    if since > state.size:
        text = f"a compromise at the log size {since}, of a log of {state.size} entries"
        return Refusal("conflict", "since_ahead", text, "name a size that the log has had")
    others = (key for key in state.keys.values() if key.counts and key.party == known.party)
    if said.says == RETIRES and all(key.keyid == known.keyid for key in others):
        text = f"this is the only key of {known.party!r}, which could say nothing without it"
        return Refusal(
            "conflict", "only_key", text, "replace it: 'sluicegate keys rotate --key KEY --new NEWKEY'"
        )
    return None


def newly_doubted(state: State, ahead: Ahead) -> tuple[str, ...]:
    """The live grants that do not hold any more in a state that is ahead."""
    names = (name for name in ahead.changed if name in state.grants)
    grants = ((state.grants[name], ahead.record.grants[name]) for name in names)
    return tuple(
        sorted(after.id for before, after in grants if after.doubted > before.doubted and after.is_live)
    )


def _suspended(state: State, grant: str) -> Draft:
    case = state.grants[grant].case
    return Draft(grant, GrantSuspended(grant=grant, case=case, reason_code="key_compromised"))


def state_of(key: PinnedKey) -> str:
    """Whether a key counts, or how it ended."""
    return "counts" if key.ended is None else key.ended.how


def receipt(key: PinnedKey) -> KeyReceipt:
    """What is on the record about a key."""
    since = None if key.ended is None else key.ended.since
    return KeyReceipt(keyid=key.keyid, owner=key.owner, party=key.party, state=state_of(key), since=since)


def signers(state: State, envelope: Envelope, parties: Collection[str]) -> frozenset[PinnedKey]:
    """The pinned keys of these parties that signed an envelope."""
    return state.record.pinned().signers(envelope, parties)


def owners_for(state: State, envelope: Envelope, party: str) -> tuple[str, ...] | Refusal:
    """Everyone who signed an envelope for `party`, sorted and each once, or why no one counts."""
    owners = state.record.pinned().owners(envelope, party)
    return tuple(sorted(owners)) or _unsigned(state, envelope, party)


def signer_for(state: State, envelope: Envelope, party: str) -> PinnedKey | Refusal:
    """The key of `party` that signed an envelope, or why no key did."""
    keys = signers(state, envelope, {party})
    return min(keys, key=attrgetter("keyid")) if keys else _unsigned(state, envelope, party)


def signer_here(state: State, envelope: Envelope, party: str, log: str) -> PinnedKey | Refusal:
    """The key of `party` that signed what is for `log`; or why no key did, or that it is for another log."""
    key = signer_for(state, envelope, party)
    return key if isinstance(key, Refusal) or log == state.log else other_log()


def other_log() -> Refusal:
    """The refusal for a statement that was signed for another log."""
    return Refusal(
        "unverified",
        "other_log",
        "the statement was signed for another log",
        "sign what this control plane gives you, if its log is the one you mean",
    )


def _unsigned(state: State, envelope: Envelope, party: str) -> Refusal:
    """Why an envelope that no key of `party` signed does not count."""
    keys = signers(state, envelope, state.record.pinned().parties)
    if keys:
        spoken = ", ".join(sorted(key.party for key in keys))
        return Refusal(
            "unverified",
            "key_of_another_party",
            f"signed with a key of {spoken}, expected one of {party!r}",
            f"sign with a key that is pinned for {party!r}",
        )
    own = (key for key in state.keys.values() if key.party == party)
    gone = next((key for key in own if _signed_with(envelope, key)), None)
    if gone is not None:
        said = f"signed with a key of {gone.owner!r} that was {state_of(gone)}"
        return Refusal(
            "unverified", "key_ended", said, "sign it again; 'sluicegate keys list' shows the keys that count"
        )
    return Refusal(
        "unverified",
        "signature_invalid",
        f"no valid signature by a pinned key of {party!r}",
        "sign the exported statement unchanged, with the key pinned in the trust file",
    )


def _signed_with(envelope: Envelope, key: PinnedKey) -> bool:
    return bool(dsse.verify(envelope, {key.keyid: PublicKey(key.public, key.webauthn)}))


def _changed_pin(state: State, pins: Sequence[Pin]) -> Refusal | None:
    given = {pin.owner: pin for pin in pins}
    for key in state.keys.values():
        if key.by:
            continue
        pin = given.get(key.owner)
        if pin != Pin(key.owner, key.party, key.public, key.webauthn):
            named = f"the log holds another key for {key.owner!r} than the trust file"
            return Refusal(
                "conflict",
                "key_changed",
                named
                if pin is not None
                else f"the trust file does not name {key.owner!r}, whose key the log holds",
                "restore that key in the trust file, which keeps first keys; "
                "'sluicegate keys rotate --key KEY --new NEWKEY' changes a key",
            )
    for pin in pins:
        later = [key for key in state.keys.values() if key.owner == pin.owner]
        if later and keyid(pin.public) not in {key.keyid for key in later}:
            said = f"{pin.owner!r} has keys that its party signed, and not the one in the trust file"
            return Refusal("conflict", "key_changed", said, "name another owner, or leave this one out")
    return None


def _pinned_twice(pins: Sequence[Pin]) -> Refusal | None:
    """Why pins do not say in one way whose a key is: an owner with two keys, or a key with two owners."""
    owners, keys = {pin.owner for pin in pins}, {keyid(pin.public) for pin in pins}
    if len(owners) == len(keys) == len(pins):
        return None
    said = "an owner with two keys, or a key of two owners"
    return Refusal("conflict", "pinned_twice", said, "give each owner one key in the trust file, of its own")


def _started(command: StartLog) -> Draft:
    body = LogStarted(origin=command.origin, vkey=command.vkey, developer=command.developer)
    return Draft("log", body)


def _pinned(pin: Pin) -> Draft:
    body = KeyPinned(
        owner=pin.owner,
        party=pin.party,
        keyid=keyid(pin.public),
        public_key=pin.public,
        from_="configuration",
        webauthn=pin.webauthn,
    )
    return Draft("keys", body)
