"""What the record says about the requirements of a stage, by the keys and the support that count here."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate_record.entities.case import Case
from sluicegate_record.entities.clearing import Clearing, key_of
from sluicegate_record.entities.closing import SOUND, Closing, Lack
from sluicegate_record.entities.evidence import Evidence, held_ms
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.happening import CLOCK
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.entries import Body, Entry
from sluicegate_record.entries.clearances import ClearanceRecorded
from sluicegate_record.entries.designations import DesignationEnded, DesignationRecorded
from sluicegate_record.entries.evidence import EvidenceRecorded, EvidenceWithdrawn
from sluicegate_record.entries.findings import FindingAnswered, FindingOverdue, FindingReported
from sluicegate_record.entries.releases import MetRequirement, ReleaseApplied, StageClosed, StageOpened
from sluicegate_record.form import replace
from sluicegate_record.law.agreement import carried
from sluicegate_record.law.rule import At, Broken, Support
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds
from sluicegate_record.terms.evaluations import Evaluation
from sluicegate_record.terms.plan import Stage
from sluicegate_record.terms.requirements import (
    CLOSE,
    HALT,
    SEVERITY,
    TELL,
    AgreedBy,
    Evidenced,
    Facts,
    Requirement,
)
from sluicegate_record.terms.rule import Rule

CHANGING = (
    *(ReleaseApplied, StageOpened, StageClosed, ClearanceRecorded, DesignationRecorded, DesignationEnded),
    *(EvidenceRecorded, EvidenceWithdrawn, FindingReported, FindingAnswered, FindingOverdue),
)
"""The entries that can change what an open stage lacks."""


class StageFacts(Facts):
    """The facts about a stage by the terms in force. `agreeing` is a case that is about to be decided."""

    def __init__(self, at: At, release: Release, stage: str, agreeing: Case | None = None) -> None:
        self._at, self._release, self._stage, self._agreeing = at, release, stage, agreeing
        self._terms = release.terms.get(stage, "")

    def agreed_ms(self) -> int | None:
        """Since its terms case was decided; terms that are within agreed ones have none of their own."""
        if self._terms not in self._release.agreed:
            return None
        record = self._at.record
        own = self._release.own_terms[self._stage]
        asked = (record.cases[name].determined_ms for name in record.asked.get(own, ()))
        return max((at_ms for at_ms in asked if at_ms is not None), default=0)

    def opened_ms(self, stage: str) -> int | None:
        """Since when a stage of the release is open, by the terms in force."""
        return self._at.record.opened.get(self._release.terms.get(stage, ""))

    def agreement_ms(self, rule: Rule) -> int | None:
        """Since when agencies have agreed to its opening.

        A stage that is open keeps their agreement: a plan that makes its terms tighter asks no one again.
        """
        if self._agreeing is not None:
            return self._at.at_ms
        case = self.agreement(rule)
        return self._at.record.opened.get(self._terms) if case is None else case.determined_ms

    @property
    def closing(self) -> Closing | None:
        """The closing by an officer that no opening has undone: of the stage, or of the whole release."""
        return self._at.record.shut_by(self._release.name, self._stage)

    @property
    def recall(self) -> Closing | None:
        """The recall of the whole release that no opening has undone."""
        found = self._at.record.recalls.get(self._release.name)
        return None if found is None or found.digest is None else found

    def lack(self, stage: Stage) -> Lack:
        """What the stage lacks at this moment, if it is open by the terms in force."""
        open_ms, asked = self._at.record.opened.get(self._terms), stage.opens_when
        if open_ms is None:
            return SOUND
        lost = dict[str, str]()
        if asked is not None and not _holds(asked.from_ms(self), self._at.at_ms):
            lost = {each.text: each.when_lost for each in self.unmet(stage)}
        lost |= self.responses()
        then = max(lost.values(), key=SEVERITY.__getitem__, default="")
        return Lack(since_ms=self._at.at_ms, lost=tuple(lost), then=then) if lost else SOUND

    def loss(self, stage: Stage | None) -> Lack:
        """What a stage lacks, also where it is open by earlier terms alone; None: no plan in force has it.

        By those no one is admitted. So what counts there is a loss that closes the stage, as those terms say.
        """
        if stage is not None and self._at.record.opened.get(self._terms) is not None:
            return self.lack(stage)
        lost: dict[str, None] = {}
        for digest, terms in self._at.record.resting(self._release.name, self._stage).items():
            lack = EarlierFacts(self._at, self._release, digest, terms).lack(terms.body)
            if lack.then == CLOSE:
                lost |= dict.fromkeys(lack.lost)
        return Lack(since_ms=self._at.at_ms, lost=tuple(lost), then=CLOSE) if lost else SOUND

    def cleared(self, kind: str, about: str, party: str) -> Clearing | None:
        """What a party last said of a standard, or of this stage."""
        name = key_of(self._release.name, kind, about or self._stage, party)
        return self._at.record.clearances.get(name)

    def evidence_ms(self, evaluation: str) -> int | None:
        """Since when the results of an evaluation meet it, for every model of the release."""
        plan, asked = self._release.plan, self.evaluation(evaluation)
        if asked is None:
            return None
        counted = self.counted(evaluation)
        moments = [
            held_ms(asked, [each for each in counted if each.tested == digests])
            for digests in plan.model_digests
        ]
        known = [at_ms for at_ms in moments if at_ms is not None]
        return max(known) if len(known) == len(moments) else None

    def evaluation(self, name: str) -> Evaluation | None:
        """An evaluation of the plan in force."""
        return self._release.plan.spec.evaluations.get(name)

    def counted(self, evaluation: str) -> list[Evidence]:
        """The results of an evaluation that count, oldest first."""
        plan = self._release.plan
        found = self._at.record.results_of(self._release.name, evaluation)
        return [each for each in found if not any(each.lacks(plan))]

    def clear_ms(self, least: str) -> int | None:
        """Since when no finding of a level, or of a higher one, is open; 0 if there never was one."""
        found = self.found_from(least)
        if any(each.is_open for each in found):
            return None
        return max((each.closed_ms for each in found if each.closed_ms is not None), default=0)

    def found_from(self, least: str) -> list[Finding]:
        """The findings of a level of the plan, or of a higher one, oldest first."""
        rank = self._release.plan.spec.scale.rank
        return [each for each in self.weaknesses if rank(each.level) >= rank(least)]

    @property
    def weaknesses(self) -> list[Finding]:
        """The findings about models of the release, oldest first."""
        found = self._at.record.findings_of(self._release.name)
        return [each for each in found if each.is_weakness]

    def responses(self) -> dict[str, str]:
        """What follows from each finding that is open, as of a lost requirement, by its name and level.

        What suspends the models of a finding closes the stage only if no other model is left. Otherwise no
        one else is admitted, and gateways refuse requests for those models.
        """
        plan = self._release.plan
        follows = [(each, each.response(plan.spec.scale)) for each in self.weaknesses]
        closing = [each.concerns(plan.weights) for each, then in follows if then == CLOSE]
        is_whole = frozenset[str]().union(*closing) >= plan.weights.keys()
        return {
            f"{each.id} ({each.level})": HALT if then == CLOSE and not is_whole else then
            for each, then in follows
            if then is not None
        }

    @property
    def is_hindered(self) -> bool:
        """Whether a finding is open for which the plan halts or suspends: then no stage opens."""
        return any(SEVERITY[then] > SEVERITY[TELL] for then in self.responses().values())

    def agreement(self, rule: Rule) -> Case | None:
        """The newest case in which agencies agreed to its opening, since an officer closed it."""
        record = self._at.record
        closing = self.closing
        for name in reversed(record.openings.get(self._terms, ())):
            is_before = closing is not None and record.cases[name].seq < closing.seq
            if not is_before and _is_agreed(self._at, record.cases[name], rule):
                return record.cases[name]
        return None

    @property
    def before(self) -> str:
        """The stage before it in the plan; empty if it is the first."""
        names = list(self._release.plan.stages)
        place = names.index(self._stage)
        return names[place - 1] if place else ""

    def opens_ms(self, stage: Stage) -> int | None:
        """The moment from which all that the stage requires holds, if nothing more happens.

        None: something has to be done first, or the stage does not open by itself. One that an officer
        closed opens only by an officer's signature.
        """
        is_over = self._release.name in self._at.record.closures and self._terms not in self._at.record.opened
        if is_over or (self.closing is not None and stage.agreed_by is None):
            return None
        return self.holds_ms(stage)

    def holds_ms(self, stage: Stage) -> int | None:
        """The moment from which all that the stage requires holds; None if something has to be done first."""
        agreed_ms = None if self.is_hindered else self.agreed_ms()
        found_ms = None if stage.opens_when is None else stage.opens_when.from_ms(self)
        return None if agreed_ms is None or found_ms is None else max(agreed_ms, found_ms)

    def holds(self, stage: Stage) -> bool:
        """Whether all that the stage requires holds at this moment."""
        return _holds(self.holds_ms(stage), self._at.at_ms)

    def unmet(self, stage: Stage) -> list[Requirement]:
        """The requirements of the stage that do not hold at this moment."""
        asked = () if stage.opens_when is None else stage.opens_when.leaves
        return [each for each in asked if not _holds(each.from_ms(self), self._at.at_ms)]

    def met(self, stage: Stage) -> Iterator[MetRequirement]:
        """The requirements of the stage that hold, as an entry states them."""
        for each in stage.opens_when.leaves if stage.opens_when is not None else ():
            since_ms = each.from_ms(self)
            if since_ms is not None and since_ms <= self._at.at_ms:
                case = None
                if isinstance(each, AgreedBy):
                    case = self._agreeing or self.agreement(each.agreed_by)
                name = None if case is None else case.id
                rests = each.evidence if isinstance(each, Evidenced) else ()
                found = tuple(result.id for about in rests for result in self.counted(about))
                yield MetRequirement(requirement=each.KIND, since_ms=since_ms, case=name, evidence=found)


class EarlierFacts(StageFacts):
    """The facts about a stage by terms under which it is still open, of what runs and stands now.

    Grants go on under them until agencies have agreed to newer terms and the stage is open by those. A plan
    to which no one has agreed yet takes nothing from what was agreed, and gives nothing either. So what these
    terms require still has to hold: their evaluations, of the weights and safeguards of the plan in force.
    """

    def __init__(self, at: At, release: Release, digest: str, terms: Terms) -> None:
        plan = terms.plan.running(release.plan)
        then = replace(release, given=plan, terms={terms.stage: digest}, applied=None, own={})
        super().__init__(at, then, terms.stage)

    def agreed_ms(self) -> int | None:
        """They were agreed to when the stage opened by them, and no one takes that back."""
        return self._at.record.opened.get(self._terms)

    def opened_ms(self, stage: str) -> int | None:
        """Since when another stage is open, by whichever terms."""
        record = self._at.record
        moments = (record.opened[terms] for terms in record.open_terms(self._release.name, stage))
        return min((at_ms for at_ms in moments if at_ms is not None), default=None)


def _holds(from_ms: int | None, at_ms: int) -> bool:
    return from_ms is not None and from_ms <= at_ms


def facts_of(
    record: Record, release: str, stage: str, at_ms: int, agreeing: Case | None = None
) -> StageFacts:
    """The facts about a stage as the log itself has them, at a moment. Raises: KeyError: no such release."""
    return StageFacts(at_now(record, at_ms), record.releases[release], stage, agreeing)


def at_now(record: Record, at_ms: int) -> At:
    """A moment of a log, as the log itself has it."""
    moment = Entry(0, at_ms, "", CLOCK, "", Body(), {}, {}, b"")
    return At(record, moment, record.pinned(), record.log, Support.RECORD)


def _is_agreed(at: At, case: Case, rule: Rule) -> bool:
    if case.outcome not in kinds.GRANTED or case.determined_ms is None:
        return False
    try:
        carried(at, case, rule)
    except Broken:
        return False
    return True
