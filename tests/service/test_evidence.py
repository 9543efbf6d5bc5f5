"""Evidence, from what an evaluator is asked to sign to the record, and what others see of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.signer import SSlibKey

from sluicegate.acts import evidence as acts
from sluicegate.acts import releases
from sluicegate.acts.evidence import EvaluationToSign, EvidenceReceipt
from sluicegate.client import sealing
from sluicegate.client.evidence import reading, result
from sluicegate.client.evidence.result import Provenance
from sluicegate.errors import InvalidInput
from sluicegate_record.log import canonical, times
from tests.evaluated import METRIC, NAME, asked
from tests.plane import Plane, no, yes
from tests.worlds import AT_MS, MODEL, RELEASE, digest, plan_value, private_key, stage

LOGS = Path(__file__).parents[1] / "client/logs"


@pytest.fixture(autouse=True)
def _signed_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signers' clocks are those of these tests."""
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))


def asking(**changes: object) -> Plane:
    """A stage that waits for an evaluation with this threshold."""
    plane = Plane()
    requires = {"allOf": [{"evidence": [NAME]}]}
    value = plan_value(evaluations={NAME: asked(**changes)}, stages=[stage(opensWhen=requires)])
    for case in yes(plane.apply(value)).cases:
        for agency in ("oncd", "ostp"):
            plane.say(case, agency)
    return plane


def to_sign(plane: Plane) -> EvaluationToSign:
    found: EvaluationToSign = yes(plane.do("caisi", acts.TO_SIGN, release=RELEASE, evaluation=NAME))
    return found


def told(plane: Plane, log: str, said: Provenance | None = None) -> EvidenceReceipt:
    question = to_sign(plane)
    found = reading.read(LOGS / log, question.evaluation)
    envelope = result.signed(
        question, found, said or Provenance(independence="independent"), private_key("caisi")
    )
    receipt: EvidenceReceipt = yes(plane.do("caisi", acts.IMPORT, envelope=envelope))
    return receipt


def test_a_sealed_log_is_the_one_that_was_signed_or_is_refused(tmp_path: Path) -> None:
    plane = asking(atMost=0.4)
    question, key = to_sign(plane), private_key("caisi")
    found = reading.read(LOGS / "passes.eval", question.evaluation)
    another = tmp_path / "another.eval"
    another.write_bytes(b"another log")
    with pytest.raises(InvalidInput, match="was changed after it was read"):
        result.sealed_log(another, question, found, ["oncd"])
    keys = [each.public for each in question.keys if each.party == "oncd"]
    lie = canonical.b64(sealing.sealed(b"another log", keys))
    envelope = result.signed(question, found, Provenance(independence="independent"), key)
    name = yes(plane.do("caisi", acts.IMPORT, envelope=envelope, sealed_log=lie)).evidence
    kept = yes(plane.do("oncd", acts.LOG, evidence=name))
    with pytest.raises(InvalidInput, match="what was sealed is not the log that was signed"):
        result.opened_log(kept, private_key("oncd"))
    large = tmp_path / "large.eval"
    with large.open("wb") as file:
        file.truncate(result.LOG_MAX + 1)
    with pytest.raises(InvalidInput, match="one of at most 655,360 is kept sealed"):
        result.sealed_log(large, question, found, ["oncd"])
    file_of_most = canonical.b64(sealing.sealed(bytes(result.LOG_MAX), keys * 20))
    assert len(file_of_most) <= acts.SEALED_LOG_MAX


def is_open(plane: Plane) -> bool:
    plane.ledger.tick()
    found: bool = yes(plane.do("developer", releases.STATUS)).releases[0].stages[0].open
    return found


def test_a_log_that_inspect_wrote_opens_a_stage() -> None:
    plane = asking(atMost=0.4)
    (shown,) = yes(plane.do("applicant", releases.STATUS)).releases[0].stages[0].requirements
    assert (shown.state, shown.clears) == ("missing", (f"caisi ({NAME})",))
    found = told(plane, "passes.eval")
    assert (found.counts, found.reasons, found.result) == (True, (), "PASSED")
    assert found.says == (
        f"{METRIC}: 1 of 12; at the level 0.95 the share is at least 0.004265, and at most 0.338681; "
        "the plan asks for at most 0.4: met"
    )
    assert is_open(plane)


def test_the_same_run_in_another_format_is_refused() -> None:
    plane = asking(atMost=0.4)
    told(plane, "passes.eval")
    question = to_sign(plane)
    found = reading.read(LOGS / "passes.json", question.evaluation)
    again = result.signed(question, found, Provenance(independence="independent"), private_key("caisi"))
    assert no(plane.do("caisi", acts.IMPORT, envelope=again)) == "evidence_repeated"


TRAPS = {
    "partial.eval": "partial",
    "stopped-int.eval": "cancelled",
    "stopped-kill.eval": "incomplete",
    "mock.eval": "mock_model",
    "another.eval": "another_model",
    "unscored-later.eval": "no_scores",
    "bare.eval": "no_scores",
    "broken.eval": "incomplete",
}


