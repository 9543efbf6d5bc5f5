"""The law of licences: carried by the rule of their directive, for one holder, no looser than agreed."""

from __future__ import annotations

from sluicegate_record.entities.licence import EXPIRED, REVOKED
from sluicegate_record.entries import Body, licences, seen
from sluicegate_record.law.agreement import carried, rests_on_its_case
from sluicegate_record.law.rule import At, LawRule, follows_at_once, known, of_the_record, require
from sluicegate_record.terms import conditions, kinds


def is_a_new_licence(at: At, body: licences.LicenceGranted) -> None:
    """A licence has a name of its own, and its case has given no other one."""
    require(body.licence not in at.record.licences, "a licence that was granted before")
    require(not at.case(body.case).used, "a licence by signatures that have been used")


def is_licensed_by_its_rule(at: At, body: licences.LicenceGranted) -> None:
    """The positions of its case carry a licence, by the rule of the directive as it stands."""
    found = at.directive(body.directive)
    require(found.ended is None and not found.is_drill, "a licence under what is not in force")
    case = at.case(body.case, kinds.LICENCE)
    question = case.question
    require(question.log == at.log, "a licence that was asked for in another log")
    asked = (question.directive, question.document, question.grant, question.member or None)
    stated = (found.name, found.document.digest, body.grant, body.member)
    require(asked == stated, "a licence of something else than its case asks")
    carried(at, case, found.document.spec.licensing)
    follows_at_once(at, case)


def is_its_holders(at: At, body: licences.LicenceGranted) -> None:
    """A licence is for the holder of what its case names, a grant or account, and over that dossier."""
    found, question = at.holding(body.grant), at.case(body.case).question
    require(found.is_live, "a licence for a grant that has ended")
    require(seen(body.organization) == found.organization, "a licence for another organization")
    require(question.party == found.party, "a licence over another dossier")


def is_as_strict_as_agreed(at: At, body: licences.LicenceGranted) -> None:
    """A licence has every condition that a position asks for, and ends when they say."""
    said = sorted(at.case(body.case).positions.items())
    stated = ((who, each.conditions) for who, each in said if each.conditions)
    agreed, contradictions = conditions.strictest(stated)
    require(not contradictions, "conditions that contradict each other")
    require(conditions.is_tighter(body.conditions, agreed), "conditions looser than those agreed to")
    lasts_ms, until_ms = agreed.valid_for_ms, body.valid_until_ms
    is_within = lasts_ms is None or (until_ms is not None and until_ms <= at.at_ms + lasts_ms)
    require(is_within, "a licence that is valid for longer than agreed")


@of_the_record
def ends_once(at: At, body: licences.LicenceEnded) -> None:
    """A licence ends once: when its time is over, or because it is revoked."""
    found = known(at.record.licences, body.licence, "licence")
    is_its_own = found.standing is None and found.directive == body.directive
    require(is_its_own, "the end of no licence that is valid")
    is_past = found.valid_until_ms is not None and found.valid_until_ms <= at.at_ms
    is_its = body.how == REVOKED or (body.how == EXPIRED and is_past)
    require(is_its, "a licence that expired before its time, or ended otherwise")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    licences.LicenceGranted: (
        is_a_new_licence,
        is_licensed_by_its_rule,
        is_its_holders,
        is_as_strict_as_agreed,
        rests_on_its_case,
    ),
    licences.LicenceEnded: (ends_once,),
}
