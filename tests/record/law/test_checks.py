"""Each check of the law by itself: a lawful entry of the stored log, with one thing about it made untrue.

What is untrue is in the entry, in what was signed, or in the record before it. The reason of the breach names
the check, so that none of them can be taken out unnoticed because another one stands behind it.

`tests/liar` has each field of each entry say something else, and each entry come again, and lists which check
finds that. A row is for what no such lie shows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from sluicegate_record import law
from sluicegate_record.directives.document import Document
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Ending
from sluicegate_record.entities.proceedings import Timer
from sluicegate_record.entities.release import Terms
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support, Unchecked
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Proceeding, Receipt, Screening, Transcription
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import UNTIMED, Plan
from sluicegate_record.terms.rule import Rule
from tests.forging import told
from tests.record.law.test_law import before, of_type, stored
from tests.vectors.themes.plans import GENERAL, MAIN, PARTNERS, QUIET, SEATS
from tests.worlds import CODEX, LOG, OFFICER, OTHER_OFFICER, signed

Tell = Callable[[Record, Entry], Entry]
Find = Callable[[], Entry]


class Untrue(NamedTuple):
    """An entry, what is made untrue about it, and the rule and the reason of the breach."""

    find: Find
    tell: Tell
    rule: str
    why: str
    support: Support = Support.RECORD


def finds(untrue: Untrue, honest: Support = Support.RECORD) -> None:
    """Check that the entry is lawful with the `honest` support, and that what is untrue about it is found by
    its rule, for its reason.
    """
    entry = untrue.find()
    record = before(entry.seq)
    assert law.breach(record, entry, record.pinned(), LOG, honest) is None
    lied = untrue.tell(record, entry)
    found = law.breach(record, lied, record.pinned(), LOG, untrue.support)
    assert isinstance(found, Breach)
    assert (found.rule, untrue.why) == (untrue.rule, found.why[: len(untrue.why)])


# Which entry


def first(type_: str, **public: Any) -> Find:
    """The first entry of a type that says this."""
    return lambda: of_type(type_, **public)


def within(type_: str, is_so: Callable[[Case], bool], **public: Any) -> Find:
    """The first entry of a type whose case is so when it comes."""

    def find() -> Entry:
        record = Record()
        for entry in stored():
            if entry.type == type_ and public.items() <= entry.public.items():
                case = record.cases.get(entry.public["case"])
                if case is not None and is_so(case):
                    return entry
            record.apply(entry)
        raise AssertionError(f"no such {type_}")

    return find


def ends(stage: str, outcome: str) -> Find:
    """The first outcome of this kind in a stage of the release about time."""
    return within(
        "case.determined", lambda case: case.question.stage == stage and case.kind != "terms", outcome=outcome
    )


def replacing() -> Entry:
    """A directive that takes the place of another, as its issuer alone may."""
    return next(e for e in stored() if e.type == "directive.issued" and e.public.get("replaces"))


def tightening() -> Entry:
    """A plan whose terms are tighter."""
    return next(e for e in stored() if e.type == "release.applied" and e.public.get("tightened"))


def is_of(kind: str) -> Callable[[Case], bool]:
    """Whether a case is of a kind."""
    return lambda case: case.kind == kind


AGREES = first("case.determined", outcome="approved")
OPENS = first("stage.opened", release=QUIET)
DENIED = within("case.determined", is_of("admission"), outcome="denied")
APPROVED = within("case.determined", is_of("admission"), outcome="approved")
GIVES = first("grant.approved", release=MAIN, stage=PARTNERS)
ON_APPEAL = within("grant.approved", is_of("appeal"))
AFTER_APPEAL = within("grant.approved", lambda case: len(case.appeals) == 1, release=SEATS)
AFTER_REMOVAL = within("grant.approved", lambda case: len(case.appeals) > 1, release=SEATS)
RENEWS = within("grant.amended", lambda case: case.question.renew is True)
CHANGES = within("grant.amended", lambda case: case.question.renew is False)
AMENDS_ON_APPEAL = within("grant.amended", is_of("appeal"))
LETTER = within("position.recorded", lambda case: case.question.directive == "letter")
SAYS = within("position.recorded", is_of("admission"), position="approve")
SCHEDULED = first("position.recorded", reason="all of them")
OBJECTS = within("position.recorded", is_of("admission"), position="object")
UNOPPOSED = first("case.silent", agency=None)
SILENT = first("case.silent", meaning="no-objection")
LADDER = within("case.silent", lambda case: case.question.stage == "ladder")
LAPSED = within("case.determined", lambda case: case.state != "offered", outcome="lapsed")
NOT_TAKEN = within("case.determined", lambda case: case.state == "offered", outcome="lapsed")
REMOVED = first("grant.ended", how="removed")


NO_OFFICER = "an opening that no officer signed"
PASSED = {"date": "2026-01-01"}
"""A requirement that time has met."""


# What is made untrue


def says(**public: Any) -> Tell:
    """The entry says something else."""
    return lambda record, entry: told(entry, public)


def case_is(**changes: Any) -> Tell:
    """Its case stands otherwise."""
    return at_case(lambda case: changes)


def at_case(change: Callable[[Case], dict[str, Any]], of: str = "") -> Tell:
    """Its case stands otherwise, or what that is `of`: `against`, or the newest of its `appeals`."""

    def tell(record: Record, entry: Entry) -> Entry:
        case = record.cases[entry.public["case"]]
        if of:
            name = case.question.against if of == "against" else case.appeals[-1]
            case = record.cases[name]
        record.put(replace(case, **change(case)))
        return entry

    return tell


def asks(of: str = "", /, **changes: Any) -> Tell:
    """Its case asks something else."""
    return at_case(lambda case: {"question": replace(case.question, **changes)}, of)


def heard(party: str, **changes: Any) -> Tell:
    """A position in its case is another."""
    return at_case(
        lambda case: {"positions": {**case.positions, party: replace(case.positions[party], **changes)}}
    )


def timer(**changes: Any) -> Tell:
    """The clock of its agency stands otherwise."""

    def tell(record: Record, entry: Entry) -> Entry:
        case, agency = record.cases[entry.public["case"]], entry.public["agency"]
        changed: Timer = replace(case.clocks[agency], **changes)
        record.put(replace(case, clocks={**case.clocks, agency: changed}))
        return entry

    return tell


def signs(kind: Any, *signers: str, **changes: Any) -> Tell:
    """Something else was signed, or by others."""

    def tell(record: Record, entry: Entry) -> Entry:
        body: Any = entry.body
        payload = replace(kind.read(body.envelope), **changes).payload()
        return told(entry, {"envelope": signed(payload, *signers).to_json()})

    return tell


def documented(change: Callable[[dict[str, Any]], Any]) -> Tell:
    """A directive whose metadata are others, signed anew by its issuer."""

    def tell(record: Record, entry: Entry) -> Entry:
        document = {**entry.public["document"], "metadata": {**entry.public["document"]["metadata"]}}
        change(document["metadata"])
        envelope = signed(DirectiveStatement(document=document).payload(), "oncd")
        return told(entry, {"document": document, "envelope": envelope.to_json()})

    return tell


def release_is(**changes: Any) -> Tell:
    """Its release stands otherwise."""

    def tell(record: Record, entry: Entry) -> Entry:
        name = entry.public.get("release") or record.cases[entry.public["case"]].question.release
        record.releases[name] = replace(record.releases[name], **changes)
        return entry

    return tell


def requires(*asked: Any) -> Tell:
    """The stage that it opens requires something else."""

    def tell(record: Record, entry: Entry) -> Entry:
        found, name = record.terms[entry.public["terms"]], entry.public["stage"]
        value: dict[str, Any] = copy.deepcopy(found.plan.to_json())
        for stage in value["spec"]["stages"]:
            if stage["name"] == name:
                stage["opensWhen"] = {"allOf": list(asked)}
        record.terms[entry.public["terms"]] = replace(found, given=Plan.from_json(value))
        return entry

    return tell


def stands(where: str, name: Callable[[Record, Entry], str]) -> Callable[..., Tell]:
    """What makes something that is found on the record by its name stand otherwise."""

    def otherwise(**changes: Any) -> Tell:
        def tell(record: Record, entry: Entry) -> Entry:
            kept = getattr(record, where)
            kept[name(record, entry)] = replace(kept[name(record, entry)], **changes)
            return entry

        return tell

    return otherwise


grant_is = stands("grants", lambda _, entry: entry.public["grant"])
directive_is = stands("directives", lambda _, entry: entry.public["directive"])


def directs_nothing(record: Record, entry: Entry) -> Entry:
    """Every plan says that no agency directs a model."""
    for name, release in record.releases.items():
        value: dict[str, Any] = release.plan.to_json()
        agencies = {each: {**agency, "directs": []} for each, agency in value["spec"]["agencies"].items()}
        given = Plan.from_json({**value, "spec": {**value["spec"], "agencies": agencies}})
        record.releases[name] = replace(release, given=given)
    return entry


def gone(where: str, name: Callable[[Record, Entry], str]) -> Tell:
    """What it needs is not on the record."""

    def tell(record: Record, entry: Entry) -> Entry:
        del getattr(record, where)[name(record, entry)]
        return entry

    return tell


def again(record: Record, entry: Entry) -> Entry:
    """The entry comes a second time."""
    record.apply(entry)
    return told(entry, {}, seq=entry.size)


def both(*tells: Tell) -> Tell:
    """Several at once."""

    def tell(record: Record, entry: Entry) -> Entry:
        for each in tells:
            entry = each(record, entry)
        return entry

    return tell


def later(of: str) -> Tell:
    """A time in its case is one that has not come."""
    return lambda record, entry: case_is(**{of: entry.at_ms + 1})(record, entry)


def restated(**changes: Any) -> Tell:
    """The terms in force of its stage are others than those of its case, and those are within them."""

    def tell(record: Record, entry: Entry) -> Entry:
        name, stage = entry.public["release"], entry.public["stage"]
        release = record.releases[name]
        asked = record.cases[entry.public["case"]].question.terms
        value: dict[str, Any] = release.plan.to_json()
        stages = [{**each, **changes} if each["name"] == stage else each for each in value["spec"]["stages"]]
        given = Plan.from_json({**value, "spec": {**value["spec"], "stages": stages}})
        record.terms["new"] = Terms(stage=stage, given=given)
        record.releases[name] = replace(
            release,
            terms={**release.terms, stage: "new"},
            agreed=release.agreed | {"new"},
            within={"new": frozenset({asked})},
        )
        return told(entry, {"terms": "new"})

    return tell


def heard_by_its_judge(record: Record, entry: Entry) -> Entry:
    """Who hears an appeal has signed in the case appealed."""
    appeal = record.cases[entry.public["case"]]
    record.put(replace(record.cases[appeal.question.against], history=appeal.history))
    return entry


def another_grant(record: Record, entry: Entry) -> Entry:
    """It is about a grant of another case."""
    return told(entry, {"grant": next(name for name in record.grants if name != entry.public["grant"])})


def in_place_of_a_drill(record: Record, entry: Entry) -> Entry:
    """What is replaced is a drill, as it was signed."""
    old = record.directives[entry.public["replaces"]]
    value: dict[str, Any] = old.document.to_json()
    drill = Document.from_json({**value, "metadata": {**value["metadata"], "drill": True}})
    record.put(replace(old, document=drill))
    stated = {"directive": old.name, "document": drill.digest}
    return documented(lambda metadata: metadata.update(replaces=stated))(record, entry)


def confirmed(record: Record, entry: Entry) -> Entry:
    """The directive that the case is about is confirmed by its issuer."""
    name = record.cases[entry.public["case"]].question.directive
    record.put(replace(record.directives[name], confirmed=True))
    return entry


def lasting(record: Record, entry: Entry) -> Entry:
    """Its grant has no end."""
    record.put(replace(record.grants[entry.public["grant"]], valid_until_ms=None))
    return entry


def of_another_developer(record: Record, entry: Entry) -> Entry:
    """A plan of somebody else."""
    plan = entry.public["plan"]
    return told(entry, {"plan": {**plan, "metadata": {**plan["metadata"], "developer": "other"}}})


def tighter_than_another_stage(record: Record, entry: Entry) -> Entry:
    """Terms said to be tighter than those of another stage."""
    (stage,) = entry.public["tightened"]
    other = next(digest for name, digest in entry.public["terms"].items() if name != stage)
    assert other in record.releases[entry.public["release"]].agreed
    return told(entry, {"tightened": {stage: other}})


def longer(record: Record, entry: Entry) -> Entry:
    """A grant for longer than is agreed."""
    return told(entry, {"validUntil": "2099-01-01T00:00:00.000Z"})


def admitted_as(stage: str) -> Tell:
    """Its case was opened under the procedure of another stage."""

    def tell(record: Record, entry: Entry) -> Entry:
        other = next(case for case in record.cases.values()
                     if case.question.stage == stage and case.kind == "admission")  # fmt: skip
        return case_is(procedure=other.procedure)(record, entry)

    return tell


ANY = Rule("anyOf", ("oncd", "ostp"))
OTHER = "sha256:" + "0" * 64
NOT_CARRIED = "the signed positions do not satisfy the rule"
ANOTHER_KIND = "a case of another kind"
NOT_IN_FORCE = "terms said to be tighter than others that were not in force and agreed"
NEITHER = "a directive that neither its issuer nor two officers signed for this log"
BOTH_APPLY = "a directive that replaces another without those who lift it"
ANOTHER_OPENING = "an opening agreed to in another case"
SOMETHING_ELSE = "a grant of something else than its case asks"
NOT_YET = "a silence before its time is over"
BY_LETTER = "a transcription of what its agency signs itself"

RELEASES = {
    "a plan of another developer": Untrue(
        first("release.applied", announced=True),
        of_another_developer,
        "is_of_the_release",
        "a plan of another release or developer",
    ),
    "tighter than what is not there": Untrue(
        tightening, gone("releases", lambda record, entry: MAIN), "is_tighter", NOT_IN_FORCE
    ),
    "tighter than what was not agreed": Untrue(
        tightening, release_is(agreed=frozenset()), "is_tighter", NOT_IN_FORCE
    ),
    "tighter than what was not in force": Untrue(
        tightening, release_is(terms={}), "is_tighter", NOT_IN_FORCE
    ),
    "tighter than another stage": Untrue(tightening, tighter_than_another_stage, "is_tighter", NOT_IN_FORCE),
    **{
        f"an opening signed for another {field}": Untrue(
            OPENS,
            signs(StageOpening, OFFICER, **{field: OTHER}),
            "is_signed_by_an_officer",
            "an opening signed for other terms",
        )
        for field in ("release", "stage", "terms")
    },
    "an opening signed for another log": Untrue(
        OPENS,
        signs(StageOpening, OFFICER, log="other"),
        "is_signed_by_an_officer",
        "an opening that no officer signed for this log",
    ),
    "an opening that an agency signed": Untrue(
        OPENS,
        signs(StageOpening, "oncd"),
        "is_signed_by_an_officer",
        "an opening that no officer signed for this log",
    ),
    "an opening of no stage": Untrue(OPENS, release_is(terms={}), "opens_terms_in_force", "no stage 'first'"),
    "an opening of no release": Untrue(
        OPENS, gone("releases", lambda record, entry: QUIET), "opens_terms_in_force", "no release"
    ),
    "an opening of terms that were not agreed": Untrue(
        OPENS,
        release_is(agreed=frozenset()),
        "opens_terms_in_force",
        "terms that the agencies they name have not all signed",
    ),
    "an opening of terms that are not in force": Untrue(
        first("stage.opened", release=MAIN, stage=GENERAL),
        release_is(terms={GENERAL: "new"}, agreed=frozenset({"new"})),
        "opens_terms_in_force",
        "terms that are not in force",
    ),
    **{
        f"an opening that was agreed to for another {field}": Untrue(
            OPENS, asks(**{field: "other"}), "is_agreed_to", ANOTHER_OPENING
        )
        for field in ("log", "release", "stage", "terms")
    },
    "an opening agreed to in a case of another kind": Untrue(
        OPENS, case_is(kind="terms"), "is_agreed_to", ANOTHER_KIND
    ),
    "an opening that no officer signed, where agencies agree": Untrue(
        OPENS,
        says(envelope=None, officer=None),
        "is_signed_by_an_officer",
        "an opening that no officer signed",
    ),
    "an opening by itself that names an officer": Untrue(
        OPENS,
        both(requires(PASSED), says(envelope=None)),
        "is_signed_by_an_officer",
        NO_OFFICER,
    ),
    "an opening by itself without its proofs": Untrue(
        OPENS,
        both(requires(PASSED), says(envelope=None, officer=None, case=None)),
        "has_what_it_requires",
        "an opening by itself without its proofs",
    ),
    "an opening while something is required": Untrue(
        OPENS,
        requires({"agreedBy": {"majorityOf": ["caisi", "ostp"]}}, {"date": "2099-01-01"}),
        "has_what_it_requires",
        "an opening while something is required",
    ),
    "an opening that waits for what nobody has done": Untrue(
        OPENS,
        requires({"agreedBy": {"majorityOf": ["caisi", "ostp"]}}, {"after": "no stage"}),
        "has_what_it_requires",
        "an opening while something is required",
    ),
    "an opening that was not agreed to": Untrue(OPENS, case_is(positions={}), "is_agreed_to", NOT_CARRIED),
}

POSITIONS = {
    "a position in no case": Untrue(SAYS, says(case="case_none"), "is_signed", "no case 'case_none'"),
    "a position in a case of another log": Untrue(
        SAYS, asks(log="other"), "is_signed", "a case of another log"
    ),
    "a position on another question": Untrue(
        SAYS, asks(surface=CODEX), "is_signed", "a position signed for another question"
    ),
    "a position that a stranger signed": Untrue(
        SAYS, signs(Position, "stranger"), "is_signed", "no signature by a key of"
    ),
    "a schedule that does not name the case": Untrue(
        SCHEDULED,
        lambda record, entry: told(entry, {"case": next(iter(record.cases))}),
        "is_signed",
        "a schedule that does not name the case",
    ),
    "a position of another agency": Untrue(
        SAYS,
        both(signs(Position, "oncd", "caisi"), says(agency="caisi", owner="caisi", owners=["caisi"])),
        "is_as_signed",
        "a position that was signed otherwise",
    ),
    "a position with another sealed reason": Untrue(
        OBJECTS, says(sealed="0" * 64), "is_as_signed", "a position that was signed otherwise"
    ),
    "a letter of one officer": Untrue(
        LETTER, signs(Transcription, OFFICER), "is_signed", "a transcription that two officers did not sign"
    ),
    "a letter in a case of another kind": Untrue(LETTER, case_is(kind="admission"), "is_signed", BY_LETTER),
    "a letter after a confirmation": Untrue(
        LETTER,
        confirmed,
        "is_signed",
        BY_LETTER,
    ),
    "a letter of another agency": Untrue(
        LETTER, says(agency="oncd"), "is_signed", "a transcription of another agency's word"
    ),
}

BEFORE_ALL = "2026-06-01T00:00:00.000Z"


def timed(type_: str) -> Find:
    """The first entry of a type that states when a time is over."""
    return lambda: next(e for e in stored() if e.type == type_ and e.public.get("due") is not None)


CASES = {
    "a case that is over when it begins": Untrue(
        timed("case.opened"),
        says(due=BEFORE_ALL),
        "goes_by_its_terms",
        "a case with less time than its terms give",
    ),
    "an agency whose time is over when it begins": Untrue(
        timed("case.received"),
        says(due=BEFORE_ALL),
        "starts_its_clock",
        "an agency with less time than the terms give",
    ),
    "a receipt for another question": Untrue(
        first("case.received"), asks(surface=CODEX), "is_received", "a receipt signed for another question"
    ),
    "a receipt of another agency": Untrue(
        first("case.received", agency="oncd"),
        both(signs(Receipt, "oncd", "ostp"), says(agency="ostp")),
        "is_received",
        "a receipt of another agency",
    ),
    "a receipt that a stranger signed": Untrue(
        first("case.received"), signs(Receipt, "stranger"), "is_received", "no signature by a key of"
    ),
    "a screening of another case": Untrue(
        first("case.screened"), asks(surface=CODEX), "is_an_officers_look", "a screening of another case"
    ),
    "a screening that an agency signed": Untrue(
        first("case.screened"),
        signs(Screening, "oncd"),
        "is_an_officers_look",
        "a screening that no officer signed",
    ),
    "a proceeding on another question": Untrue(
        first("case.proceeded"), asks(surface=CODEX), "is_advice", "a proceeding signed for another question"
    ),
    "a proceeding of one officer": Untrue(
        first("case.proceeded"),
        signs(Proceeding, OFFICER, OFFICER),
        "is_advice",
        "a proceeding that too few officers signed",
    ),
    "a proceeding where positions bind": Untrue(
        first("case.proceeded"),
        case_is(basis="agreed"),
        "is_advice",
        "a proceeding where positions are not advice",
    ),
    "no objection to what never ends": Untrue(
        UNOPPOSED, case_is(due_ms=None), "is_due", "a case whose time is not over"
    ),
    "no objection before the time is over": Untrue(
        UNOPPOSED, later("due_ms"), "is_due", "a case whose time is not over"
    ),
    "no objection where the whole case has no clock": Untrue(
        UNOPPOSED, case_is(kind="appeal"), "is_due", "a case that silence does not admit"
    ),
    "no objection where the whole case lapses": Untrue(
        UNOPPOSED, admitted_as("lapsing"), "is_due", "a case that silence does not admit"
    ),
    "a silence of whom no clock runs for": Untrue(SILENT, case_is(clocks={}), "is_due", NOT_YET),
    "a silence of a clock that stands": Untrue(SILENT, timer(due_ms=None), "is_due", NOT_YET),
    "a silence before its time": Untrue(
        SILENT, lambda record, entry: timer(due_ms=entry.at_ms + 1)(record, entry), "is_due", NOT_YET
    ),
    "a silence where nothing is timed": Untrue(
        SILENT, case_is(procedure=UNTIMED), "is_due", "a silence that no clock gives a meaning"
    ),
    "a silence at the foot of the ladder": Untrue(
        LADDER, timer(rung=0), "is_due", "a silence before the ladder's last step"
    ),
    "a grant by a case that had ended": Untrue(
        APPROVED, case_is(is_over=True), "is_decided", "a case that had ended without a decision"
    ),
    "a decision by no rule": Untrue(
        APPROVED, case_is(rule=Rule("allOf", ())), "is_decided", "a rule that is none"
    ),
    "a decision without positions": Untrue(APPROVED, case_is(positions={}), "is_decided", NOT_CARRIED),
    "a decision where all have recused themselves": Untrue(
        APPROVED,
        at_case(
            lambda case: {
                "positions": {
                    party: replace(said, position="recuse") for party, said in case.positions.items()
                }
            }
        ),
        "is_decided",
        NOT_CARRIED,
    ),
    "a decision without a countersignature": Untrue(
        ends("signed", "approved"),
        heard("trade", owners=("first",)),
        "is_decided",
        "a position that lacks its countersignature",
    ),
    "an objection that the rule does not bear, though the case is unopposed": Untrue(
        within(
            "case.determined",
            lambda case: case.question.release == MAIN and case.kind == "admission",
            outcome="approved",
        ),
        both(case_is(unopposed=True), heard("ostp", position="object")),
        "is_decided",
        "signed objections stand against it",
    ),
    "an objection where one is enough": Untrue(
        ends("notified", "approved"),
        both(case_is(rule=ANY), heard("ostp", position="object")),
        "is_decided",
        "an objection stands where one is enough",
    ),
    "a denial without objections": Untrue(
        DENIED, case_is(positions={}), "is_decided", "a denial that the positions do not carry"
    ),
    "a denial by one objection of two": Untrue(
        DENIED,
        case_is(rule=Rule("anyOf", ("caisi", "oncd"))),
        "is_decided",
        "a denial that the positions do not carry",
    ),
    "a denial without objections where one is enough": Untrue(
        ends("notified", "denied"),
        case_is(positions={}),
        "is_decided",
        "a denial that the positions do not carry",
    ),
    "a lapse of what never ends": Untrue(
        LAPSED, case_is(due_ms=None), "is_decided", "a case that lapsed before its time"
    ),
    "a lapse before its time": Untrue(
        LAPSED, later("due_ms"), "is_decided", "a case that lapsed before its time"
    ),
    "a lapse while a seat is offered": Untrue(
        NOT_TAKEN,
        both(case_is(due_ms=0), later("offer_until_ms")),
        "is_decided",
        "a case that lapsed before its time",
    ),
    "a decision by the positions of an appeal that was not allowed": Untrue(
        within("case.determined", lambda case: bool(case.appeals), outcome="approved"),
        at_case(lambda case: {"outcome": "denied"}, "appeals"),
        "is_decided",
        NOT_CARRIED,
    ),
    "a decision of another kind by the positions of an appeal": Untrue(
        within("case.determined", lambda case: bool(case.appeals), outcome="approved"),
        case_is(kind="amendment"),
        "is_decided",
        NOT_CARRIED,
    ),
    "terms agreed to in a case about something else": Untrue(
        AGREES, asks(kind="admission"), "is_decided", ANOTHER_KIND
    ),
    "terms agreed to by what was said in another case": Untrue(
        AGREES, asks(case="other"), "is_decided", ANOTHER_KIND
    ),
    **{
        f"terms agreed to of another {field}": Untrue(
            AGREES, asks(**{field: value}), "is_decided", "terms of something else than their case asks"
        )
        for field, value in (("release", "other"), ("stage", "other"), ("models", ()))
    },
    "terms agreed to that are not in force": Untrue(
        AGREES, release_is(terms={}), "is_decided", "terms that are not in force"
    ),
    "terms agreed to that no plan has stated": Untrue(
        AGREES, asks(terms=OTHER), "is_decided", "terms that no plan has stated"
    ),
    "terms that were not agreed to": Untrue(AGREES, case_is(positions={}), "is_decided", NOT_CARRIED),
}

GRANTS = {
    **{
        f"a grant of another {field}": Untrue(
            GIVES, asks(**{field: "other"}), "is_of_its_case", SOMETHING_ELSE
        )
        for field in ("release", "stage", "surface")
    },
    "a grant by a case of another kind": Untrue(
        GIVES, both(case_is(kind="removal"), asks(kind="removal")), "is_of_its_case", ANOTHER_KIND
    ),
    **{
        f"a grant by an appeal about another {field}": Untrue(
            AFTER_APPEAL, asks("appeals", **{field: "other"}), "is_carried", SOMETHING_ELSE
        )
        for field in ("release", "stage", "surface")
    },
    "a grant by what is no appeal": Untrue(
        AFTER_APPEAL, at_case(lambda case: {"kind": "opening"}, "appeals"), "is_carried", ANOTHER_KIND
    ),
    "a grant by an appeal against something else": Untrue(
        ON_APPEAL, at_case(lambda case: {"kind": "amendment"}, "against"), "is_carried", ANOTHER_KIND
    ),
    "a grant by the appeal of another party": Untrue(
        ON_APPEAL, asks("against", party="other"), "is_carried", "an appeal of another organization"
    ),
    "a grant by the appeal of another organization": Untrue(
        ON_APPEAL,
        at_case(lambda case: {"holder": "other"}, "against"),
        "is_the_applicants",
        "an appeal of another organization",
    ),
    "a grant by an appeal that its own judge heard": Untrue(
        ON_APPEAL, heard_by_its_judge, "is_carried", "an appeal heard by somebody who signed"
    ),
    "a grant by signatures that have been used": Untrue(
        GIVES, case_is(used=True), "is_carried", "signatures that have been used"
    ),
    "a grant of other models": Untrue(
        GIVES, asks(models=()), "is_carried", "a case about other models than those of its terms"
    ),
    "a grant where others may apply by now": Untrue(
        GIVES,
        restated(eligibility={"registeredIn": ["US"]}),
        "is_carried",
        "terms that have changed in who may apply",
    ),
    "a grant where others decide by now": Untrue(
        GIVES,
        restated(admission={"mode": "approve", "grant": {"allOf": ["oncd"]}}),
        "is_carried",
        "terms that have changed in who may apply",
    ),
    "a grant on looser conditions": Untrue(
        GIVES, says(conditions={}), "is_carried", "conditions looser than those agreed to"
    ),
    "a grant over conditions that contradict": Untrue(
        GIVES,
        heard("oncd", conditions=Conditions.from_json({"logs": {"value": 90, "declared": True}})),
        "is_carried",
        "conditions that contradict each other",
    ),
    "a grant over conditions that contradict, where officers proceeded": Untrue(
        within("grant.approved", lambda case: case.proceeded and len(case.positions) > 1),
        lambda record, entry: entry,
        "is_carried",
        "conditions that contradict each other",
        Support.SIGNATURES,
    ),
    "a grant without an end": Untrue(
        GIVES, says(validUntil=None), "is_carried", "a grant that is valid for longer than agreed"
    ),
    "a grant after a removal that names the appeal as its case": Untrue(
        AFTER_REMOVAL,
        lambda record, entry: told(entry, {"case": record.cases[entry.public["case"]].appeals[-1]}),
        "is_carried",
        ANOTHER_KIND,
    ),
    "a grant after a removal on looser conditions than at first": Untrue(
        AFTER_REMOVAL,
        at_case(
            lambda case: {
                "positions": {
                    party: replace(said, conditions=Conditions.from_json({"requestsPerMinute": 1}))
                    for party, said in case.positions.items()
                }
            }
        ),
        "is_carried",
        "conditions looser than those first agreed to",
    ),
    "an amendment by a case of another kind": Untrue(
        RENEWS, case_is(kind="removal"), "is_amended_as_agreed", ANOTHER_KIND
    ),
    "an amendment by an appeal against something else": Untrue(
        AMENDS_ON_APPEAL,
        at_case(lambda case: {"kind": "removal"}, "against"),
        "is_amended_as_agreed",
        ANOTHER_KIND,
    ),
    "an amendment of another grant": Untrue(
        RENEWS, another_grant, "is_amended_as_agreed", "an amendment of another grant"
    ),
    "an amendment without positions": Untrue(
        RENEWS, case_is(positions={}), "is_amended_as_agreed", NOT_CARRIED
    ),
    "a renewal for longer": Untrue(
        RENEWS, longer, "is_amended_as_agreed", "a grant that is valid for longer than agreed"
    ),
    "a renewal that was not asked for": Untrue(
        CHANGES, longer, "is_amended_as_agreed", "an amendment that renews without having been asked to"
    ),
    "a reinstatement by what is no appeal": Untrue(
        first("grant.reinstated"), case_is(kind="removal"), "is_reinstated_on_appeal", ANOTHER_KIND
    ),
    "a reinstatement by an appeal against something else": Untrue(
        first("grant.reinstated"),
        at_case(lambda case: {"kind": "admission"}, "against"),
        "is_reinstated_on_appeal",
        ANOTHER_KIND,
    ),
    "a reinstatement of another grant": Untrue(
        first("grant.reinstated"),
        another_grant,
        "is_reinstated_on_appeal",
        "the reinstatement of another grant",
    ),
    "a reinstatement without positions": Untrue(
        first("grant.reinstated"), case_is(positions={}), "is_reinstated_on_appeal", NOT_CARRIED
    ),
    "a grant that goes on and is not there": Untrue(
        first("grant.resumed"), says(grant="grant_none"), "is_suspended", "a grant goes on that has ended"
    ),
    "a grant that goes on and was not suspended": Untrue(
        first("grant.resumed"), another_grant, "is_suspended", "a grant goes on that was not suspended"
    ),
    "the end of no grant": Untrue(REMOVED, says(grant="grant_none"), "is_over", "no grant 'grant_none'"),
    "an expiry of what never ends": Untrue(
        first("grant.ended", how="expired"),
        lasting,
        "is_over",
        "a grant that expired before its time",
    ),
    "a removal by a case of another kind": Untrue(
        REMOVED, case_is(kind="admission"), "is_over", ANOTHER_KIND
    ),
    "a removal of another grant": Untrue(REMOVED, another_grant, "is_over", "the removal of another grant"),
    "a removal that was not decided": Untrue(
        REMOVED, case_is(outcome="denied"), "is_over", "a removal that was not decided"
    ),
    "a removal without positions": Untrue(REMOVED, case_is(positions={}), "is_over", NOT_CARRIED),
}

DIRECTIVES = {
    "a directive that a stranger signed": Untrue(
        first("directive.issued", directive="everyone"),
        signs(DirectiveStatement, "stranger"),
        "is_as_its_issuer_signed",
        NEITHER,
    ),
    "a directive that two officers signed, and is no letter": Untrue(
        first("directive.issued", directive="everyone"),
        signs(DirectiveStatement, OFFICER, OTHER_OFFICER),
        "is_as_its_issuer_signed",
        NEITHER,
    ),
    "a letter that one officer signed": Untrue(
        first("directive.issued", directive="letter"),
        signs(DirectiveStatement, OFFICER),
        "is_as_its_issuer_signed",
        NEITHER,
    ),
    "a directive for another log": Untrue(
        first("directive.issued", directive="everyone"),
        documented(lambda metadata: metadata.update(log="other")),
        "is_as_its_issuer_signed",
        NEITHER,
    ),
    "in place of what is not there": Untrue(
        replacing,
        gone("directives", lambda record, entry: entry.public["replaces"]),
        "replaces_lawfully",
        BOTH_APPLY,
    ),
    "in place of a drill": Untrue(replacing, in_place_of_a_drill, "replaces_lawfully", BOTH_APPLY),
    "in place of what has ended": Untrue(
        replacing, directive_is(ended=Ending(how="lifted", at_ms=0, seq=0)), "replaces_lawfully", BOTH_APPLY
    ),
    "in place of what was not signed to be replaced": Untrue(
        replacing, documented(lambda metadata: metadata.pop("replaces")), "replaces_lawfully", BOTH_APPLY
    ),
    "in place of another than was signed": Untrue(
        replacing,
        documented(
            lambda metadata: metadata.update(replaces={**metadata["replaces"], "directive": "everyone"})
        ),
        "replaces_lawfully",
        BOTH_APPLY,
    ),
    "in place of another document than was signed": Untrue(
        replacing,
        documented(lambda metadata: metadata.update(replaces={**metadata["replaces"], "document": OTHER})),
        "replaces_lawfully",
        BOTH_APPLY,
    ),
    "a directive of an agency about what it does not direct": Untrue(
        first("directive.issued", directive="everyone"),
        directs_nothing,
        "is_about_what_its_issuer_directs",
        "a directive about what its issuer does not direct: gpt-5.6, gpt-5.6-mini",
    ),
    "a confirmation of no directive": Untrue(
        first("directive.confirmed"), says(directive="none"), "is_the_issuers", "no directive 'none'"
    ),
    "a confirmation of another directive": Untrue(
        first("directive.confirmed"),
        signs(Confirmation, "ostp", directive="other"),
        "is_the_issuers",
        "a confirmation of another document",
    ),
    "a confirmation of another document": Untrue(
        first("directive.confirmed"),
        signs(Confirmation, "ostp", document=OTHER),
        "is_the_issuers",
        "a confirmation of another document",
    ),
    "a confirmation by another": Untrue(
        first("directive.confirmed"),
        signs(Confirmation, "oncd"),
        "is_the_issuers",
        "a confirmation that its issuer did not sign",
    ),
    **{
        f"a lift of another {field}": Untrue(
            first("directive.lifted", directive="everyone"),
            asks(**{field: "other"}),
            "is_lifted_by_its_rule",
            "a lift of another directive, or of another part",
        )
        for field in ("directive", "document")
    },
    "a lift by a case of another kind": Untrue(
        first("directive.lifted", directive="everyone"),
        case_is(kind="removal"),
        "is_lifted_by_its_rule",
        ANOTHER_KIND,
    ),
    "a lift without positions": Untrue(
        first("directive.lifted", directive="everyone"),
        case_is(positions={}),
        "is_lifted_by_its_rule",
        NOT_CARRIED,
    ),
    "an expiry of no directive": Untrue(
        first("directive.expired"), says(directive="none"), "has_expired", "no directive 'none'"
    ),
}

CHECKS = RELEASES | POSITIONS | CASES | GRANTS | DIRECTIVES


@pytest.mark.parametrize("untrue", CHECKS.values(), ids=CHECKS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_a_plan_that_cannot_be_checked_has_no_effect_where_that_is_asked_for() -> None:
    entry = of_type("release.applied", announced=True)
    record = before(entry.seq)
    found = Unchecked(("is_of_the_release",))
    assert law.effect(record, entry, found, record.pinned(), record.log) is None


def test_a_directive_that_never_expires_has_not_expired() -> None:
    entry = of_type("directive.expired")
    record = before(entry.seq)
    directive = record.directives[entry.public["directive"]]
    spec = replace(directive.document.spec, expires_ms=None)
    record.put(replace(directive, document=replace(directive.document, spec=spec)))
    found = law.breach(record, entry, record.pinned(), record.log, Support.RECORD)
    assert isinstance(found, Breach)
    assert found.why == "a directive that is said to have expired and has not"


def test_a_directive_told_otherwise_takes_the_place_that_was_signed() -> None:
    entry = replacing()
    record = before(entry.seq)
    document = entry.public["document"]
    lied = told(entry, {"document": {**document, "spec": {**document["spec"], "models": ["other"]}}})
    found = law.breach(record, lied, record.pinned(), record.log, Support.RECORD)
    assert isinstance(found, Breach)
    honoured = law.effect(record, lied, found, record.pinned(), record.log)
    assert honoured is not None
    assert honoured.body == entry.body