@pytest.mark.parametrize(("log", "reason"), TRAPS.items())
def test_a_log_that_proves_nothing_is_marked_and_opens_nothing(log: str, reason: str) -> None:
    plane = asking(atMost=0.999999)
    found = told(plane, log)
    assert not found.counts
    assert reason in found.reasons
    assert not is_open(plane)


def test_a_log_without_digests_is_refused_unless_who_ran_it_says_them() -> None:
    plane = asking(atMost=0.9)
    with pytest.raises(InvalidInput) as caught:
        told(plane, "undigested.eval")
    assert f"--digest {digest(MODEL)}" in caught.value.remedy
    with pytest.raises(InvalidInput, match="the safeguards of what was tested"):
        told(plane, "undigested.eval", Provenance(independence="independent", digest=digest(MODEL)))
    found = told(
        plane,
        "undigested.eval",
        Provenance(independence="independent", digest=digest(MODEL), safeguards=digest("safe")),
    )
    assert found.counts


def test_a_digest_that_the_log_contradicts_is_refused() -> None:
    plane = asking()
    with pytest.raises(InvalidInput, match="the log says"):
        told(plane, "passes.eval", Provenance(independence="independent", digest=digest("other")))


def test_which_model_was_tested_is_asked_where_the_log_does_not_say_it() -> None:
    plane = Plane()
    value = plan_value(models=("gpt-5.6", "gpt-5.6-mini"), evaluations={NAME: asked()})
    yes(plane.apply(value))
    question = yes(plane.do("caisi", acts.TO_SIGN, release=RELEASE, evaluation=NAME))
    found = reading.read(LOGS / "another.eval", question.evaluation)
    with pytest.raises(InvalidInput, match=r"the release has gpt-5\.6, gpt-5\.6-mini"):
        result.signed(question, found, Provenance(independence="independent"), private_key("caisi"))
    assert result.signed(
        question, found, Provenance(independence="independent", model="gpt-5.6-mini"), private_key("caisi")
    )


def test_what_is_kept_is_a_summary_that_a_foreign_library_verifies() -> None:
    plane = asking()
    receipt = told(
        plane, "passes.eval", Provenance(independence="paid-by-developer", redactions=("transcripts",))
    )
    found = yes(plane.do("applicant", acts.SHOW, evidence=receipt.evidence))
    foreign = ForeignEnvelope.from_dict(json.loads(json.dumps(found.envelope)))
    made = SSlibKey.from_crypto(private_key("caisi").public_key())
    (keyid,) = foreign.signatures
    key = SSlibKey(keyid, made.keytype, made.scheme, made.keyval)
    assert len(foreign.verify([key], 1)) == 1
    statement = json.loads(foreign.payload)
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [each["name"] for each in statement["subject"]] == ["model", "safeguards"]
    predicate = statement["predicate"]
    assert (predicate["result"], predicate["configuration"][0]["name"]) == ("FAILED", f"{RELEASE}/{NAME}")
    said = predicate["urn:sluicegate:evidence:v1"]["run"]
    assert (said["independence"], said["redactions"]) == ("paid-by-developer", ["transcripts"])
    assert "ask 0" not in canonical.dumps(found.to_json()).decode()


def test_results_are_listed_newest_first_and_by_what_they_are_about() -> None:
    plane = asking(atMost=0.9)
    first, second = told(plane, "passes.eval"), told(plane, "mock.eval")
    listed = yes(plane.do("applicant", acts.LIST))
    assert [(each.evidence, each.counts) for each in listed.evidence] == [
        (second.evidence, False),
        (first.evidence, True),
    ]
    page = yes(plane.do("applicant", acts.LIST, limit=1))
    assert page.next == second.evidence
    rest = yes(plane.do("applicant", acts.LIST, before=page.next))
    assert [each.evidence for each in rest.evidence] == [first.evidence]
    assert not yes(plane.do("applicant", acts.LIST, release="another")).evidence
    assert not yes(plane.do("applicant", acts.LIST, evaluation="another")).evidence
    assert no(plane.do("applicant", acts.LIST, before="sha256:0")) == "evidence_unknown"
    assert no(plane.do("applicant", acts.SHOW, evidence="sha256:0")) == "evidence_unknown"


def test_what_is_about_an_unannounced_release_exists_only_for_those_who_know_it() -> None:
    plane = Plane()
    requires = {"allOf": [{"evidence": [NAME]}]}
    value = plan_value(
        announced=False, evaluations={NAME: asked(atMost=0.9)}, stages=[stage(opensWhen=requires)]
    )
    yes(plane.apply(value))
    receipt = told(plane, "passes.eval")
    assert yes(plane.do("developer", acts.LIST)).evidence
    assert not yes(plane.do("applicant", acts.LIST)).evidence
    assert no(plane.do("applicant", acts.SHOW, evidence=receipt.evidence)) == "evidence_unknown"


def test_no_evaluation_of_that_name_is_asked_for() -> None:
    plane = asking()
    assert no(plane.do("caisi", acts.TO_SIGN, release=RELEASE, evaluation="none")) == "evaluation_unknown"
    assert no(plane.do("caisi", acts.TO_SIGN, release="none", evaluation=NAME)) == "evaluation_unknown"
