"""A table that gives effect only to what signatures support, as far as it can check them itself.

Rules:
- Keys come from the gateway's trust file, and from what those keys signed about keys. What else the log says
  about keys is ignored. A grant that a compromised key carried allows nothing until another case carries it.
- The law judges every entry when it arrives (`sluicegate_record.law`), by signatures only: silence, notify
  mode and proceeding have no effect here. An unlawful widening stays in the log, and widens nothing. A
  narrowing applies, lawful or not, and is reported.
- A stage that has lost what closes it is closed here with the entry by which it lost it.
- A gateway has rules of its own beyond the law: the floor of its trust file, the upstreams of models, the
  models that an agency directs, and that no key or credential replaces another. A plan makes no lease longer
  before its terms are open.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.rows import BARRING, AudienceRow, StageName
from sluicegate.core.access.table import Table
from sluicegate.core.terms.trust import Floor, Releases
from sluicegate_record import law
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.key import Keys, PinnedKey
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.entries import Entry, Unknown, credentials, directives, grants, releases, seen
from sluicegate_record.entries.body import Body
from sluicegate_record.entries.cases import PositionRecorded
from sluicegate_record.law import Breach, Support, Unchecked
from sluicegate_record.law.directives import signed_alone
from sluicegate_record.law.grants import carriers
from sluicegate_record.law.requirements import CHANGING, StageFacts
from sluicegate_record.law.rule import At
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import keyid
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds
from sluicegate_record.terms.exposure import Measure
from sluicegate_record.terms.requirements import CLOSE

TOLD_MAX = 1_000
NO_REQUESTS = Measure(0, enforced=True)


ABANDONED = Breach("abandoned", "officers have abandoned it; what it narrows holds on")


class LostEnds:
    """What began and ended among abandoned entries: the cases of grants that were removed, the digests of
    keys that were revoked, and the statements that ended the keys of parties.
    """

    def __init__(self) -> None:
        self.cases: set[str] = set()
        self.statements: set[str] = set()
        self.keys: set[bytes] = set()
        self._given: dict[str, str] = {}
        self._issued: dict[str, bytes] = {}

    def see(self, body: Body) -> None:
        """Note one abandoned entry, in order."""
        if isinstance(body, grants.GrantApproved):
            self._given[body.grant] = body.case
        elif isinstance(body, grants.GrantEnded) and body.how == "removed" and body.grant in self._given:
            self.cases.add(self._given[body.grant])
        elif isinstance(body, credentials.CredentialIssued):
            self._issued[body.credential] = seen(body.digest)
        elif isinstance(body, credentials.CredentialRevoked) and body.credential in self._issued:
            self.keys.add(self._issued[body.credential])


class LostStage(NamedTuple):
    """What was open of a stage that lost what it requires: its terms, and its row if it is for everyone."""

    terms: frozenset[str]
    row: AudienceRow | None


NOTHING_LOST = LostStage(frozenset(), None)


class VouchedTable(Table):
    """The table of a gateway with a trust file. `told` holds the newest findings until they are read."""

    def __init__(self, trust: Releases) -> None:
        super().__init__()
        self.record = Record()
        self.findings: Counter[str] = Counter()
        self.told: deque[str] = deque(maxlen=TOLD_MAX)
        self.ended = LostEnds()
        """What was seen to end among what was abandoned, and is not on this record."""
        self._lost: dict[StageName, LostStage] = {}
        """The stages that are closed here alone, because they lost what they require."""
        self._trust = trust
        for pin in trust.pins:
            key = PinnedKey(
                keyid=keyid(pin.public),
                public=pin.public,
                owner=pin.owner,
                party=pin.party,
                webauthn=pin.webauthn,
            )
            self.record.keys[key.keyid] = key
        self._keys = Keys(trust.developer, self.record.keys.values())

    def apply(self, entry: Entry) -> None:
        """Fold one entry in, as far as signatures support it. Requires and raises as `Table.apply`."""
        body = entry.body
        name = self.restated(entry) if self.carried else None
        if name is not None and name in self.record.directives:
            del self.record.directives[name]
        if entry.seq != self.size or isinstance(body, Unknown):
            super().apply(entry)
            return
        if isinstance(body, releases.KeyPinned) and body.envelope is None:
            self.record.skip(entry)
            self.skip(entry)
            return
        if isinstance(body, releases.KeyEnded) and body.digest in self.ended.statements:
            self.record.skip(entry)
            self.skip(entry)
            return
        found = self._breach(entry)
        honoured = law.effect(self.record, entry, found, self._keys, self._trust.log)
        if honoured is None:
            self.record.skip(entry)
        else:
            with suppress(KeyError):  # about something that is not honoured here: only the table has it
                self.record.apply(honoured)
        _FOLDS.get(type(body), VouchedTable._fold)(self, entry, honoured, found)
        if honoured is not None and isinstance(body, releases.KeyPinned | releases.KeyEnded):
            self._keys_changed()
        self.carry_over_from(entry.seq)
        if isinstance(body, CHANGING):
            self._close_what_is_lost(entry, body.release)
        if found is not None:
            self._tell(entry, found.why)

    def forget(self) -> None:
        """As `Table.forget`."""
        VouchedTable.__init__(self, self._trust)

    def honours(self, entry: Entry, root: bytes, held: Sequence[Entry]) -> bool:
        """Whether two officers signed an epoch, after the entries with this root, with keys known here. A key
        that its party ended among what is abandoned signs none.
        """
        if not super().honours(entry, root, held) or self._breach(entry) is not None:
            return False
        ended = {each.keyid for each in map(self._end_of_key, held) if each is not None}
        left = Keys(
            self._trust.developer, (key for key in self.record.keys.values() if key.keyid not in ended)
        )
        return law.breach(self.record, entry, left, self._trust.log, Support.SIGNATURES) is None

    def _end_of_key(self, entry: Entry) -> releases.KeyEnded | None:
        """What an abandoned entry says of the end of a key, if its party signed that."""
        body = entry.body
        return body if isinstance(body, releases.KeyEnded) and self._breach(entry) is None else None

    def officers(self, envelope: Envelope) -> int:
        """How many officers signed an envelope with keys that count here."""
        return len(self._keys.owners(envelope, self._trust.developer))

    def _keys_changed(self) -> None:
        self._keys = Keys(self._trust.developer, self.record.keys.values())
        self._bar_doubted()

    def carry_over(self, entry: Entry) -> None:
        """As `Table.carry_over`. An agency that no longer agreed agrees only when it signs again; what was
        admitted and removed, or issued and revoked, does not come back by its old signatures. A key that its
        party ended does not count again.
        """
        body = entry.body
        self.ended.see(body)
        if isinstance(body, PositionRecorded):
            self._take_back(body)
        elif isinstance(body, releases.KeyEnded):
            self._end_key(entry)
        elif law.carried(body, entry.seq, self.directives) is not None:
            stands = law.effect(self.record, entry, ABANDONED, self._keys, self._trust.log)
            if stands is not None:
                with suppress(KeyError):
                    self.record.apply(stands)
                self.hold_on(stands)

    def _end_key(self, entry: Entry) -> None:
        body = self._end_of_key(entry)
        if body is not None:
            self.record.apply(entry)
            self.ended.statements.add(body.digest)
            self._keys_changed()

    def _take_back(self, body: PositionRecorded) -> None:
        case = self.record.cases.get(body.case)
        said = None if case is None else case.positions.get(body.agency)
        if case is not None and said is not None and body.position not in CONSENT:
            positions = {**case.positions, body.agency: replace(said, is_stale=True)}
            self.record.put(replace(case, positions=positions))

    def _breach(self, entry: Entry) -> Breach | None:
        found = law.breach(self.record, entry, self._keys, self._trust.log, Support.SIGNATURES)
        if isinstance(found, Unchecked):
            return Breach(found.rules[0], "it cannot be checked: a part of it is hidden")
        if found is not None:
            return found
        if isinstance(entry.body, grants.GrantApproved) and entry.body.case in self.ended.cases:
            return Breach("abandoned", "it was removed among what was abandoned")
        own = _OWN.get(type(entry.body))
        return own(self, entry, entry.body) if own is not None else None

    def _tell(self, entry: Entry, why: str) -> None:
        self.findings[entry.type] += 1
        self.told.append(f"entry {entry.seq} ({entry.type}) is not vouched for: {why}")

    # A gateway's own

    def _floor(
        self,
        entry: Entry,
        body: grants.GrantApproved | grants.GrantAmended | grants.GrantMoved | grants.GrantReinstated,
    ) -> Breach | None:
        """The positions of a case that carries a grant, or an extension of one, satisfy the floor."""
        at = At(self.record, entry, self._keys, self._trust.log, Support.SIGNATURES)
        carrying = carriers(at, body) if isinstance(body, grants.GrantApproved) else (at.case(body.case),)
        if any(self._is_above_floor(case) for case in carrying):
            return None
        return Breach("floor", "the positions do not satisfy the floor of the trust file")

    def _is_above_floor(self, case: Case) -> bool:
        honoured = self._trust.releases.get(case.question.release)
        alone = {self._trust.developer} if case.unbound else set()
        return honoured is not None and honoured.holds(case.consents | alone, case.recused)

    def _floor_of_audience(self, entry: Entry, body: releases.StageOpened) -> Breach | None:
        """A stage for everyone admits without a case: those who agreed to its terms satisfy the floor."""
        found = self.terms.get(body.terms)
        release = self.record.releases.get(body.release)
        if found is None or found.audience is None or release is None:
            return None
        digests = {body.terms, *release.within.get(body.terms, ())}
        asked = (self.record.cases[name] for each in digests for name in self.record.asked.get(each, ()))
        if any(case.outcome in kinds.GRANTED and self._is_above_floor(case) for case in asked):
            return None
        return Breach("floor", "those who agreed to the terms do not satisfy the floor of the trust file")

    def _taken(self, entry: Entry, body: credentials.CredentialIssued) -> Breach | None:
        """A second use of a name or key would replace the first, which would escape its revocation."""
        if body.credential in self.credentials_by_id:
            return Breach("taken", "a credential of this name is on the record")
        return self._taken_key(seen(body.digest))

    def _taken_by_chunk(self, entry: Entry, body: credentials.CredentialsChunk) -> Breach | None:
        """As `_taken`, for each key of a part. Its names cannot be taken: their numbers go on."""
        found = map(self._taken_key, seen(body.keys).digest_of_each())
        return next((each for each in found if each is not None), None)

    def _taken_key(self, digest: bytes) -> Breach | None:
        is_taken = self.taken(digest) or digest in self.ended.keys
        return Breach("taken", "a key that is on the record") if is_taken else None

    def _unmapped(self, body: releases.ReleaseApplied) -> Breach | None:
        honoured = self._trust.releases.get(body.release)
        if honoured is None:
            return Breach("release", f"the trust file does not name the release {body.release!r}")
        for model in seen(body.given).spec.models:
            if honoured.upstreams.get(model.id) != model.upstream:
                return Breach("upstream", f"the model {model.id!r} is mapped to {model.upstream!r}")
        return None

    def _undirected(self, entry: Entry, body: directives.DirectiveIssued) -> Breach | None:
        """An agency alone directs no model beyond the trust file. What it narrows applies all the same."""
        at = At(self.record, entry, self._keys, self._trust.log, Support.SIGNATURES)
        spec = signed_alone(at, body)
        directed = None if spec is None else self._trust.directs.get(spec.issuer)
        if spec is None or directed is None or directed.issuperset(spec.models):
            return None
        beyond = ", ".join(sorted(set(spec.models) - directed))
        return Breach("directs", f"by the trust file {spec.issuer!r} does not direct {beyond}")

    def _bar_doubted(self) -> None:
        """Let the grants allow nothing that a compromised key carried, whatever the log says of them."""
        for grant in self.record.grants.values():
            row = self.grants_by_id.get(grant.id)
            if grant.doubted and row is not None and row.barred is None:
                row.barred = Reason.GRANT_SUSPENDED

    # What a stage has lost

    def _close_what_is_lost(self, entry: Entry, name: str) -> None:
        """Let no stage be open that has lost what it requires, whether the control plane closes it or not."""
        release = self.record.releases.get(name)
        if release is None:
            return
        at = At(self.record, entry, self._keys, self._trust.log, Support.SIGNATURES)
        for stage in self.record.planned(name):
            loss = StageFacts(at, release, stage).loss(release.plan.stages.get(stage))
            change = self._shut if loss.then == CLOSE else self._let_open
            change((name, stage), frozenset(self.record.open_terms(name, stage)))

    def _shut(self, stage: StageName, terms: frozenset[str]) -> None:
        """Close what is open of a stage, and know what that was."""
        before, row = self._lost.get(stage, NOTHING_LOST), self.audiences.get(stage[0])
        is_its = row is not None and row.terms in terms
        self._lost[stage] = LostStage(before.terms | (terms & self.open_terms), row if is_its else before.row)
        self.open_terms -= terms
        if is_its:
            self.serve(stage[0], None)

    def _let_open(self, stage: StageName, terms: frozenset[str]) -> None:
        """Open again what was closed here alone, as far as the log still has it open."""
        lost = self._lost.pop(stage, NOTHING_LOST)
        self.open_terms |= lost.terms & terms
        if lost.row is not None and lost.row.terms in terms and stage[0] not in self.audiences:
            self.serve(stage[0], lost.row)

    # What of an entry the table takes

    def _fold(self, entry: Entry, honoured: Entry | None, found: Breach | None) -> None:
        if honoured is None:
            self.skip(entry)
        else:
            super().apply(honoured)

    def _fold_release(self, entry: Entry, honoured: Entry | None, found: Breach | None) -> None:
        """The parts of a plan without proof give no access here, and open nothing."""
        body = entry.body
        assert isinstance(body, releases.ReleaseApplied)
        lease_ms = self.leases.of(body.release)
        super().apply(honoured or entry.saying(replace(body, tightened={})))
        if self.open_terms.isdisjoint(body.terms.values()):
            self.leases.put(body.release, min(lease_ms, seen(body.given).spec.lease_ms))
        trusted = self._trust.releases.get(body.release)
        for digest in self.terms.keys() & {*body.terms.values(), *body.raised.values()}:
            known = self.record.terms.get(digest)
            proven = known is not None and known.given == body.given
            row = self.terms[digest]
            models = _mapped(row.models, trusted) if proven else {}
            per_day = row.per_day if proven else NO_REQUESTS
            self.terms[digest] = row._replace(models=models, per_day=per_day)
        unmapped = self._unmapped(body) if found is None else None
        if unmapped is not None:
            self._tell(entry, unmapped.why)

    def _fold_opening(self, entry: Entry, honoured: Entry | None, found: Breach | None) -> None:
        """A stage that opens makes the lease that of its plan, which agencies have agreed to."""
        body = entry.body
        assert isinstance(body, releases.StageOpened)
        self._fold(entry, honoured, found)
        plan = self.listings.get(body.release)
        if honoured is not None and plan is not None and body.terms in plan.stages.values():
            self.leases.put(body.release, self.terms[body.terms].lease_ms)

    def _fold_grant(self, entry: Entry, honoured: Entry | None, found: Breach | None) -> None:
        """A grant without proof is in the table, but allows nothing. A caller who uses it gets the reason.

        Who was put out stays out: such a grant replaces the one that says so, and says it too.
        """
        body = entry.body
        assert isinstance(body, grants.GrantApproved)
        if found is not None and body.grant in self.grants_by_id:
            self.skip(entry)
            return
        before = self.grants.get((seen(body.organization), body.release, body.surface))
        super().apply(entry)
        if found is not None:
            is_out = before is not None and before.barred in BARRING
            reason = before.barred if before is not None and is_out else Reason.DEPLOYMENT_UNATTESTED
            self.grants_by_id[body.grant].barred = reason


def _mapped(models: Mapping[str, str], trusted: Floor | None) -> dict[str, str]:
    upstreams = trusted.upstreams if trusted is not None else {}
    return {model: upstream for model, upstream in models.items() if upstreams.get(model) == upstream}


_OWN: dict[type[Body], Callable[[VouchedTable, Entry, Any], Breach | None]] = {
    grants.GrantApproved: VouchedTable._floor,
    grants.GrantAmended: VouchedTable._floor,
    grants.GrantMoved: VouchedTable._floor,
    grants.GrantReinstated: VouchedTable._floor,
    releases.StageOpened: VouchedTable._floor_of_audience,
    credentials.CredentialIssued: VouchedTable._taken,
    credentials.CredentialsChunk: VouchedTable._taken_by_chunk,
    directives.DirectiveIssued: VouchedTable._undirected,
}
_FOLDS: dict[type[Body], Callable[[VouchedTable, Entry, Entry | None, Breach | None], None]] = {
    releases.ReleaseApplied: VouchedTable._fold_release,
    releases.StageOpened: VouchedTable._fold_opening,
    grants.GrantApproved: VouchedTable._fold_grant,
}
