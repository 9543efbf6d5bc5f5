"""A table that honours only what signatures support which it can check itself.

Rules:
- Keys come from the gateway's trust file alone; what the log says of keys is not looked at.
- Whatever widens is checked when it comes: the mapping of a model, tighter terms, an opening, a grant, an
  amendment, a reinstatement, a lift. What is not vouched for is counted in the log and widens nothing.
- Whatever narrows applies, vouched for or not; a directive as its issuer signed it.
- Signatures give once: a case that has given a grant, a renewal or a reinstatement gives no second one.
- Only terms in force count, and agreement to terms that go out of force is over.
- Silence, notify mode and proceeding give nothing here: there is no signature to check.
- A position counts if an agency's key signed it, for this log and exactly the case's question, and it
  follows the agency's position before it, as far as the log shows them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.table import Table, fold_in, plan_in
from sluicegate.core.lifecycle.case import CONSENT
from sluicegate.core.terms.trust import Pin, Releases
from sluicegate.errors import SluicegateError
from sluicegate_record.directives import narrowing
from sluicegate_record.directives.document import Document
from sluicegate_record.directives.scope import Scope
from sluicegate_record.form import Misread
from sluicegate_record.log import dsse, events, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.events import Entry
from sluicegate_record.statements.cases import Position, Schedule, Transcription, Word
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms import conditions, kinds, quorum, tightness
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import Rule

TOLD_MAX = 1_000
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, SluicegateError)
"""What an entry that lacks what its type needs may raise."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """A position that its signatures support."""

    position: str
    owners: frozenset[str]
    digest: str
    conditions: Conditions | None


@dataclass(slots=True)
class Asked:
    """A case as the log opened it, and the newest vouched position of each party."""

    kind: str
    question: Question
    organization: str | None
    positions: dict[str, Vouched] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    """Every owner who has signed a position in it."""
    is_over: bool = False
    """It was withdrawn, lapsed, returned or superseded."""
    is_used: bool = False
    """What it was asked for has been given."""

    def saying(self, *words: str) -> frozenset[str]:
        """The parties whose newest position is one of these."""
        return frozenset(party for party, said in self.positions.items() if said.position in words)


class NotVouched(Exception):
    """Something that widens is not supported by signatures that can be checked here."""


class VouchedTable(Table):
    """The table of a gateway with a trust file. `told` holds the newest findings until they are read."""

    def __init__(self, trust: Releases) -> None:
        super().__init__()
        self.findings: Counter[str] = Counter()
        self.told: deque[str] = deque(maxlen=TOLD_MAX)
        self._trust = trust
        self._pins: dict[str, Pin] = {dsse.keyid(pin.public): pin for pin in trust.pins}
        self._public = {keyid: pin.public for keyid, pin in self._pins.items()}
        self._plans: dict[str, tuple[Plan, str]] = {}
        """The plan and the stage that terms are of, by digests computed here."""
        self._current: dict[str, dict[str, str]] = {}
        self._within: dict[str, set[str]] = {}
        """Terms that are provably tighter than others, with those others, both computed here."""
        self._settled: set[str] = set()
        """The terms in force that every agency they name has agreed to, or that are within such."""
        self._asked: dict[str, Asked] = {}
        self._barred: set[str] = set()
        """The grants that are not vouched for."""
        self._ended: set[str] = set()
        self._given_by: dict[str, str] = {}
        """The case of every grant."""
        self._appeals: dict[str, list[str]] = {}
        """The appeals against a case, or against the removal of a grant out of it."""
        self._documents: dict[str, Document | None] = {}
        """The documents of directives, by name; None where this build cannot read one: nothing lifts it."""
        self._transcribed: set[str] = set()
        """The directives that officers entered and their issuers have not confirmed."""

    def apply(self, entry: Entry) -> None:
        """Fold one entry in, as far as it is vouched for. Requires and raises as `Table.apply`."""
        if entry.type == events.DIRECTIVE_ISSUED and entry.seq == self.size:
            fold_in(VouchedTable._direct, self, entry)
            return
        before = entry.seq == self.size and entry.type in _BEFORE
        why = self._why_not(entry) if before else ""
        if why and (entry.type in _SKIPPED or self._is_known(entry)):
            self.skip(entry)
        else:
            super().apply(entry)
            after = _AFTER.get(entry.type, VouchedTable._nothing)
            fold_in(lambda table, folded: after(table, folded, why), self, entry)
        if why:
            self._tell(entry, why)

    def _why_not(self, entry: Entry) -> str:
        try:
            _BEFORE[entry.type](self, entry)
        except NotVouched as finding:
            return str(finding)
        except _UNREADABLE as error:
            return f"it cannot be checked: {error!r}"
        return ""

    def _tell(self, entry: Entry, why: str) -> None:
        self.findings[entry.type] += 1
        self.told.append(f"entry {entry.seq} ({entry.type}) is not vouched for: {why}")

    def _nothing(self, entry: Entry, why: str) -> None:
        """Nothing is left to do."""

    def _is_known(self, entry: Entry) -> bool:
        """Whether an entry would put another grant in the place of one that has its name."""
        return entry.type == events.GRANT_APPROVED and entry.public["grant"] in self.grants_by_id

    # Plans

    def _check_release(self, entry: Entry) -> None:
        """Digests are computed here, models mapped as the trust file says, tighter terms proven."""
        given = plan_in(entry)
        name = given.metadata.name
        honoured = self._trust.releases.get(name)
        if name != entry.public["release"] or given.metadata.developer != self._trust.developer:
            raise NotVouched("a plan of another release or developer")
        terms = given.terms
        if terms != dict(entry.public["terms"]):
            raise NotVouched("terms whose digests are not those of the plan")
        before = self._current.get(name, {})
        self._current[name] = terms
        for stage, digest in terms.items():
            self._plans[digest] = (given, stage)
        gone = set(before.values()) - set(terms.values())
        try:
            for stage, looser in entry.public.get("tightened", {}).items():
                self._check_tighter(given, stage, terms[stage], looser, before)
        finally:
            self._settled -= gone
            for digest in gone:
                self._within.pop(digest, None)
        if honoured is None:
            raise NotVouched(f"the trust file does not name the release {name!r}")
        for model in given.spec.models:
            if honoured.upstreams.get(model.id) != model.upstream:
                raise NotVouched(f"the model {model.id!r} is mapped to {model.upstream!r}")

    def _check_tighter(
        self, given: Plan, stage: str, digest: str, looser: str, before: Mapping[str, str]
    ) -> None:
        old = self._plans.get(looser)
        if old is None or before.get(stage) != looser or looser not in self._settled:
            raise NotVouched("terms said to be tighter than others that were not in force and agreed")
        fields = tightness.loosened(given, given.stages[stage], old[0], old[0].stages[stage])
        if fields:
            raise NotVouched(f"terms said to be tighter, but not in {', '.join(fields)}")
        self._within[digest] = {looser} | self._within.get(looser, set())
        self._settled.add(digest)

    def _map_models(self, entry: Entry, _why: str) -> None:
        """Whatever was not proven of a plan is served by nobody here, and opens nothing."""
        floor = self._trust.releases.get(entry.public["release"])
        honoured = {} if floor is None else floor.upstreams
        given = plan_in(entry)
        for digest in self.terms.keys() & set(entry.public["terms"].values()):
            proven = digest in self._plans and self._plans[digest][0] == given
            models = self.terms[digest].models if proven else {}
            kept = {model: upstream for model, upstream in models.items() if honoured.get(model) == upstream}
            self.terms[digest] = self.terms[digest]._replace(models=kept)
        for stage, looser in entry.public.get("tightened", {}).items():
            digest = entry.public["terms"][stage]
            if looser not in self._within.get(digest, ()):
                self.open_terms.discard(digest)

    # Cases

    def _open_case(self, entry: Entry) -> None:
        public = entry.public
        organization = entry.gate_value("organization") if "organization" in entry.gate else None
        name = public["case"]
        if name in self._asked:
            raise NotVouched("a case that was opened before")
        self._asked[name] = Asked(public["kind"], Question.from_json(public["question"]), organization)
        if public["kind"] == kinds.APPEAL:
            against = self._asked[name].question.against
            removed = self._asked[against].question.grant if against in self._asked else None
            self._appeals.setdefault(self._root(removed) if removed else against, []).append(name)

    def _root(self, grant: str) -> str:
        """The application that a grant came out of."""
        name = self._given_by[grant]
        while self._asked[name].kind == kinds.APPEAL:
            name = self._asked[name].question.against
            removed = self._asked[name].question.grant
            name = self._given_by[removed] if removed else name
        return name

    def _close_case(self, entry: Entry) -> None:
        case, outcome = self._asked[entry.public["case"]], entry.public["outcome"]
        case.is_over = case.is_over or outcome not in {*kinds.GRANTED, "denied"}
        if case.kind == kinds.TERMS and outcome in kinds.GRANTED:
            self._agree(entry.public["case"])

    def _agree(self, name: str) -> None:
        """The terms of a case are agreed to, if they are those in force and every agency signed."""
        case = self._case(name, kinds.TERMS)
        terms = case.question.terms
        given, stage = self._plans[terms]
        release = given.metadata.name
        asked = case.question
        if (asked.release, asked.stage, asked.models) != (release, stage, given.model_digests):
            raise NotVouched("terms of something else than their case asks")
        if self._current[release].get(stage) != terms:
            raise NotVouched("terms that are not in force")
        self._check_rule(case, kinds.rule_of(kinds.TERMS, given, given.stages[stage]), ())
        self._settled.add(terms)
        case.is_used = True

    def _take_position(self, entry: Entry) -> None:
        envelope = Envelope.from_json(entry.public["envelope"])
        case = self._asked[entry.public["case"]]
        if case.question.log != self._trust.log:
            raise NotVouched("a case of another log")
        said, owners = self._said(envelope, case)
        if not owners:
            raise NotVouched(f"no signature by a key of {said.agency!r} that this gateway knows")
        newest = case.positions.get(said.agency)
        if said.previous != (newest.digest if newest else None):
            raise NotVouched("a position that does not follow the one before it")
        digest = envelope.digest
        case.signed |= owners
        stated = None if said.conditions is None else Conditions.from_json(said.conditions)
        case.positions[said.agency] = Vouched(said.position, owners, digest, stated)

    def _said(self, envelope: Envelope, case: Asked) -> tuple[Word, frozenset[str]]:
        """What an envelope says in a case, and by whom. Raises: NotVouched: it is about another question."""
        stated = dsse.predicate_type(envelope)
        if stated == Transcription.TYPE:
            word = Transcription.read(envelope).word
            owners = self._transcribing(envelope, case, word.agency)
        else:
            is_schedule = stated == Schedule.TYPE
            word = self._of_schedule(envelope, case) if is_schedule else Position.read(envelope).word
            owners = self._owners(envelope, word.agency)
        if word.question != case.question.digest:
            raise NotVouched("a position signed for another question")
        return word, owners

    def _owners(self, envelope: Envelope, party: str) -> frozenset[str]:
        return frozenset(pin.owner for pin in self._signers(envelope) if pin.party == party)

    def _transcribing(self, envelope: Envelope, case: Asked, agency: str) -> frozenset[str]:
        """The officers who transcribe what the issuer of a transcription says about lifting it."""
        name = case.question.directive
        if case.kind != kinds.LIFT or name not in self._transcribed:
            raise NotVouched("a transcription of what its agency signs itself")
        if self._document(name).spec.issuer != agency:
            raise NotVouched("a transcription of another agency's word than the issuer's")
        owners = self._owners(envelope, self._trust.developer)
        if len(owners) < 2:
            raise NotVouched("a transcription that two officers did not sign")
        return owners

    def _of_schedule(self, envelope: Envelope, case: Asked) -> Word:
        word = Schedule.read(envelope).word(case.question.case)
        if word is None:
            raise NotVouched("a schedule that does not name the case")
        return word

    # What widens

    def _check_opening(self, entry: Entry) -> None:
        public = entry.public
        envelope = Envelope.from_json(public["envelope"])
        opening = StageOpening.read(envelope)
        about = (opening.release, opening.stage, opening.terms)
        if about != (public["release"], public["stage"], public["terms"]):
            raise NotVouched("an opening signed for other terms")
        if opening.log != self._trust.log or not self._is_officers(envelope):
            raise NotVouched("an opening that no officer signed for this log")
        release, stage = opening.release, opening.stage
        self._in_force(release, stage, opening.terms)
        rule = self._plans[opening.terms][0].stages[stage].agreed_by
        if rule is None:
            return
        case = self._case(public["case"], kinds.OPENING)
        asked = case.question
        if (asked.log, asked.release, asked.stage, asked.terms) != (opening.log, *about):
            raise NotVouched("an opening agreed to in another case")
        self._check_rule(case, rule, ())

    def _check_grant(self, entry: Entry) -> None:
        """By the positions of its case, or of an appeal that was allowed while no seat was free."""
        name = entry.public["case"]
        if entry.public["grant"] in self.grants_by_id:
            raise NotVouched("a grant that was given before")
        heard = [name, *self._appeals.get(name, [])]
        for other in heard[:-1]:
            try:
                return self._check_grant_by(entry, other)
            except NotVouched:
                continue
        return self._check_grant_by(entry, heard[-1])

    def _check_grant_by(self, entry: Entry, name: str) -> None:
        public = entry.public
        case = self._case(name, kinds.ADMISSION, kinds.APPEAL)
        asked = case.question
        if (asked.release, asked.stage, asked.surface) != (
            public["release"],
            public["stage"],
            public["surface"],
        ):
            raise NotVouched("a grant of something else than its case asks")
        if entry.gate_value("organization") != case.organization:
            raise NotVouched("a grant to another organization than its case is about")
        against = case
        if case.kind == kinds.APPEAL:
            against = self._case(case.question.against, kinds.ADMISSION, kinds.REMOVAL)
            self._same_party(case, against)
        self._check_given(case, against, public)
        self._check_validity(public, entry.at_ms, case)
        if against.kind == kinds.REMOVAL:
            first = self._case(public["case"], kinds.ADMISSION)
            stated = Conditions.from_json(public["conditions"])
            if not conditions.is_tighter(stated, self._required(first, public["terms"])):
                raise NotVouched("conditions looser than those first agreed to")
        case.is_used = True

    def _check_amendment(self, entry: Entry) -> None:
        public = entry.public
        case = self._case(public["case"], kinds.AMENDMENT, kinds.APPEAL)
        asked = case
        if case.kind == kinds.APPEAL:
            asked = self._case(case.question.against, kinds.AMENDMENT)
        grant = self.grants_by_id[public["grant"]]
        if asked.question.grant != grant.id or grant.id in self._barred:
            raise NotVouched("an amendment of another grant, or of one that is not vouched for")
        self._check_given(case, asked, public)
        if asked.question.renew:
            self._check_validity(public, entry.at_ms, case)
        elif (
            times.parse_time(public["validUntil"]) if public["validUntil"] else None
        ) != grant.valid_until_ms:
            raise NotVouched("an amendment that renews without having been asked to")
        case.is_used = True

    def _check_reinstatement(self, entry: Entry) -> None:
        case = self._case(entry.public["case"], kinds.APPEAL)
        removal = self._case(case.question.against, kinds.REMOVAL)
        grant = self.grants_by_id[entry.public["grant"]]
        if removal.question.grant != grant.id or grant.id in self._barred:
            raise NotVouched("the reinstatement of another grant, or of one that is not vouched for")
        self._check_given(case, removal, {})
        case.is_used = True
        self._ended.discard(grant.id)

    def _check_resumption(self, entry: Entry) -> None:
        if entry.public["grant"] in self._barred | self._ended:
            raise NotVouched("a grant goes on that has ended, or that is not vouched for")

    def _check_credential(self, entry: Entry) -> None:
        """A second of a name or a key takes the place of the first, which then escapes its revocation."""
        if entry.public["credential"] in self._credential_ids:
            raise NotVouched("a credential of this name is on the record")
        if bytes.fromhex(entry.gate_value("digest")) in self.credentials:
            raise NotVouched("a key that is on the record")

    def _check_lift(self, entry: Entry) -> None:
        """The case's question states the part that is lifted, and the directive as it stands."""
        name, scope = entry.public["directive"], entry.public.get("scope")
        if name in self.drills:
            return
        case = self._case(entry.public["case"], kinds.LIFT)
        document, part = self._document(name), None if scope is None else Scope.from_json(scope)
        asked = case.question
        if (asked.directive, asked.document, asked.scope) != (name, document.digest, part):
            raise NotVouched("a lift of another directive, or of another part")
        self._check_rule(case, document.spec.lifted_by, ())

    # Directives

    def _direct(self, entry: Entry) -> None:
        """Apply a directive as it was signed; beside another where it may not take that one's place or name.

        Its signatures are verified here, once.
        """
        name, replaced = entry.public["directive"], entry.public.get("replaces")
        signed, signers = self._signed(entry)
        may_replace = replaced is None or self._may_replace(replaced, signed, signers)
        is_taken = name in self._documents and (replaced != name or not may_replace)
        stated = entry.public["document"]
        public = {**entry.public, "document": signed.to_json() if signed else stated}
        if not may_replace:
            del public["replaces"]
        if is_taken:
            public["directive"] = f"{name}#{entry.seq}"
        super().apply(replace(entry, public=public))
        why = ""
        if public["document"] != stated:
            why = "a directive that was signed otherwise; it applies as it was signed"
        elif not may_replace:
            why = "a directive that replaces another without those who lift it; both apply"
        elif is_taken:
            why = "a directive of this name is on the record; this one is never lifted here"
        if not why or name not in self._documents:
            self._keep(name, signed or _readable(stated))
        if why:
            self._tell(entry, why)

    def _keep(self, name: str, document: Document | None) -> None:
        self._documents[name] = document
        self._transcribed.discard(name)
        if document is not None and document.is_transcribed:
            self._transcribed.add(name)

    def _document(self, name: str) -> Document:
        document = self._documents[name]
        if document is None:
            raise NotVouched("a directive that this build cannot read")
        return document

    def _signed(self, entry: Entry) -> tuple[Document | None, list[Pin]]:
        """A directive as its issuer, or two officers, signed it for this log, and who did; None if nobody."""
        try:
            envelope = Envelope.from_json(entry.public["envelope"])
            document = Document.check(DirectiveStatement.read(envelope).document)
        except (KeyError, SluicegateError):
            return None, []
        signers = self._signers(envelope)
        is_issuers = document.spec.issuer in {pin.party for pin in signers}
        is_whole = is_issuers or self._is_transcribed(document, signers)
        return document if is_whole and document.metadata.log == self._trust.log else None, signers

    def _may_replace(self, replaced: str, document: Document | None, signers: list[Pin]) -> bool:
        """Whether those whose signatures can be checked here may put one directive in another's place.

        `document` is what was signed. What nobody signed takes the place of nothing, however narrow: whom its
        names come to, the control plane says anew.
        """
        old = self._documents.get(replaced)
        if document is None or document.replaces is None or old is None:
            return False
        if document.replaces.to_json() != {"directive": replaced, "document": old.digest}:
            return False
        is_word = replaced in self._transcribed
        if (is_word or not document.is_transcribed) and _is_narrower(document, old):
            return True
        consenting = {pin.party for pin in signers}
        if is_word and self._is_transcribed(document, signers) and document.spec.issuer == old.spec.issuer:
            consenting.add(old.spec.issuer)
        return quorum.satisfied(old.spec.lifted_by, consenting)

    def _is_transcribed(self, document: Document, signers: list[Pin]) -> bool:
        officers = {pin.owner for pin in signers if pin.party == self._trust.developer}
        return document.is_transcribed and len(officers) > 1

    def _signers(self, envelope: Envelope) -> list[Pin]:
        return [self._pins[keyid] for keyid in dsse.verify(envelope, self._public)]

    def _confirm_directive(self, entry: Entry) -> None:
        """What its issuer stands by is no transcription any more: its letters do not lift it."""
        envelope = Envelope.from_json(entry.public["envelope"])
        stated = Confirmation.read(envelope)
        document = self._document(stated.directive)
        if stated.document == document.digest:
            parties = {pin.party for pin in self._signers(envelope)}
            if document.spec.issuer in parties:
                self._transcribed.discard(stated.directive)

    def _check_expiry(self, entry: Entry) -> None:
        """A directive ends by itself when the time has come that its document says."""
        expires_ms = self._document(entry.public["directive"]).spec.expires_ms
        if expires_ms is None or expires_ms > entry.at_ms:
            raise NotVouched("a directive that is said to have expired and has not")

    def _end_grant(self, entry: Entry, _why: str) -> None:
        self._ended.add(entry.public["grant"])

    def _bar_grant(self, entry: Entry, why: str) -> None:
        self._given_by[entry.public["grant"]] = entry.public["case"]
        if why:
            self._barred.add(entry.public["grant"])
            self.grants_by_id[entry.public["grant"]].barred = Reason.DEPLOYMENT_UNATTESTED

    # What it rests on

    def _check_given(self, case: Asked, against: Asked, public: Mapping[str, Any]) -> None:
        """The rule of the terms and the floor of the trust file, and conditions no looser than agreed.

        `against` is what an appeal is about, else the case itself.
        """
        if case is not against and any(said.owners & against.signed for said in case.positions.values()):
            raise NotVouched("an appeal heard by somebody who signed in the case appealed")
        if case.is_used:
            raise NotVouched("signatures that have been used")
        question = case.question
        asked, stage = question.terms, question.stage
        terms = self._in_force(question.release, stage, asked)
        if public.get("terms", terms) != terms:
            raise NotVouched("given under other terms than those in force")
        given = self._plans[asked][0]
        if question.models != given.model_digests:
            raise NotVouched("a case about other models than those of its terms")
        body = given.stages[stage]
        rule = kinds.rule_of(case.kind, given, body, against.kind)
        self._check_rule(case, rule, body.admission.countersign)
        consenting = case.saying(*CONSENT)
        if not quorum.satisfied(self._trust.releases[question.release].rule, consenting):
            raise NotVouched("the positions do not satisfy the floor of the trust file")
        if "conditions" not in public:
            return
        stated = Conditions.from_json(public["conditions"])
        if not conditions.is_tighter(stated, self._required(case, terms)):
            raise NotVouched("conditions looser than those agreed to")

    def _check_rule(self, case: Asked, rule: Rule, countersigned: Collection[str]) -> None:
        if case.is_over:
            raise NotVouched("a case that had ended without a decision")
        if any(quorum.faults(rule.to_json(), quorum.parties_of(rule))):
            raise NotVouched("a rule that is none")
        if any(len(said.owners) < 2 for party, said in case.positions.items() if party in countersigned):
            raise NotVouched("a position that lacks its countersignature")
        left = quorum.without(rule, case.saying("recuse"))
        if left is None or not quorum.satisfied(left, case.saying(*CONSENT)):
            raise NotVouched("the signed positions do not satisfy the rule")
        if not quorum.reachable(left, case.saying("object")):
            raise NotVouched("signed objections stand against it")

    def _check_validity(self, public: Mapping[str, Any], at_ms: int, case: Asked) -> None:
        lasts_ms = self._required(case, public["terms"]).valid_for_ms
        if lasts_ms is None:
            return
        until = public["validUntil"]
        if until is None or times.parse_time(until) > at_ms + lasts_ms:
            raise NotVouched("a grant that is valid for longer than agreed")

    def _required(self, case: Asked, terms: str) -> Conditions:
        given, stage = self._plans[terms]
        stated = [("terms", given.stages[stage].conditions)]
        stated += [
            (party, said.conditions) for party, said in sorted(case.positions.items()) if said.conditions
        ]
        combined, contradictions = conditions.strictest(stated)
        if contradictions:
            raise NotVouched("conditions that contradict each other")
        return combined

    def _in_force(self, release: str, stage: str, asked: str) -> str:
        """The terms in force of a stage, if they are agreed to and a case about `asked` answers them."""
        terms = self._current[release][stage]
        if terms not in self._settled:
            raise NotVouched("terms that the agencies they name have not all signed")
        if asked != terms and asked not in self._within.get(terms, ()):
            raise NotVouched("terms that are not in force")
        ways = [self._plans[digest][0].stages[stage] for digest in (asked, terms)]
        before, after = ([way.eligibility, way.admission] for way in ways)
        if before != after:
            raise NotVouched("terms that have changed in who may apply or how it is decided")
        return terms

    def _case(self, name: str, *of: str) -> Asked:
        case = self._asked[name]
        if case.kind not in of or case.question.kind != case.kind or case.question.case != name:
            raise NotVouched(f"a case of another kind than {', '.join(of)}")
        return case

    def _same_party(self, case: Asked, other: Asked) -> None:
        party = case.question.party
        if case.organization != other.organization or not party or party != other.question.party:
            raise NotVouched("an appeal of another organization")

    def _is_officers(self, envelope: Envelope) -> bool:
        signed = dsse.verify(envelope, self._public)
        return any(self._pins[keyid].party == self._trust.developer for keyid in signed)


