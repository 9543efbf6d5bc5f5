"""Directives: issued or transcribed, replaced by another document, lifted by a case whose rule is `liftedBy`.

Rules:
- An issuer signs the document with names as a count and a commitment. The openings of the commitments come
  beside it, and must fit.
- A model that no one offers, or a definition that does not exist, is refused. So a typing error never becomes
  a directive in force.
- An agency alone directs the models that it was given: by the plans of its releases, and by the trust file.
  Two officers transcribe an order beyond that, or sign it too. So one stolen key does not stop every model.
- The issuer alone may narrow a directive. A change that is not provably narrower needs the signatures that
  `liftedBy` asks for.
- A transcription is marked as one until its issuer confirms it. Until then, a letter of the issuer can also
  be transcribed, and counts as the issuer's word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sluicegate.acts.directives import AcceptedDirective, ConfirmedDirective, KnownDefinition, LiftCase
from sluicegate.core.directives import cover, directive
from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle import determination, positions
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal, SignedCommand
from sluicegate.core.lifecycle.keys import other_log, owners_for, signer_for, signers
from sluicegate.core.lifecycle.organizations import describe
from sluicegate.core.lifecycle.positions import two_officers
from sluicegate.core.lifecycle.state import Ahead, State
from sluicegate.core.people import persons
from sluicegate_record.directives import narrowing
from sluicegate_record.directives.document import DirectiveSpec, Document, Persons
from sluicegate_record.directives.scope import Scope
from sluicegate_record.entities import directive as directive_
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import Draft, cases
from sluicegate_record.entries import directives as entries
from sluicegate_record.entries.cases import Description
from sluicegate_record.law.directives import concerned, remits
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds, quorum

LIFTED = "lift.organizations"
"""The name of the opening of the commitment to the organizations of a lift."""


@dataclass(frozen=True, slots=True)
class IssueDirective(SignedCommand):
    """Put a signed directive in force, or start a drill.

    `opened` opens its commitments, by their names. `named` is what they mean, by `covers`, `except` and
    `annex.…`. `described` are organizations that names may mean and the log does not describe yet. `directs`
    are the models that agencies direct by the trust file, where it says so.
    """

    opened: Mapping[str, Opening] = field(default_factory=dict)
    named: Mapping[str, Resolution] = field(default_factory=dict)
    described: Sequence[Description] = ()
    directs: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confirm(SignedCommand):
    """Put on the record that the issuer of a transcription confirms it."""


@dataclass(frozen=True, slots=True)
class OpenLift(Command):
    """Ask the parties in a directive's `liftedBy` to lift it, or the part that `scope` states.

    `opened` opens the commitment to the scope's organizations; `named` is what they mean. `envelope` is a
    position, or a transcription, signed for `case`, which has that name or gets it: all is done, or nothing.
    """

    directive: str
    scope: Scope | None = None
    opened: Opening | None = None
    named: Resolution = cover.NOBODY
    case: str = ""
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class AddDefinition(Command):
    """Say which statuses the words of an order mean, with the source of that meaning."""

    name: str
    statuses: frozenset[str]
    source: str


def narrows(command: IssueDirective, state: State | None) -> bool:
    """Whether a directive provably narrows access: whatever is on the record, or after a state.

    Raises: InvalidInput: it is malformed.
    """
    document = Document.check(DirectiveStatement.read(command.envelope).document)
    replaces = document.replaces
    if replaces is None or document.is_drill:
        return not document.is_drill
    old = None if state is None else state.directives.get(replaces.directive)
    return old is not None and not _wider(document, old)


def issue_directive(
    state: State, command: IssueDirective, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `IssueDirective`."""
    document = Document.check(DirectiveStatement.read(command.envelope).document)
    if document.metadata.log != state.log:
        return other_log()
    refusal = _misplaced(state, document) or _parties_unknown(state, document)
    if refusal is not None:
        return refusal
    owners = _authority(state, command.envelope, document)
    if isinstance(owners, Refusal):
        return owners
    refusal = (
        _misfit(state, document, now_ms, _known_to(state, document, command.directs))
        or _beyond(state, command, document)
        or _unproven(command, document)
        or _widening(state, command.envelope, document)
    )
    if refusal is not None:
        return refusal
    name, replaced = document.metadata.name, document.replaces
    body = entries.DirectiveIssued(
        directive=name,
        issuer=document.spec.issuer,
        signed_by=owners[0],
        signers=owners,
        document=document,
        digest=command.envelope.digest,
        envelope=command.envelope,
        replaces=replaced.directive if replaced else None,
        named={part: found.to_json() for part, found in command.named.items()} or None,
        opened=command.opened,
    )
    issued = Draft.of(name, body, entropy)
    ended = determination.superseded_with(state, replaced.directive, "directive_replaced") if replaced else ()
    drafts = [*describe(state, command.described, entropy), *ended, issued]
    arrived = document.metadata.transcribed
    result = AcceptedDirective(
        directive=name,
        accepted_at_ms=now_ms,
        transcribed=arrived,
        officers=owners if document.is_transcribed else (),
    )
    return Acceptance(drafts, result)


