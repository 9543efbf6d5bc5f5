"""Signing keys: list them, show what one signed, and put on the record what parties sign about theirs.

Rules:
- Keys are on the public record. What one signed about cases is for staff, and for its own party.
- What would stop without a key is found by what it signed, at the pace of what reads the log again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from sluicegate.acts import keys as acts
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.keys import (
    KeyArgument,
    KeyEffects,
    KeyFilter,
    KeyReceipt,
    KeyView,
    LogKeyView,
    SignedEntry,
    SigningKeys,
)
from sluicegate.core.lifecycle import Refusal, State, findings
from sluicegate.core.lifecycle.keys import RecordKey, state_of
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.logkey import LogKey
from sluicegate_record.keychain import carries as case_carries
from sluicegate_record.keychain import fallen, resting, without
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms import kinds

SHOWN_MAX = 500


@does(acts.LIST)
def listed(context: Context[SigningKeys], asked: KeyFilter) -> SigningKeys:
    """The keys on the record, by party and owner."""
    with context.ledger.reading() as state:
        keys = sorted(state.keys.values(), key=lambda key: (key.party, key.owner, key.seq))
        shown = tuple(
            _view(state, key)
            for key in keys
            if asked.party in {None, key.party} and asked.state in {None, state_of(key)}
        )
        is_all = asked.party is asked.state is None
        return SigningKeys(
            size=state.size,
            log=state.log,
            developer=state.developer,
            keys=shown,
            log_keys=tuple(_of_log(state.record.log_keys.keys)) if is_all else (),
        )


def _of_log(keys: Sequence[LogKey]) -> Iterator[LogKeyView]:
    ends = [key.size - 1 for key in keys[1:]]
    for key, ended in zip_longest(keys, ends):
        yield LogKeyView(vkey=key.vkey, seq=max(0, key.size - 1), by=key.officers, ended_seq=ended)


def _view(state: State, key: PinnedKey) -> KeyView:
    use = state.signings.of(key.keyid)
    return KeyView(
        keyid=key.keyid,
        owner=key.owner,
        party=key.party,
        public=key.public,
        state=state_of(key),
        seq=key.seq,
        by=tuple(sorted({state.keys[name].owner for name in key.by})),
        passkey=key.webauthn is not None,
        ended_seq=None if key.ended is None else key.ended.seq,
        since=None if key.ended is None else key.ended.since,
        used_seq=use.places[-1] if use.places else None,
        used_ms=use.at_ms if use.places else None,
        opens=findings.opens(key),
    )


@does(acts.EFFECTS)
def effects(context: Context[KeyEffects], asked: KeyArgument) -> KeyEffects | Refusal:
    """What a key signed since a size, and what does not hold without that."""
    ledger = context.ledger
    with ledger.reading() as state:
        key, party = state.keys.get(asked.keyid), access.party_of(context.principal, state)
        if key is None or party not in {state.developer, key.party}:
            said = f"no key {asked.keyid[:12]}… of your party"
            return Refusal("unknown", "key_unknown", said, "'sluicegate keys list' shows the keys")
        places = state.signings.of(key.keyid).places
        later = places[bisect_left(places, asked.since) :]
        size, ended = state.size, fallen(state.keys, key, asked.since, (), state.size)
        pinned = tuple(each.keyid for each in ended[1:] if state.keys[each.keyid].counts)
        unsafe = {seq for each in ended for seq in _unsafe(state, each)}
    context.services.replays.pace(context.principal, len(unsafe))
    about = {entry.stream for seq in unsafe for entry in ledger.entries(seq, seq + 1)}
    with ledger.reading() as state:
        lost = [state.cases[name] for name in about if name in state.cases]
        lost = [case for case in lost if _is_lost(case, ended)]
        resting_on = {name for case in lost for name in _resting(state, case)}
        grants = tuple(sorted(name for name in resting_on if state.grants[name].is_live))
    terms = {f"{case.question.release}/{case.question.stage}" for case in lost if case.kind == kinds.TERMS}
    return KeyEffects(
        size=size,
        keyid=key.keyid,
        owner=key.owner,
        since=asked.since,
        count=len(later),
        signed=tuple(_entry(ledger, seq) for seq in later[-SHOWN_MAX:]),
        grants=grants,
        terms=tuple(sorted(terms)),
        pinned=pinned,
    )


def _resting(state: State, case: Case) -> Iterator[str]:
    of_release = (state.grants[name] for name in state.granted.of("release", case.question.release))
    return resting(state.record, case, of_release)


def _unsafe(state: State, key: PinnedKey) -> Iterator[int]:
    """The places of what a compromised key signed since then."""
    return (seq for seq in state.signings.of(key.keyid).places if key.signed_unsafely(seq))


def _is_lost(case: Case, ended: list[PinnedKey]) -> bool:
    """Whether a case was carried, and is not without what compromised keys signed."""
    is_carried = case.outcome in kinds.GRANTED and case_carries(case)
    return is_carried and not case_carries(without(case, ended))


def _entry(ledger: Ledger, seq: int) -> SignedEntry:
    (found,) = ledger.store.log.entries(seq, 1)
    return SignedEntry(seq=seq, type=found.type, about=found.stream, at_ms=found.at_ms)


@does(acts.RECORD)
def record(context: Context[KeyReceipt], asked: SignedStatement) -> KeyReceipt | Refusal:
    """Put a signed statement on the record. Raises: BadEnvelope."""
    return context.execute(RecordKey(Envelope.from_json(asked.envelope)))
