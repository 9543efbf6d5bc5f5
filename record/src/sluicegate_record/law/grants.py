"""The law of grants: given, amended, reinstated, resumed, ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import ENDED, SUSPENDED, Grant
from sluicegate_record.entities.happening import CLOCK
from sluicegate_record.entries import Body, grants, seen
from sluicegate_record.law import lists, programmes
from sluicegate_record.law.agreement import carried, conditions_of, given, rests_on_its_case
from sluicegate_record.law.requirements import StageFacts
from sluicegate_record.law.rule import At, Broken, LawRule, follows_at_once, of_the_record, require, same
from sluicegate_record.terms import conditions, kinds
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.effective import DIFFERENCES
from sluicegate_record.terms.requirements import TELL


def is_given_once(at: At, body: grants.GrantApproved) -> None:
    """A grant has a name of its own."""
    require(body.grant not in at.record.grants, "a grant that was given before")


def is_of_its_case(at: At, body: grants.GrantApproved) -> None:
    """A grant is of the release, stage, surface and party that its case asks about, or its list names."""
    if lists.is_by_list(at, body):
        lists.is_named(at, body)
        return
    case = at.case(body.case, kinds.ADMISSION, kinds.APPEAL)
    same(body, case.question, "release stage surface", "a grant of something else than its case asks")
    appeals = [at.case(name) for name in _appeals(case)]
    asked = [case, *(appeal for appeal in appeals if appeal.outcome in kinds.GRANTED)]
    is_theirs = body.party in {None, *(each.question.party for each in asked)}
    require(is_theirs, "a grant to another party than its case is about")


def is_the_applicants(at: At, body: grants.GrantApproved) -> None:
    """A grant is to the organization that its case is about, or the only one that had its name on a list."""
    if lists.is_by_list(at, body):
        lists.is_once(at, body)
        return
    case = at.case(body.case)
    require(
        seen(body.organization) == case.organization, "a grant to another organization than its case is about"
    )
    for carrier in carriers(at, body):
        against = at.record.cases.get(carrier.question.against, carrier)
        require(carrier.organization == against.organization, "an appeal of another organization")


def is_carried(at: At, body: grants.GrantApproved) -> None:
    """The positions of its case carry a grant, or of an appeal that was allowed while no seat was free.

    Those on the terms of a stage carry a grant by its list.
    """
    case = at.case(body.case)
    if lists.is_by_list(at, body):
        lists.is_carried_by_all(at, body)
        _lasts(at, case, body.terms, body.valid_until_ms)
        return
    if next(carriers(at, body), None) is None:
        _carries(at, body, ([case.id, *_appeals(case)])[-1])


def is_not_halted(at: At, body: grants.GrantApproved) -> None:
    """No one is admitted while the stage lacks something whose loss halts admissions."""
    release = at.release(body.release)
    current = at.record.terms.get(release.terms.get(body.stage, ""))
    if current is not None and current.body.opens_when is not None:
        lack = StageFacts(at, release, body.stage).lack(current.body)
        require(lack.then in {"", TELL}, "a grant while the stage lacks what it requires")


def is_given_at_once(at: At, body: grants.GrantApproved) -> None:
    """A grant follows from the decision of its case, and is valid from that moment on.

    One by a list follows when its organization has an account, and its stage is open.
    """
    if lists.is_by_list(at, body):
        return
    follows_at_once(at, at.case(body.case))
    require(body.valid_from_ms == at.at_ms, "a grant that is not valid from its decision on")


def carriers(at: At, body: grants.GrantApproved) -> Iterator[Case]:
    """The cases whose positions carry a grant."""
    case = at.case(body.case)
    if lists.is_by_list(at, body):
        yield case
        return
    for name in (case.id, *_appeals(case)):
        with suppress(Broken):
            yield _carries(at, body, name)


def _appeals(case: Case) -> tuple[str, ...]:
    return case.appeals if case.kind == kinds.ADMISSION else ()


def _carries(at: At, body: grants.GrantApproved, name: str) -> Case:
    case = at.case(name, kinds.ADMISSION, kinds.APPEAL)
    question = case.question
    asked = (question.release, question.stage, question.surface)
    require(asked == (body.release, body.stage, body.surface), "a grant of something else than its case asks")
    against = case
    if case.kind == kinds.APPEAL:
        against = at.case(question.against, kinds.ADMISSION, kinds.REMOVAL)
        parties = at.record.parties_of_appeal(against)
        require(question.party in parties, "an appeal of another organization")
    given(at, case, against, body.terms, body.conditions)
    programmes.are_as_agreed(at, body.programmes, case, body.terms)
    _lasts(at, case, body.terms, body.valid_until_ms)
    if against.kind == kinds.REMOVAL:
        _is_of_its_holder(at, at.grant(against.question.grant), against)
        first = conditions_of(at, at.case(body.case, kinds.ADMISSION), body.terms)
        stated = body.conditions or Conditions()
        require(conditions.is_tighter(stated, first), "conditions looser than those first agreed to")
    return case


def _lasts(at: At, case: Case, terms: str, until_ms: int | None) -> None:
    lasts_ms = conditions_of(at, case, terms).valid_for_ms
    if lasts_ms is not None:
        is_within = until_ms is not None and until_ms <= at.at_ms + lasts_ms
        require(is_within, "a grant that is valid for longer than agreed")


def is_amended_as_agreed(at: At, body: grants.GrantAmended) -> None:
    """An amendment is carried by its case, about this grant; it renews only where it was asked to."""
    case = at.case(body.case, kinds.AMENDMENT, kinds.APPEAL)
    asked = case
    if case.kind == kinds.APPEAL:
        asked = at.case(case.question.against, kinds.AMENDMENT)
    grant = _of_grant(
        at, body.grant, asked, "an amendment of another grant, or of one that is not vouched for"
    )
    _is_of_its_holder(at, grant, asked)
    require(body.party == asked.question.party, "an amendment for another party than its case is about")
    is_late = grant.valid_until_ms is not None and grant.valid_until_ms <= at.at_ms
    require(grant.is_live and (not is_late or at.entry.by == CLOCK), "an amendment of a grant that has ended")
    given(at, case, asked, body.terms, body.conditions)
    programmes.are_as_agreed(at, body.programmes, case, body.terms)
    follows_at_once(at, case)
    if asked.question.renew:
        _lasts(at, case, body.terms, body.valid_until_ms)
    else:
        require(
            body.valid_until_ms == grant.valid_until_ms,
            "an amendment that renews without having been asked to",
        )


def is_reinstated_on_appeal(at: At, body: grants.GrantReinstated) -> None:
    """A grant is reinstated by an appeal against its removal."""
    case = at.case(body.case, kinds.APPEAL)
    removal = at.case(case.question.against, kinds.REMOVAL)
    grant = _of_grant(
        at, body.grant, removal, "the reinstatement of another grant, or of one that is not vouched for"
    )
    _is_of_its_holder(at, grant, removal)
    require(grant.standing == "removed", "the reinstatement of a grant that was not removed")
    given(at, case, removal, None, None)
    follows_at_once(at, case)


def _of_grant(at: At, name: str, case: Case, why: str) -> Grant:
    grant = at.record.grants.get(name)
    if grant is None or case.question.grant != grant.id:
        raise Broken(why)
    same(case.question, grant, "release stage surface", why)
    return grant


def _is_of_its_holder(at: At, grant: Grant, case: Case) -> None:
    """A case about a grant is about its holder: what was signed names the grant as the log does.

    The case is about a dossier that the grant had; or about a new one, which no other organization ever had.
    That the new one is the holder's is the word of the log. Raises: Broken.
    """
    if case.dossier != case.id or at.believes:  # who believes the log has compared them when the case opened
        return
    why = "a case about the grant of another organization"
    first = at.case(at.record.dossiers[case.question.party])
    holders = {grant.organization, case.organization, first.organization}
    require(case.kind == kinds.AMENDMENT and len(holders) == 1, why)


def is_suspended(at: At, body: grants.GrantResumed) -> None:
    """Only a grant that has not ended goes on, or a programme of it."""
    grant = at.record.grants.get(body.grant)
    is_live = grant is not None and grant.is_live
    require(is_live, "a grant goes on that has ended, or that is not vouched for")
    if at.believes and grant is not None and not body.programmes:
        require(grant.standing == SUSPENDED, "a grant goes on that was not suspended")
    elif at.believes and grant is not None:
        programmes.are_held(grant, body.programmes, halted=True)


def is_over(at: At, body: grants.GrantEnded) -> None:
    """A grant expires when its time is over, and is removed by a case that carries it."""
    if not at.believes:
        return
    grant = at.grant(body.grant)
    require(grant.is_live and body.how in ENDED, "the end of a grant that has ended, or another end")
    if body.how != "removed":
        require(body.case == grant.case, "a grant of another case")
    if body.how == "expired":
        is_past = grant.valid_until_ms is not None and grant.valid_until_ms <= at.at_ms
        require(is_past, "a grant that expired before its time")
    elif body.how == "removed":
        case = at.case(body.case, kinds.REMOVAL)
        require(case.question.grant == grant.id, "the removal of another grant")
        require(case.outcome in kinds.GRANTED, "a removal that was not decided")
        carried(at, case, case.rule, case.procedure.countersign)
        follows_at_once(at, case)


@of_the_record
def is_of_a_live_grant(at: At, body: grants.AboutGrant) -> None:
    """An entry is about a grant that has not ended, and names the case that gave it."""
    grant = at.grant(body.grant)
    require(body.case == grant.case, "a grant of another case")
    require(grant.is_live, "about a grant that has ended")


@of_the_record
def is_proven_there(at: At, body: grants.GrantProven) -> None:
    """A grant is proven on its own surface."""
    require(body.surface == at.grant(body.grant).surface, "a grant of another surface")


@of_the_record
def differs_there(at: At, body: grants.GrantDiffered) -> None:
    """An answer differs from a grant on its own surface, in a known way."""
    require(body.surface == at.grant(body.grant).surface, "a difference on another surface")
    require(body.kind in DIFFERENCES, "a difference of no known kind")


@of_the_record
def has_a_reason(at: At, body: grants.GrantSuspended) -> None:
    """A grant, or a programme of it, is suspended for a reason that a plan knows, and once."""
    require(body.reason_code in kinds.REASON_CODES, "a reason that is none")
    grant = at.grant(body.grant)
    if body.programmes:
        programmes.are_held(grant, body.programmes, halted=False)
    else:
        require(grant.standing != SUSPENDED, "a grant that is suspended already")


def is_not_suspended_by_a_report(at: At, body: grants.GrantResumed) -> None:
    """A grant goes on only when every report of a misuse is closed that suspends it by the plan."""
    found = at.record.suspending(body.grant)
    require(found is None, "a grant that a report of a misuse suspends")


def rests_on_what_counts(at: At, body: grants.GrantResumed) -> None:
    """A grant that a compromised key carried goes on only after another case has carried it."""
    require(not at.grant(body.grant).doubted, "a grant that rests on what a compromised key signed")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    grants.GrantApproved: (
        is_given_once,
        is_of_its_case,
        is_the_applicants,
        is_carried,
        is_given_at_once,
        is_not_halted,
        rests_on_its_case,
    ),
    grants.GrantAmended: (is_amended_as_agreed, rests_on_its_case),
    grants.GrantReinstated: (is_reinstated_on_appeal, rests_on_its_case),
    grants.GrantProven: (is_of_a_live_grant, is_proven_there),
    grants.GrantDiffered: (is_of_a_live_grant, differs_there),
    grants.GrantSuspended: (is_of_a_live_grant, has_a_reason),
    grants.GrantResumed: (
        is_suspended,
        is_of_a_live_grant,
        is_not_suspended_by_a_report,
        rests_on_what_counts,
    ),
    grants.GrantFallbackChosen: (is_of_a_live_grant,),
    grants.GrantEnded: (is_over, rests_on_its_case),
}