def check_directive(
    state: State, document: Document, now_ms: int, knows: Callable[[Release], bool] = lambda _: True
) -> Refusal | None:
    """Why a well-formed directive does not fit this log; None if it does.

    `knows` says which releases the asker may know of; the others count as absent.
    """
    return (
        _misplaced(state, document)
        or _parties_unknown(state, document)
        or _misfit(state, document, now_ms, knows)
    )


def _misfit(
    state: State, document: Document, now_ms: int, knows: Callable[[Release], bool]
) -> Refusal | None:
    spec = document.spec
    return _covers_nothing(state, spec, knows) or _means_otherwise(state, spec) or _too_late(spec, now_ms)


def _known_to(
    state: State, document: Document, directs: Mapping[str, frozenset[str]]
) -> Callable[[Release], bool]:
    """Which releases a refusal may tell of: to an agency, those that it may know of anyway."""
    issuer = document.spec.issuer
    if document.is_transcribed or issuer == state.developer:
        return lambda _: True
    return known_to(state, issuer, directs)


def known_to(state: State, agency: str, directs: Mapping[str, frozenset[str]]) -> Callable[[Release], bool]:
    """Which releases an agency may know of: those that are announced, or name it, or have a model that it
    directs. `directs` as in `IssueDirective`.
    """
    own = directed(state, agency, directs.get(agency))

    def knows(release: Release) -> bool:
        spec = release.plan.spec
        return spec.announced or agency in spec.agencies or any(model.id in own for model in spec.models)

    return knows


def undirected(state: State, spec: DirectiveSpec, directs: Mapping[str, frozenset[str]]) -> list[str]:
    """The models that the issuer of a directive does not direct alone. `directs` as in `IssueDirective`."""
    if spec.issuer == state.developer:
        return []
    return sorted(set(spec.models) - directed(state, spec.issuer, directs.get(spec.issuer)))


def directed(state: State, agency: str, stated: frozenset[str] | None) -> frozenset[str]:
    """The models that an agency directs alone: by the plans, and by the trust file if it says so.

    Where both say, a model must be in both. Where neither says, those are the models of its releases.
    """
    given = list(remits(state.record, agency))
    models = frozenset[str]().union(*(each.models for each in given))
    if stated is None:
        return models
    return models & stated if any(each.is_stated for each in given) else stated


def _beyond(state: State, command: IssueDirective, document: Document) -> Refusal | None:
    """Whether an agency alone signed a directive about models that it does not direct."""
    beyond = undirected(state, document.spec, command.directs)
    officers = owners_for(state, command.envelope, state.developer) if beyond else ()
    if not beyond or (not isinstance(officers, Refusal) and two_officers(officers) is None):
        return None
    issuer = document.spec.issuer
    listed = ", ".join(sorted(directed(state, issuer, command.directs.get(issuer)))) or "no model"
    said = f"{issuer!r} does not direct {', '.join(beyond)}; it directs {listed}"
    remedy = (
        "two officers transcribe it: 'sluicegate directive transcribe FILE --key KEY --key KEY'; "
        "or issue it about what it directs"
    )
    return Refusal("forbidden", "not_directed", said, remedy)


def _misplaced(state: State, document: Document) -> Refusal | None:
    """Whether the name is taken, or the directive to replace is not there or has changed."""
    name, replaces = document.metadata.name, document.replaces
    if replaces is None or replaces.directive != name:
        if name in state.directives:
            said = f"a directive {name!r} is already on the record"
            return Refusal("conflict", "name_taken", said, "choose another, or say that it replaces this one")
        if replaces is None:
            return None
    old = state.directives.get(replaces.directive)
    if old is None or old.is_drill:
        return directive_unknown(replaces.directive)
    if old.ended is not None:
        return over(old)
    if replaces.document != old.document.digest:
        said = f"the directive {old.name!r} has changed since this was signed"
        return Refusal("conflict", "directive_changed", said, "sign it again, to replace it as it stands")
    return None


