"""Each check of the law of evidence by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.evidence import EvidenceWithdrawal, ResultStatement
from sluicegate_record.terms.plan import Plan
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says
from tests.vectors.themes.evidence import COMPARED_RELEASE, EVALUATED, EVALUATED_RELEASE
from tests.worlds import digest, signed

TYPE = "evidence.recorded"
PASSES = first(TYPE, result="PASSED", party="caisi")
FAILS = first(TYPE, result="FAILED")
OTHERWISE = "a result that was signed otherwise"
ITS_PARTY, ASKED, OWN = "is_the_result_of_its_party", "answers_what_was_asked", "is_a_run_of_its_own"


def signs(signer: str = "caisi", *, result: Any = None, asked: str = "", **said: Any) -> Tell:
    """Its party signed something else, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = ResultStatement.read(Envelope.from_json(entry.public["envelope"]))
        found = replace(stated, said=replace(stated.said, **said), result=result or stated.result)
        if asked:
            (by,) = found.configuration
            found = replace(found, configuration=(replace(by, name=asked),))
        envelope = signed(found.payload(), signer)
        shown = {name: value for name, value in found.said.to_json().items() if name != "log"}
        return told(
            entry,
            {**shown, "result": found.result, "digest": envelope.digest, "envelope": envelope.to_json()},
        )

    return tell


def ran(**changes: Any) -> Tell:
    """Its party signed another run."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = ResultStatement.read(Envelope.from_json(entry.public["envelope"]))
        return signs(run=replace(stated.said.run, **changes))(record, entry)

    return tell


def plan_is(**changes: Any) -> Tell:
    """The evaluation of the plan in force is another one."""

    def tell(record: Record, entry: Entry) -> Entry:
        release = record.releases[EVALUATED_RELEASE]
        value: Any = release.plan.to_json()
        found = {name: {**each, **changes} for name, each in value["spec"]["evaluations"].items()}
        spec = {**value["spec"], "evaluations": found}
        record.releases[EVALUATED_RELEASE] = replace(release, given=Plan.from_json({**value, "spec": spec}))
        return entry

    return tell


def known_is(**changes: Any) -> Tell:
    """A run that is on the record was another one: that of the entry, in part."""

    def tell(record: Record, entry: Entry) -> Entry:
        name, known = next(iter(record.evidence.items()))
        record.evidence[name] = replace(known, run=replace(known.run, **changes))
        return entry

    return tell


def withdraws(signer: str = "caisi", **said: Any) -> Tell:
    """Its party signed another withdrawal, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = EvidenceWithdrawal.read(Envelope.from_json(entry.public["envelope"]))
        found = replace(stated, **said)
        envelope = signed(found.payload(), signer)
        shown = {name: found.to_json()[name] for name in ("release", "evidence", "party", "reason")}
        more = {"owner": signer, "digest": envelope.digest, "envelope": envelope.to_json()}
        return told(entry, {**shown, **more})

    return tell


def is_withdrawn(record: Record, entry: Entry) -> Entry:
    """What is withdrawn was withdrawn before."""
    found = record.evidence[entry.public["evidence"]]
    record.evidence[found.id] = replace(found, withdrawn_ms=entry.at_ms)
    return entry


