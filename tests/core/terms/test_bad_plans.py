"""Bad plans of a way to everyone: each fault where it is, with the word that was probably meant."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from sluicegate.core.terms import countries, document, plan
from sluicegate.errors import InvalidDocument, Place

GOOD = """\
apiVersion: sluicegate/v1
kind: Release
metadata: {name: gpt-6, developer: my-lab}
spec:
  models: [{id: gpt-6, upstream: vllm, digest: "sha256:ZEROS", safeguards: "sha256:ZEROS"}]
  surfaces: [api]
  agencies:
    oncd: {name: Office of the National Cyber Director, concerns: [cyber]}
    commerce: {name: Department of Commerce, concerns: [export], directs: [gpt-6]}
  referrals: {from: [oncd], to: [commerce], binding: true}
  stages:
    - name: government
      basis: {kind: agreed, askedBy: [oncd], how: memorandum, askedOn: "2026-06-02"}
      admission: {mode: approve, grant: {allOf: [oncd]}}
    - name: partners
      basis: {kind: voluntary, askedBy: [oncd], how: a call, askedOn: "2026-06-24",
              until: "2026-08-01", afterUntil: lapse}
      concern: cyber
      opensWhen: {allOf: [{after: government}, {soak: P30D, of: government}]}
      seats: 24
      admission: {mode: approve, grant: {allOf: [oncd, commerce]}}
      eligibility: {registeredIn: [US, GB]}
      conditions: {requestsPerMinute: 60, validFor: P30D}
    - name: general
      basis: {kind: agreed, askedBy: [oncd, commerce], how: memorandum, askedOn: "2026-06-24"}
      audience: everyone
      opensWhen: {allOf: [{after: partners}, {agreedBy: {allOf: [oncd, commerce]}}]}
      grants: {partners: {become: general}}
      ramp: [{share: 5, for: P1D}, {share: 100}]
""".replace("ZEROS", "0" * 64)

LATER = "a stage that comes before this one in the plan: stages open in their order"
OPEN = """\
    - name: open
      basis: {kind: agreed, askedBy: [oncd], how: memorandum, askedOn: "2026-06-24"}
      audience: everyone