def _parties_unknown(state: State, document: Document) -> Refusal | None:
    spec, is_transcribed = document.spec, document.is_transcribed
    issuer = spec.issuer
    if is_transcribed and issuer == state.developer:
        said = "the developer signs what it issues itself"
        return Refusal(
            "conflict", "not_transcribed", said, "'sluicegate directive issue FILE' signs it with one key"
        )
    known = state.parties | ({issuer} if is_transcribed else set())
    for party in sorted({issuer, *quorum.parties_of(spec.lifted_by), *quorum.parties_of(spec.licensing)}):
        if party not in known:
            listed = ", ".join(sorted(known))
            said = f"no pinned key for {party!r}, expected one of {listed}"
            return Refusal("unknown", "party_unknown", said, "an order by letter or call is transcribed")
    return None


def _covers_nothing(state: State, spec: DirectiveSpec, knows: Callable[[Release], bool]) -> Refusal | None:
    """Why a model, or a surface of these models, is neither offered nor granted anywhere; None if all are.

    The text does not list what is offered to others: the asker may not know of it.
    """
    reached = _reached(state, knows)
    for model in spec.models:
        if model not in reached:
            return Refusal("unknown", "model_unknown", f"no model {model!r}", "check its spelling")
    return _surface_unknown(reached, spec.models, spec.surfaces if spec.surfaces != "all" else ())


def _reached(state: State, knows: Callable[[Release], bool]) -> dict[str, set[str]]:
    """The surfaces on which each model is offered, or is or was granted, as far as the asker may know."""
    reached: dict[str, set[str]] = {}
    for release in filter(knows, state.releases.values()):
        for model in release.plan.spec.models:
            reached.setdefault(model.id, set()).update(release.plan.spec.surfaces)
        for granted, surfaces in state.reached.get(release.name, {}).items():
            reached.setdefault(granted, set()).update(surfaces)
    return reached


def _surface_unknown(
    reached: Mapping[str, set[str]], models: Sequence[str], surfaces: Sequence[str]
) -> Refusal | None:
    of_these = {surface for model in models for surface in reached.get(model, ())}
    for surface in surfaces:
        if surface not in of_these:
            said = f"no surface {surface[:80]!r} of these models"
            return Refusal("unknown", "surface_unknown", said, "check its spelling")
    return None


def _means_otherwise(state: State, spec: DirectiveSpec) -> Refusal | None:
    """Whether a definition on the record differs from what was signed, or is not on the record."""
    for _, selection in spec.selections():
        stated = selection.persons
        if not isinstance(stated, Persons):
            continue
        meant = directive.definition(stated.definition, state.definitions)
        if (sorted(stated.statuses), stated.source) != (sorted(meant.statuses), meant.source):
            said = f"the definition {meant.name!r} means {', '.join(sorted(meant.statuses))} on the record"
            return Refusal("conflict", "definition_differs", said, "sign it with the record's definition")
    return None


def _too_late(spec: DirectiveSpec, now_ms: int) -> Refusal | None:
    if spec.expires_ms is None or now_ms < spec.expires_ms:
        return None
    said = f"it expires at {times.format_time(spec.expires_ms)}, which has passed"
    return Refusal("conflict", "expired", said, "sign it again")


def _authority(state: State, envelope: Envelope, document: Document) -> tuple[str, ...] | Refusal:
    """The parties whose signatures put a directive in force: its issuer,
    or two officers if it is transcribed.
    """
    if not document.is_transcribed:
        return owners_for(state, envelope, document.spec.issuer)
    owners = owners_for(state, envelope, state.developer)
    return owners if isinstance(owners, Refusal) else two_officers(owners) or owners


def _unproven(command: IssueDirective, document: Document) -> Refusal | None:
    if document.is_opened_by(command.opened):
        return None
    said = "the names given do not open the signed commitments"
    return Refusal("unverified", "scope_unproven", said, "sign it again")