WITHDRAWN, RAISES = first("evidence.withdrawn"), first(TYPE, release=COMPARED_RELEASE)
ITS_WITHDRAWAL, STANDS = "is_its_partys_withdrawal", "withdraws_what_stands"
EVIDENCE = {
    **{
        f"a withdrawal of another {field}": Untrue(
            WITHDRAWN, says(**{field: "other"}), ITS_WITHDRAWAL, "a withdrawal that was signed otherwise"
        )
        for field in ("release", "evidence", "party", "reason")
    },
    "a withdrawal for another log": Untrue(
        WITHDRAWN, withdraws(log="other"), ITS_WITHDRAWAL, "a withdrawal that was signed for another log"
    ),
    "a withdrawal that another signed": Untrue(
        WITHDRAWN, withdraws("oncd"), ITS_WITHDRAWAL, "a withdrawal that its party did not sign"
    ),
    "a withdrawal of nothing": Untrue(
        WITHDRAWN, withdraws(evidence=digest("none")), STANDS, "no result 'sha256:"
    ),
    "a withdrawal by another party": Untrue(
        WITHDRAWN, withdraws("oncd", party="oncd"), STANDS, "a withdrawal of the result of another party"
    ),
    "a withdrawal in another release": Untrue(
        WITHDRAWN, withdraws(release=EVALUATED_RELEASE), STANDS, "a withdrawal in another release"
    ),
    "a withdrawal once more": Untrue(WITHDRAWN, is_withdrawn, STANDS, "a withdrawal of what was withdrawn"),
    "a withdrawal under another digest": Untrue(
        WITHDRAWN,
        says(digest="sha256:00"),
        "is_named_by_its_digest",
        "a signed statement under another digest",
    ),
    "a withdrawal that keeps the level": Untrue(
        WITHDRAWN,
        says(raised={"evaluated": digest("terms")}),
        "lowers_what_the_comparison_said",
        "other terms than the levels give that still hold",
    ),
    "a comparable result without its level": Untrue(
        RAISES,
        says(raised={}),
        "raises_what_the_comparison_says",
        "other terms than the comparison gives",
    ),
    **{
        f"a result of another {field}": Untrue(PASSES, says(**{field: "other"}), ITS_PARTY, OTHERWISE)
        for field in ("release", "evaluation", "party", "model")
    },
    "a result of another run": Untrue(
        PASSES,
        lambda record, entry: says(run={**entry.public["run"], "hits": 0, "sure": 0, "tool": "x"})(
            record, entry
        ),
        ITS_PARTY,
        OTHERWISE,
    ),
    "a result that passed otherwise": Untrue(PASSES, says(result="FAILED"), ITS_PARTY, OTHERWISE),
    "a result for another log": Untrue(
        PASSES, signs(log="other"), ITS_PARTY, "a result that was signed for another log"
    ),
    "a result that another signed": Untrue(
        PASSES, signs("oncd"), ITS_PARTY, "a result that its party did not sign"
    ),
    "a result of a party that may not run it": Untrue(
        PASSES, signs("ostp", party="ostp"), ITS_PARTY, "a statement under another owner than signed it"
    ),
    "a result of a party that the plan does not name": Untrue(
        PASSES, plan_is(**{"from": {"anyOf": ["ostp"]}}), ASKED, "a result of a party that the plan does not"
    ),
    "a result of an evaluation that is not there": Untrue(
        PASSES, signs(evaluation="other"), ASKED, "no evaluation 'other'"
    ),
    "a result by another threshold": Untrue(
        PASSES, plan_is(atMost="0.06"), ASKED, "a result of another evaluation than the plan names"
    ),
    "a result configured by something else": Untrue(
        PASSES, signs(asked="other/evaluation"), ASKED, "a result of another evaluation than the plan names"
    ),
    "a failure that is signed as passed": Untrue(
        FAILS, signs("oncd", result="PASSED"), ASKED, "a result that does not follow from its counts"
    ),
    "a stand-in that is signed as passed": Untrue(
        PASSES, ran(ran="mockllm/model"), ASKED, "a result that does not follow from its counts"
    ),
    "a run that is on the record": Untrue(
        PASSES,
        lambda record, entry: known_is(run=entry.public["run"]["run"])(record, entry),
        OWN,
        "a run that was recorded before",
    ),
    "a log that is on the record": Untrue(
        PASSES,
        lambda record, entry: known_is(log=entry.public["run"]["log"])(record, entry),
        OWN,
        "a run that was recorded before",
    ),
    "a result under another digest": Untrue(
        PASSES, says(digest="sha256:00"), "is_named_by_its_digest", "a signed statement under another digest"
    ),
}


@pytest.mark.parametrize("untrue", EVIDENCE.values(), ids=EVIDENCE)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_the_log_has_results() -> None:
    assert EVALUATED