"""


class Bad(NamedTuple):
    """What the good plan says, and what the bad one says there: `«` is where the fault is."""

    right: str
    wrong: str
    expected: str
    found: str
    meant: str = ""


BAD = {
    "a cycle of two": Bad("{after: government}", "{«after: general}", LATER, "'general', which comes later"),
    "a cycle of one": Bad("{after: partners}", "{«after: general}", LATER, "itself"),
    "a soak of what comes later": Bad(
        ", of: government", ", «of: general", LATER, "'general', which comes later"
    ),
    "a soak with nothing before it": Bad(
        "      admission: {mode: approve, grant: {allOf: [oncd]}}",
        "      admission: {mode: approve, grant: {allOf: [oncd]}}\n      opensWhen: {allOf: [{«soak: P1D}]}",
        "a stage before this one, whose time it waits for",
        "the first stage",
    ),
    "an agreement among others": Bad(
        "{after: partners}, {agreedBy: {allOf: [oncd, commerce]}}",
        "{after: partners}, {anyOf: [«{agreedBy: {allOf: [oncd]}}]}",
        "agreedBy only in the outermost allOf",
        "{'agreedBy': {'allOf': ['oncd']}}",
    ),
    "a stage after everyone": Bad(
        "    - name: general\n",
        OPEN + "    - «name: general\n",
        "no stage after 'open', which is for everyone",
        "'general'",
    ),
    "seats for everyone": Bad(
        "audience: everyone", "audience: everyone\n      «seats: 5", "nothing here", "'seats'"
    ),
    "a ramp for some": Bad("      seats: 24", "      «ramp: [{share: 100}]", "'ramp' only in", "'ramp'"),
    "shares that shrink": Bad(
        "{share: 100}]", "{«share: 4, for: P1D}, {share: 100}]", "more than 5: shares only grow", "4"
    ),
    "a day without what follows": Bad(", afterUntil: lapse", "", "beside it the field 'afterUntil'", "none"),
    "what follows no day": Bad('until: "2026-08-01", ', "", "beside it the field 'until'", "none"),
    "a nearly right end": Bad("afterUntil: lapse", "«afterUntil: laps", "'lapse', 'stay'", "'laps'", "lapse"),
    "a concern no agency has": Bad(
        "concern: cyber", "«concern: biology", "a concern of an agency", "'biology'"
    ),
    "a nearly right concern": Bad(
        "concern: cyber", "«concern: cybre", "a concern of an agency: cyber, export", "'cybre'", "cyber"
    ),
    "an unknown stage in after": Bad(
        "{after: partners}", "{«after: friends}", "one of government", "'friends'"
    ),
    "a nearly right stage in after": Bad(
        "{after: partners}",
        "{«after: partner}",
        "one of government, partners",
        "'partner'",
        "partners",
    ),
    "a stage that becomes another": Bad(
        "become: general",
        "«become: genral",
        "general, the stage that they become part of",
        "'genral'",
        "general",
    ),
    "a later stage in grants": Bad(
        "      seats: 24",
        "      seats: 24\n      grants: {«general: {become: partners}}",
        "one of government",
        "'general'",
    ),
    "an agency that is not declared": Bad(
        "{agreedBy: {allOf: [oncd, commerce]}}",
        "{agreedBy: {allOf: [oncd, «comerce]}}",
        "one of commerce, oncd",
        "'comerce'",
        "commerce",
    ),
    "an agency that asked and is not there": Bad(
        "askedBy: [oncd, commerce]", "askedBy: [oncd, «treasury]", "one of commerce, oncd", "'treasury'"
    ),
    "an agency to be referred to": Bad(
        "to: [commerce]", "to: [«commerc]", "one of commerce", "'commerc'", "commerce"
    ),
    "a country by another code": Bad("[US, GB]", "[US, «UK]", "the two letters of a country", "'UK'", "GB"),
    "a country by its name": Bad(
        "[US, GB]", "[US, «Norway]", "the two letters of a country", "'Norway'", "NO"
    ),
    "a country that is none": Bad("[US, GB]", "[US, «ZZ]", "the two letters of a country", "'ZZ'"),
    "a nearly right field of a stage": Bad(
        "      seats: 24", "      «seat: 24", "a field of", "'seat'", "seats"
    ),
    "a nearly right field of a basis": Bad(
        'askedOn: "2026-06-02"', '«askedon: x, askedOn: "2026-06-02"', "a field of", "'askedon'", "askedOn"
    ),
    "a nearly right field of the plan": Bad(
        "  surfaces: [api]", "  «surface: []\n  surfaces: [api]", "a field of", "'surface'", "surfaces"
    ),
    "a nearly right field of a ramp": Bad(
        "{share: 5, for:", "{share: 5, «fo: P1D, for:", "a field of", "'fo'", "for"
    ),
    "a nearly right requirement": Bad(
        "{after: partners}", "«{afer: partners}", "one of {terms: …}", "{'afer': 'partners'}", "after"
    ),
    "a nearly right signer": Bad(
        "{after: partners}",
        "{adopted: {standard: s, by: [oncd, «comerce]}}",
        "one of commerce, my-lab, oncd",
        "'comerce'",
        "commerce",
    ),
    "a nearly right audience": Bad(
        "audience: everyone", "«audience: everyon", "applicants", "'everyon'", "everyone"
    ),
    "a nearly right audience of the plan's own": Bad(
        "audience: everyone", "«audience: evaluator", "applicants, evaluators", "'evaluator'", "evaluators"
    ),
    "a programme of which there is none": Bad(
        "      seats: 24",
        "      audience: {«programme: cyber}",
        "beside it 'programmes' in the spec",
        "'cyber'",
    ),
    "a programme whose grants come from nowhere": Bad(
        "      seats: 24",
        "      audience: {programme: cyber}\n      «grants: {}",
        "the field 'grants'",
        "none",
    ),
    "evaluators of whom there are none": Bad(
        "      seats: 24", "      «audience: evaluators", "beside it 'evaluators' in the spec", "'evaluators'"
    ),
    "a list that names no file": Bad(
        "      seats: 24",
        "      «audience: {organizations: [A, B]}",
        "applicants, evaluators, everyone, organizations: FILE or programme: NAME",
        "{'organizations': ['A', 'B']}",
    ),
    "a list that is asked something": Bad(
        "      eligibility: {registeredIn: [US, GB]}",
        "      audience: {organizations: a.csv}\n      «eligibility: {registeredIn: [US, GB]}",
        "nothing here: who is named is admitted by those who agree to the terms",
        "'eligibility'",
    ),
    "a list that silence admits": Bad(
        "      admission: {mode: approve, grant: {allOf: [oncd, commerce]}}",
        "      audience: {organizations: a.csv}\n      admission: {«mode: notify, grant: {allOf: [oncd]}, "
        "clock: {within: 5, silence: no-objection}}",
        "approve: those who agree to the terms",
        "'notify'",
    ),
    "a list that is countersigned": Bad(
        "      admission: {mode: approve, grant: {allOf: [oncd]}}",
        "      audience: {organizations: a.csv}\n      admission: {mode: approve, grant: {allOf: [oncd]}, "
        "«countersign: [oncd]}",
        "nothing here: who is named",
        "'countersign'",
    ),
    "a list without agencies that admit": Bad(
        "      admission: {mode: approve, grant: {allOf: [oncd, commerce]}}",
        "      audience: {organizations: a.csv}",
        "the field 'admission'",
        "none",
    ),
    "an end before it was asked": Bad(
        'until: "2026-08-01"',
        '«until: "2026-06-01"',
        "a day that is not before 'askedOn'",
        "'2026-06-01'",
    ),
    "a nearly right calendar": Bad(
        "admission: {mode: approve, grant: {allOf: [oncd]}}",
        "admission: {mode: approve, grant: {allOf: [oncd]}, clock: {within: 5, «calendar: us-fedral, "
        "silence: deny}}",
        "one of uk-england, us-federal, weekends",
        "'us-fedral'",
        "us-federal",
    ),
    "a nearly right operator of a rule": Bad(
        "grant: {allOf: [oncd]}}\n    - name: partners",
        "«grant: {allof: [oncd]}}\n    - name: partners",
        "one of allOf, anyOf, atLeast, majorityOf",
        "{'allof': ['oncd']}",
        "allOf",
    ),
    "a nearly right operator below a list": Bad(
        "afterUntil: lapse",
        "afterUntil: {review: {by: {anyOf: [oncd, «{alOf: [commerce]}]}, then: stay}}",
        "one of allOf, anyOf, atLeast, majorityOf",
        "{'alOf': ['commerce']}",
        "allOf",
    ),
    "a nearly right condition": Bad(
        "requestsPerMinute: 60",
        "«requestPerMinute: 60",
        "a condition this build enforces",
        "60",
        "requestsPerMinute",
    ),
    "a fallback to the only model": Bad(
        "  stages:\n",
        "  onRefusal: {«fallbackModel: gpt-6}\n  stages:\n",
        "another model than the only one",
        "'gpt-6'",
    ),
    "a duration without its P": Bad("validFor: P30D", "«validFor: 30D", "a duration such as P30D", "'30D'"),
    "a nearly right mode": Bad(
        "mode: approve, grant: {allOf: [oncd]}",
        "«mode: aprove, grant: {allOf: [oncd]}",
        "'approve'",
        "'aprove'",
        "approve",
    ),
}


def places(text: str) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(text, "plan.yaml"))
    return list(caught.value.at)


def test_the_plan_without_faults_is_a_plan():
    assert [each.name for each in plan.read(document.read(GOOD, "plan.yaml")).spec.stages][-1] == "general"


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_plan_is_refused_where_the_fault_is(bad):
    assert GOOD.count(bad.right) == 1
    text = GOOD.replace(bad.right, bad.wrong)
    told = places(text.replace("«", ""))
    (one,) = [each for each in told if each.expected.startswith(bad.expected)]
    assert one.found == bad.found + (f" (did you mean {bad.meant!r}?)" if bad.meant else "")
    assert "did you mean" not in one.expected
    before = text.partition("«")[0] if "«" in text else None
    if before is not None:
        assert (one.line, one.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))


LISTED = GOOD.replace("      seats: 24", "      seats: 2\n      audience: {organizations: a.csv}").replace(
    "      eligibility: {registeredIn: [US, GB]}\n", ""
)


def test_a_list_has_its_names_in_the_plan():
    found = plan.read(document.read(LISTED, "plan.yaml"), {"a.csv": ["A", "B"]})
    assert found.stages["partners"].audience.to_json() == {"organizations": ["A", "B"]}


@pytest.mark.parametrize(
    ("names", "expected", "found"),
    [
        ({}, "a list that came with the plan", "'a.csv'"),
        ({"a.csv": ["A"], "b.csv": ["B"]}, "a stage for each list that came with the plan", "'b.csv'"),
        ({"a.csv": ["A"], "": ["B"]}, "a stage for each list that came with the plan", "''"),
        ({"a.csv": ["A", "B", "C"]}, "a seat for each of the 3 on the list", "2"),
    ],
)
def test_a_list_that_is_missing_or_of_no_stage_or_over_the_seats_is_refused(names, expected, found):
    with pytest.raises(InvalidDocument) as caught:
        plan.read(document.read(LISTED, "plan.yaml"), names)
    assert [(each.expected, each.found) for each in caught.value.at] == [(expected, found)]


def test_a_fault_that_has_no_other_is_told_alone():
    bad = BAD["an agency that is not declared"]
    assert len(places(GOOD.replace(bad.right, bad.wrong.replace("«", "")))) == 1


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("UK", "GB"),
        ("United States", "US"),
        ("usa", "US"),
        ("Noway", "NO"),
        ("kosovo", "XK"),
        ("ZZ", ""),
        ("", ""),
    ],
)
def test_a_country_is_found_by_its_name(word, code):
    assert countries.meant(word) == code


def test_every_country_is_two_letters():
    assert len(countries.names()) == 250
    assert all(len(code) == 2 and code.isupper() and name for code, name in countries.names().items())