def _widening(state: State, envelope: Envelope, document: Document) -> Refusal | None:
    """Whether a change is not provably narrower and lacks the signatures that `liftedBy` asks for.

    A transcription that replaces a directive signed by its issuer counts as wider: officers alone could lift
    it.
    """
    if document.replaces is None:
        return None
    old = state.directives[document.replaces.directive]
    fields = _wider(document, old)
    asked = concerned(state.record, state.developer, document)
    consenting = {key.party for key in signers(state, envelope, asked)}
    if document.is_transcribed and old.is_word and document.spec.issuer == old.issuer:
        consenting.add(old.issuer)
    if not fields or quorum.satisfied(old.document.spec.lifted_by, consenting):
        return None
    listed = ", ".join(fields)
    said = f"it is not provably narrower than {old.name!r} in {listed}, and not all who lift it have signed"
    return Refusal("forbidden", "not_narrower", said, "let them sign the same file, or lift it in part")


def _wider(document: Document, old: Directive) -> list[str]:
    """The fields in which a directive is not provably narrower than the one that it replaces."""
    fields = narrowing.widened(document, old.document)
    return [*fields, "transcribed"] if document.is_transcribed and not old.is_word else fields


def confirm(state: State, command: Confirm, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `Confirm`. Confirming again changes nothing."""
    stated = Confirmation.read(command.envelope)
    if stated.log != state.log:
        return other_log()
    found = in_force(state, stated.directive)
    if isinstance(found, Refusal):
        return found
    refusal = _not_to_confirm(found, stated.document)
    if refusal is not None:
        return refusal
    key = signer_for(state, command.envelope, found.issuer)
    if isinstance(key, Refusal):
        return key
    result = ConfirmedDirective(directive=found.name, issuer=found.issuer)
    if found.confirmed:
        return Acceptance([], result)
    body = entries.DirectiveConfirmed(
        directive=found.name,
        owner=key.owner,
        document=stated.document,
        digest=command.envelope.digest,
        envelope=command.envelope,
    )
    return Acceptance([Draft.of(found.name, body, entropy)], result)


def _not_to_confirm(found: Directive, document: str) -> Refusal | None:
    if not found.document.is_transcribed:
        said = f"the directive {found.name!r} was signed by its issuer"
        return Refusal("conflict", "not_transcribed", said, "there is nothing to confirm")
    if document != found.document.digest:
        said = f"the directive {found.name!r} has changed since this was signed"
        return Refusal("conflict", "directive_changed", said, "look at it again, and sign that")
    return None


def open_lift(state: State, command: OpenLift, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `OpenLift`. If a lift case about the same part is open, that case continues."""
    found = in_force(state, command.directive)
    if isinstance(found, Refusal):
        return found
    refusal = _out_of_scope(state, found, command)
    if refusal is not None:
        return refusal
    known = (state.cases[name] for name in found.lifts)
    is_open = (each for each in known if each.state != "determined" and each.question.scope == command.scope)
    case = next(is_open, None)
    name = case.id if case is not None else command.case or entropy.name("case")
    refusal = _named_otherwise(state, command, case, name)
    if refusal is not None:
        return refusal
    drafts = [] if case is not None else [_asking_to_lift(state, found, command, name, entropy)]
    if command.envelope is None:
        return Acceptance(drafts, LiftCase(directive=found.name, case=name))
    ahead = Ahead.of(state, drafts, now_ms)
    said = positions.signed_in(ahead, name, command.envelope, now_ms, entropy)
    if isinstance(said, Refusal):
        return said
    answer = LiftCase.from_json({**said.result.to_json(), "directive": found.name})
    return Acceptance([*drafts, *said.drafts], answer)


def _named_otherwise(state: State, command: OpenLift, case: Case | None, name: str) -> Refusal | None:
    """Whether a position was signed for another case than the one that is open, or can be opened."""
    if command.case in {"", name} and (case is not None or name not in state.cases):
        return None
    said = f"it was signed for the case {command.case[:80]!r}, which cannot be opened about this part"
    return Refusal(
        "conflict", "other_question", said, "'sluicegate directive lift NAME' asks again what is to be signed"
    )


def _asking_to_lift(state: State, found: Directive, command: OpenLift, name: str, entropy: Entropy) -> Draft:
    """The entry that opens a case about lifting a directive, or a part of it."""
    question = Question(
        log=state.log,
        case=name,
        kind="lift",
        directive=found.name,
        document=found.document.digest,
        scope=command.scope,
    )
    opened = command.opened
    body = cases.CaseOpened(
        case=name,
        kind="lift",
        question=question,
        rule=found.document.spec.lifted_by,
        directive=found.name,
        named={"lift": command.named.to_json()} if opened is not None else None,
        sealed_parts={LIFTED: opened} if opened is not None else {},
    )
    return Draft.of(name, body, entropy)


def _out_of_scope(state: State, found: Directive, command: OpenLift) -> Refusal | None:
    """Whether a part is empty, or not a part of the directive: what is signed must be what is lifted."""
    spec, scope = found.document.spec, command.scope or Scope()
    surfaces = scope.surfaces or ()
    for part in _stating_nothing(scope):
        said = f"the part {part[:80]!r} states nothing that can be lifted"
        return Refusal("conflict", "scope_invalid", said, "leave out what the lift does not state")
    named = (("models", scope.models, spec.models), ("annexes", scope.annexes, spec.annexes or {}))
    for part, items, given in named:
        for item in items or ():
            if item not in given:
                said = f"the directive {found.name!r} has no {item[:80]!r} among its {part}"
                return Refusal(
                    "unknown", "scope_unknown", said, "'sluicegate directive show NAME' tells what it says"
                )
    if spec.surfaces != "all" and not set(surfaces) <= set(spec.surfaces):
        said = f"the directive {found.name!r} is about {', '.join(spec.surfaces)} alone"
        return Refusal("unknown", "scope_unknown", said, "name one of those surfaces")
    reached = _reached(state, lambda _: True)
    return _scope_unproven(scope, command.opened) or _surface_unknown(reached, spec.models, surfaces)


def _stating_nothing(scope: Scope) -> Iterator[str]:
    yield from scope.unknown
    lists = {"models": scope.models, "surfaces": scope.surfaces, "annexes": scope.annexes}
    yield from (part for part, items in lists.items() if items == ())
    if scope.organizations is not None and scope.organizations.unknown:
        yield "organizations"


def _scope_unproven(scope: Scope, opened: Opening | None) -> Refusal | None:
    committed = scope.organizations
    if committed is None and opened is None:
        return None
    if committed is not None and opened is not None:
        fits = opened.commitment("sealed", LIFTED) == committed.commitment
        if fits and len(opened.value()) == committed.count:
            return None
    said = "the organizations given do not open the commitment of the part to lift"
    return Refusal("unverified", "scope_unproven", said, "send what 'sluicegate directive lift' made")


def add_definition(
    state: State, command: AddDefinition, now_ms: int, entropy: Entropy
) -> Acceptance | Refusal:
    """Decide `AddDefinition`. The meaning of a name never changes."""
    result = KnownDefinition(definition=command.name, statuses=command.statuses, source=command.source)
    known = persons.DEFINITIONS.get(command.name) or state.definitions.get(command.name)
    if known is not None:
        if (known.statuses, known.source) == (command.statuses, command.source):
            return Acceptance([], result)
        said = (
            f"the definition {command.name!r} is on the record, and means {', '.join(sorted(known.statuses))}"
        )
        return Refusal("conflict", "name_taken", said, "choose another name")
    body = entries.DefinitionAdded(definition=command.name, statuses=command.statuses, source=command.source)
    return Acceptance([Draft.of("definitions", body, entropy)], result)


def expired(state: State, name: str) -> list[Draft]:
    """The entries for a directive whose time is over."""
    ended = Draft(name, entries.DirectiveExpired(directive=name))
    return [*determination.superseded_with(state, name, "directive_expired"), ended]


def lift_transcribed_for(state: State, found: Directive) -> tuple[str, ...]:
    """The agencies whose word officers wrote down in the case that lifted all of a directive."""
    asked = (state.cases[name] for name in found.lifts)
    lifting = [case for case in asked if case.outcome in kinds.GRANTED]
    if found.ended is None or found.ended.how != directive_.LIFTED or not lifting:
        return ()
    return state.transcribed_for(max(lifting, key=lambda case: case.determined_seq or 0))


def in_force(state: State, name: str) -> Directive | Refusal:
    """A directive that has not ended. It may not have begun."""
    found = state.directives.get(name)
    if found is None or found.is_drill:
        return directive_unknown(name)
    return found if found.ended is None else over(found)


def over(found: Directive) -> Refusal:
    """The refusal for any act about a directive that has ended."""
    how = found.ended.how if found.ended is not None else ""
    said = f"the directive {found.name!r} has been {how}"
    return Refusal("conflict", f"directive_{how}", said, "'sluicegate directive list' shows those in force")


def directive_unknown(name: str) -> Refusal:
    """The refusal for a directive that does not exist."""
    said = f"no directive {name[:80]!r}"
    return Refusal("unknown", "directive_unknown", said, "'sluicegate directive list' shows every one")
