"""Whether the positions of a case carry what was asked, by the rule of the case and the terms in force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sluicegate_record.entities.case import Case
from sluicegate_record.entries.grants import GrantEnded, GrantReinstated
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.law.rule import At, Broken, of_the_record, require
from sluicegate_record.terms import conditions, kinds, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.rule import Rule


def carried(at: At, case: Case, rule: Rule, countersigned: Iterable[str] = ()) -> None:
    """What was asked in a case is carried by its rule. Raises: Broken."""
    require(not case.is_over, "a case that had ended without a decision")
    rule = case.joined(rule)
    require(quorum.is_sound(rule), "a rule that is none")
    if case.unbound or (at.believes and case.proceeded):
        return
    lacking = [party for party in countersigned if party in case.positions]
    require(
        all(len(case.positions[party].owners) > 1 for party in lacking),
        "a position that lacks its countersignature",
    )
    left = quorum.without(rule, case.recused)
    consenting, against = sides(at, case)
    is_unopposed = at.believes and case.unopposed
    require(left is not None and (is_unopposed or quorum.satisfied(left, consenting)),
            "the signed positions do not satisfy the rule")  # fmt: skip
    assert left is not None
    require(quorum.reachable(left, against), "signed objections stand against it")
    require(not (at.believes and case.is_notified and against), "an objection stands where one is enough")


def sides(at: At, case: Case) -> tuple[frozenset[str], frozenset[str]]:
    """The parties whose yes counts here, and the parties whose no counts."""
    if at.believes:
        return case.consenting, case.against
    return case.consents, case.objections


def as_heard(at: At, case: Case) -> Case:
    """A case after an appeal against it was allowed: the positions of the appeal replace its own."""
    appeal = at.record.cases.get(case.appeal or "")
    if case.kind != kinds.ADMISSION or appeal is None or appeal.outcome not in kinds.GRANTED:
        return case
    return appeal


@of_the_record
def rests_on_its_case(at: At, body: Any) -> None:
    """What a case has decided says which positions and silence it rests on; other entries say none."""
    assert isinstance(body, SupportedBody)
    name = _decided_in(body)
    if name is None:
        says_some = body.silent or body.unopposed or body.proceeded
        require(body.positions is None and not says_some, "positions under what no case has decided")
        return
    if body.positions is None:
        raise Broken("a consequence that does not say what it rests on")
    case = at.case(name)
    first, heard = case, as_heard(at, case)
    if case.kind == kinds.APPEAL and not isinstance(body, GrantReinstated):
        first = at.case(case.question.against)
    counted, said = sorted(heard.consents), heard.positions
    rests = tuple((party, said[party].digest, said[party].seq) for party in counted)
    stated = tuple((each.agency, each.digest, each.seq) for each in body.positions)
    require(stated == rests, "other positions than those of its case")
    silent = tuple(sorted(heard.consenting.difference(counted)))
    others = (silent, first.unopposed, first.proceeded)
    require(others == (body.silent, body.unopposed, body.proceeded), "another silence than that of its case")


def _decided_in(body: Any) -> str | None:
    """The case that has decided a consequence; None if no case has."""
    is_by_itself = isinstance(body, GrantEnded) and body.how != "removed"
    return None if is_by_itself else body.case


def in_force(at: At, release_name: str, stage: str, asked: str) -> str:
    """The terms in force of a stage, if they are agreed to, and a case about an organization under the terms
    `asked` answers them. Raises: Broken.
    """
    terms = answering(at, release_name, stage, asked)
    before, after = (at.terms(digest).body for digest in (asked, terms))
    require(
        before.admittance == after.admittance, "terms that have changed in who may apply or how it is decided"
    )
    return terms


def answering(at: At, release_name: str, stage: str, asked: str) -> str:
    """The terms in force of a stage, if they are agreed to, by those who agreed to the terms `asked`: tighter
    ones, or what a level makes of them. Raises: Broken.
    """
    release = at.release(release_name)
    terms = release.terms.get(stage)
    if terms is None:
        raise Broken(f"no stage {stage!r} of {release_name!r}")
    require(terms in release.agreed, "terms that the agencies they name have not all signed")
    require(release.answers(stage, asked), "terms that are not in force")
    return terms


def given(at: At, case: Case, against: Case, terms: str | None, agreed: Conditions | None) -> None:
    """Check that the rule of the terms carries a grant, or an extension of one,
    with conditions no looser than agreed.

    `against` is what an appeal is about, otherwise the case itself. `terms` None: a grant is again what it
    was, under its own terms and conditions. Raises: Broken.
    """
    if case is not against:
        heard = (said.owners for said in case.positions.values())
        require(not any(against.signed.intersection(owners) for owners in heard),
                "an appeal heard by somebody who signed in the case appealed")  # fmt: skip
    require(not case.used, "signatures that have been used")
    question = case.question
    asked = question.terms
    current = in_force(at, question.release, question.stage, asked)
    require(terms in {None, current}, "given under other terms than those in force")
    stated = at.terms(asked)
    require(question.models == stated.plan.model_digests, "a case about other models than those of its terms")
    rule = kinds.rule_of(case.kind, stated.plan, stated.body, against.kind)
    carried(at, case, rule, stated.body.admission.countersign)
    if terms is not None:
        said, required = conditions_under(at, terms, agreed), conditions_of(at, case, current)
        require(conditions.is_tighter(said, required), "conditions looser than those agreed to")


def conditions_under(at: At, terms: str, said: Conditions | None) -> Conditions:
    """The conditions of a grant. One that says none has those of its terms, and no others. Raises: Broken."""
    return at.terms(terms).body.conditions if said is None else said


def conditions_of(at: At, case: Case, terms: str) -> Conditions:
    """The conditions that the terms and the positions of a case ask for; the strictest holds.

    If officers proceeded although positions contradict the terms, the terms hold. Raises: Broken.
    """
    stated: list[tuple[str, Conditions]] = [("terms", at.terms(terms).body.conditions)]
    stated += [(party, said.conditions) for party, said in sorted(case.positions.items()) if said.conditions]
    combined, contradictions = conditions.strictest(stated)
    if contradictions and at.believes and case.proceeded:
        terms_say = {name: by["terms"] for name, by in contradictions.items() if "terms" in by}
        return combined.declaring(terms_say)
    require(not contradictions, "conditions that contradict each other")
    return combined
