"""The keys of a record: how entries pin and end them, and what a compromised one takes with it.

Rules:
- A key that ends signs nothing more. What it signed stays signed.
- What a compromised key signed since it was compromised admits no one any more. Its consents do not count,
  its recusals do not shrink a rule, and the keys that it pinned end with it, unless they sign the revocation.
- What narrows stays: objections, conditions, questions, directives. So a revocation loosens nothing.
- A grant is doubted if its case does not carry it without such a consent. It cannot go on before another case
  carries it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entities.key import KeyEnd, PinnedKey
from sluicegate_record.entities.proceedings import CONSENT, Opinion
from sluicegate_record.entries import releases
from sluicegate_record.form import replace
from sluicegate_record.statements.keys import ENDS, REVOKES
from sluicegate_record.terms import kinds, quorum

if TYPE_CHECKING:
    from sluicegate_record.record import Record

REVOKED = ENDS[REVOKES]


def pin(record: Record, entry: Happening, body: releases.KeyPinned) -> None:
    """Pin a key. The one that it replaces is retired."""
    by = () if body.envelope is None else record.pinned().signers(body.envelope, {body.party})
    replaced = record.keys.get(body.replaces or "")
    if replaced is not None and replaced.counts:
        record.keys[replaced.keyid] = replace(replaced, ended=KeyEnd(how="retired", seq=entry.seq))
    record.keys[body.keyid] = PinnedKey(
        keyid=body.keyid,
        public=body.public_key,
        owner=body.owner,
        party=body.party,
        webauthn=body.webauthn,
        seq=entry.seq,
        by=tuple(sorted(key.keyid for key in by)),
    )
    record.keys_changed()


def end(record: Record, entry: Happening, body: releases.KeyEnded) -> None:
    """End a key. If it was compromised, what it signed since then does not admit any more."""
    found = record.keys[body.keyid]
    if body.since is None:
        record.keys[found.keyid] = replace(found, ended=KeyEnd(how=body.how, seq=entry.seq))
    else:
        signers = record.pinned().signers(body.envelope, {body.party})
        ended = fallen(record.keys, found, body.since, {key.keyid for key in signers}, entry.seq)
        record.keys.update((key.keyid, key) for key in ended)
        _doubt(record, ended)
    record.keys_changed()


def fallen(
    keys: Mapping[str, PinnedKey], key: PinnedKey, since: int, spared: Collection[str], seq: int
) -> list[PinnedKey]:
    """A key that is revoked by the entry `seq`, and those that it pinned since it was compromised, ended."""
    found = [_revoked(key, since, seq)]
    for thief in found:  # grows
        known = {each.keyid for each in found} | set(spared)
        pinned = (key for key in keys.values() if thief.keyid in key.by and thief.signed_unsafely(key.seq))
        found += [_revoked(each, each.seq, seq) for each in pinned if each.keyid not in known]
    return found


def _revoked(key: PinnedKey, since: int, seq: int) -> PinnedKey:
    """One that was retired before signed nothing after that."""
    last = seq if key.ended is None else key.ended.seq
    return replace(key, ended=KeyEnd(how=REVOKED, seq=last, since=since))


def _doubt(record: Record, ended: list[PinnedKey]) -> None:
    """Take back what rests on the consents of compromised keys."""
    for name in [case.id for case in record.cases.values() if _touched(case, ended)]:
        stood = record.cases[name]
        case = record.cases[name] = without(stood, ended)
        record.put(case)
        if case.outcome in kinds.GRANTED and carries(stood) and not carries(case):
            if case.kind == kinds.TERMS:
                release = record.releases[case.question.release]
                record.releases[release.name] = release.disagreeing(case.question.terms)
            for grant in resting(record, case):
                record.put(replace(record.grants[grant], doubted=True))


def resting(record: Record, case: Case, among: Iterable[Grant] | None = None) -> Iterator[str]:
    """The grants that rest on what a case has decided, among those of its release. A licence is no grant."""
    grants = record.grants.values() if among is None else among
    if case.kind == kinds.LICENCE:
        return
    question, against = case.question, record.cases.get(case.question.against, case)
    if case.kind == kinds.TERMS:
        release = record.releases[question.release]
        digests = {question.terms, *release.within.get(question.terms, ())}
        yield from (each.id for each in grants if each.terms in digests)
    elif question.grant or against.question.grant:
        yield from {question.grant or against.question.grant} & record.grants.keys()
    else:
        yield from (each.id for each in grants if each.case in {case.id, against.id})


def carries(case: Case) -> bool:
    """Whether the words that count in a case still carry it."""
    if case.proceeded or case.unbound or case.unopposed:
        return True
    alone = (case.positions.get(party) for party in case.procedure.countersign)
    is_whole = all(said is None or len(said.owners) > 1 for said in alone)
    left = case.left
    return is_whole and left is not None and quorum.satisfied(left, case.consenting)


def without(case: Case, ended: list[PinnedKey]) -> Case:
    """A case in which compromised keys have consented to nothing."""
    positions = {party: _unsigned(said, ended) for party, said in case.positions.items()}
    return replace(case, positions=positions, history=tuple(_unsigned(said, ended) for said in case.history))


def _touched(case: Case, ended: list[PinnedKey]) -> bool:
    return any(_unsigned(said, ended) is not said for said in case.history)


def _unsigned(said: Opinion, ended: list[PinnedKey]) -> Opinion:
    """A position without the signatures of compromised keys. It stands if it narrows, or others signed it."""
    for key in ended:
        if key.owner in said.owners and key.signed_unsafely(said.seq) and said.position in _LOOSENING:
            owners = tuple(name for name in said.owners if name != key.owner)
            is_letter = key.party != said.agency  # two officers wrote it down
            said = replace(said, owners=owners, is_stale=said.is_stale or is_letter or not owners)
    return said


_LOOSENING = CONSENT | {"recuse", "decline"}
