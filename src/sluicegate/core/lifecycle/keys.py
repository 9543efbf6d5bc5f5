"""Starting the log, and pinning the first key of every owner from configuration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sluicegate.acts.act import Done
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate.core.terms.trust import Pin
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entries import Draft
from sluicegate_record.entries.releases import KeyPinned, LogStarted
from sluicegate_record.form import form
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.log.publickey import keyid


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
    return Refusal(
        "unverified",
        "signature_invalid",
        f"no valid signature by a pinned key of {party!r}",
        "sign the exported statement unchanged, with the key pinned in the trust file",
    )


def _changed_pin(state: State, pins: Sequence[Pin]) -> Refusal | None:
    given = {pin.owner: pin for pin in pins}
    for key in state.keys.values():
        pin = given.get(key.owner)
        if pin != Pin(key.owner, key.party, key.public, key.webauthn):
            named = f"the log holds another key for {key.owner!r} than the trust file"
            return Refusal(
                "conflict",
                "key_changed",
                named
                if pin is not None
                else f"the trust file does not name {key.owner!r}, whose key the log holds",
                "restore that key in the trust file; changing or removing a key is not in this build",
            )
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
