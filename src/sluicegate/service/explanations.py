"""Why a key may use a model, or may not: now, or at an earlier size of the log.

Rules:
- The developer's staff may ask about any key; who holds a grant or an account, about the keys under it. For
  others a key does not exist.
- Members are their organization's alone: only who looks after them may ask about one.
- The answer is decided by the function that gateways decide by, on the same table.
- The state is held while it is decided and put into words; the log is read while no one waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from sluicegate.acts import explanations as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.explanations import KeyExplanation, KeyQuestion, LayerAnswer, ProvenEntry
from sluicegate.core.access import naming, obstacles
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.naming import Naming
from sluicegate.core.access.rows import GrantRow, Offer
from sluicegate.core.explanations import answers
from sluicegate.core.explanations.inquiry import Inquiry
from sluicegate.core.explanations.narration import narrated
from sluicegate.core.lifecycle import Refusal, State, applications
from sluicegate.core.lifecycle.credentials import credential_unknown
from sluicegate.errors import InvalidInput
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.credentials import grant_of_key, holds, refuse_key
from sluicegate.service.ledger import Ledger
from sluicegate_record.entries import Entry, seen
from sluicegate_record.entries.credentials import CredentialIssued, CredentialsChunk
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import replace
from sluicegate_record.log import canonical, merkle

ENTRIES_MAX = 64
"""How many entries an answer names."""


@does(acts.EXPLAIN)
def explain(context: Context[KeyExplanation], asked: KeyQuestion) -> KeyExplanation | Refusal:
    """Explain a key. Raises: InvalidInput: an API key, or no surface. Overloaded."""
    refuse_key(asked.credential)
    if asked.at is not None:
        found = then(context, asked, asked.at)
        return found if isinstance(found, Refusal) else _shown(context.ledger, found[1])
    refusal = _not_to_ask(context, asked)
    return _now(context, asked) if refusal is None else refusal


def _not_to_ask(context: Context[Any], asked: KeyQuestion) -> Refusal | None:
    """Why the caller may not ask this about a key."""
    if not holds(context, grant_of_key(context, asked.credential)):
        return credential_unknown(asked.credential)
    with context.ledger.reading() as state:
        row, size = state.table.credentials_by_id[asked.credential], state.size
        if asked.at is not None and asked.at > size:
            said = f"no size {asked.at} of the log, which has {size} entries"
            return Refusal(
                "unknown", "size_unknown", said, "'sluicegate ledger checkpoint --key KEY' shows its size"
            )
        is_theirs = access.looks_after(context.principal, state, row.grant.organization)
        if asked.person is not None and not is_theirs:
            said = "the members of an organization are its administrator's alone"
            return Refusal("forbidden", "not_administrator", said, "leave out --person")
    return None


def _now(context: Context[Any], asked: KeyQuestion) -> KeyExplanation | Refusal:
    ledger = context.ledger
    with ledger.reading() as state:
        place = _place(state, asked.credential)
    digest = _digest(ledger, place)
    with ledger.reading() as state:
        answer = _answer(context, asked, state, ledger.now_ms(), digest)
    return _shown(ledger, answer)


def then(context: Context[Any], asked: KeyQuestion, size: int) -> tuple[State, KeyExplanation] | Refusal:
    """The state at a size of the log, and the answer at the moment of its last entry, without proofs.

    Raises: as `explain`.
    """
    refusal = _not_to_ask(context, asked)
    if refusal is not None:
        return refusal
    ledger = context.ledger
    state = context.services.replays.at(ledger.store.log, size, context.principal)
    if isinstance(state, Refusal):
        return state
    if asked.credential not in state.table.credentials_by_id:
        said = f"no credential {asked.credential[:80]!r} at size {size}: it came later"
        return Refusal("unknown", "credential_unknown", said, "ask at a later size")
    digest = _digest(ledger, _place(state, asked.credential))
    answer = _answer(context, asked, state, state.at_ms, digest)
    return answer if isinstance(answer, Refusal) else (state, answer)


class _Place(NamedTuple):
    """Where the key of a credential is: an entry, and which of its keys."""

    seq: int
    row: int


def _place(state: State, credential: str) -> _Place:
    return _Place(state.keyring.places[credential], state.keyring.row_of(credential))


def _digest(ledger: Ledger, place: _Place) -> bytes:
    """The digest of a key, as the entry says that it came with."""
    (entry,) = ledger.entries(place.seq, place.seq + 1)
    if isinstance(entry.body, CredentialsChunk):
        return next(islice(seen(entry.body.keys).digest_of_each(), place.row, None))
    assert isinstance(entry.body, CredentialIssued), entry.type
    return seen(entry.body.digest)


def _answer(
    context: Context[Any], asked: KeyQuestion, state: State, now_ms: int, digest: bytes
) -> KeyExplanation | Refusal:
    """The answer, without the entries that it rests on."""
    table, row = state.table, state.table.credentials_by_id[asked.credential]
    if table.credentials.get(digest) is not row:
        said = f"the key of {asked.credential[:80]!r} is that of another credential: its import was discarded"
        return Refusal(
            "conflict", "credential_discarded", said, "'sluicegate credential list' shows the other one"
        )
    surface, offer = _surface(row.grant, asked.surface), table.offers.get(asked.model)
    refusal = _surface_unknown(context, state, row.grant, offer, surface)
    if refusal is not None:
        return refusal
    held = None if offer is None else table.grants.get((row.grant.organization, offer.release, surface))
    ask = Ask(
        digest,
        asked.model,
        surface,
        naming=naming.NOBODY if asked.person is None else Naming((asked.person,)),
        programmes=tuple(answers.asked_programme(table, held, each) for each in asked.programme),
    )
    may_know = context.principal.role == DEVELOPER
    found = obstacles.find(ask, table, Instant(now_ms, now_ms), may_know=may_know)
    spent = None if asked.at is not None else partial(context.services.days.today, now_ms=now_ms)
    denied = None if isinstance(found.decided, Allow) else found.decided
    return KeyExplanation(
        credential=asked.credential,
        model=asked.model,
        surface=surface,
        size=state.size,
        at_ms=now_ms,
        allowed=denied is None,
        reason=None if denied is None else denied.reason.value,
        status=None if denied is None else denied.status,
        because=answers.because(Inquiry(state, row, ask, now_ms, found, spent)),
        entries=(),
        checkpoint="",
    )


def _surface(own: GrantRow, asked: str | None) -> str:
    if asked is None and not own.surface:
        raise InvalidInput("a surface expected: the key is under an account, which is for each of them")
    return asked or own.surface


def _surface_unknown(
    context: Context[Any], state: State, own: GrantRow, offer: Offer | None, surface: str
) -> Refusal | None:
    """Why nothing can be asked about a surface: the release has no such one, and no grant is on it."""
    release = None if offer is None else state.releases.get(offer.release)
    rows = (own, *state.table.held.get(own.organization, ()))
    if release is None or any(row.surface == surface for row in rows):
        return None
    knows = access.known(context.principal, state, context.ledger.directs)
    return applications.surface_unknown(release, surface) if knows(release) else None


def _shown(ledger: Ledger, answer: KeyExplanation | Refusal) -> KeyExplanation | Refusal:
    """An answer with the entries that it rests on, proven to be in the newest log."""
    if isinstance(answer, Refusal):
        return answer
    head = ledger.store.log.head()
    entries = proven(ledger, places(answer.because), head.size)
    return replace(answer, entries=entries, checkpoint=head.checkpoint, handovers=ledger.handovers())


def places(because: Iterable[LayerAnswer]) -> list[int]:
    """The places of the entries that an answer rests on."""
    return sorted({seq for each in because for seq in each.entries})[-ENTRIES_MAX:]


def proven(ledger: Ledger, places: Sequence[int], size: int) -> tuple[ProvenEntry, ...]:
    """Some entries, with the positions that they rest on, each proven to be in the log of `size`."""
    entries = {seq: ledger.entries(seq, seq + 1)[0] for seq in places}
    for entry in list(entries.values()):
        for seq in rests_on(entry):
            entries.setdefault(seq, ledger.entries(seq, seq + 1)[0])
    read = ledger.store.log.nodes
    return tuple(
        ProvenEntry(
            seq=seq,
            at_ms=entry.at_ms,
            type=entry.type,
            text=narrated(entry),
            leaf=entry.leaf.decode(),
            proof=tuple(map(canonical.b64, merkle.inclusion_proof(seq, size, read))),
        )
        for seq, entry in sorted(entries.items())
    )


def rests_on(entry: Entry) -> list[int]:
    """The positions that an entry says it rests on."""
    body = entry.body
    return [each.seq for each in body.positions or ()] if isinstance(body, SupportedBody) else []