def _readable(stated: object) -> Document | None:
    try:
        return Document.from_json(stated)
    except Misread:
        return None


def _is_narrower(new: Document, old: Document) -> bool:
    """Whether one is provably narrower than another, which may be of another build."""
    try:
        return not narrowing.widened(new, old)
    except _UNREADABLE:
        return False


_BEFORE: dict[str, Callable[[VouchedTable, Entry], None]] = {
    events.RELEASE_APPLIED: VouchedTable._check_release,
    events.CASE_OPENED: VouchedTable._open_case,
    events.POSITION_RECORDED: VouchedTable._take_position,
    events.CASE_DETERMINED: VouchedTable._close_case,
    events.CREDENTIAL_ISSUED: VouchedTable._check_credential,
    events.STAGE_OPENED: VouchedTable._check_opening,
    events.GRANT_APPROVED: VouchedTable._check_grant,
    events.GRANT_AMENDED: VouchedTable._check_amendment,
    events.GRANT_RESUMED: VouchedTable._check_resumption,
    events.GRANT_REINSTATED: VouchedTable._check_reinstatement,
    events.DIRECTIVE_CONFIRMED: VouchedTable._confirm_directive,
    events.DIRECTIVE_LIFTED: VouchedTable._check_lift,
    events.DIRECTIVE_EXPIRED: VouchedTable._check_expiry,
}
_SKIPPED = frozenset(
    {
        events.STAGE_OPENED,
        events.GRANT_AMENDED,
        events.GRANT_RESUMED,
        events.GRANT_REINSTATED,
        events.CREDENTIAL_ISSUED,
        events.DIRECTIVE_LIFTED,
        events.DIRECTIVE_EXPIRED,
    }
)
_AFTER: dict[str, Callable[[VouchedTable, Entry, str], None]] = {
    events.RELEASE_APPLIED: VouchedTable._map_models,
    events.GRANT_APPROVED: VouchedTable._bar_grant,
    events.GRANT_ENDED: VouchedTable._end_grant,
}
