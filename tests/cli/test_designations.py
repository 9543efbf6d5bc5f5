"""A designation by command line alone: looked at, signed, shown, appealed; and a plan that comes after."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER

LEVEL = """\
  designations:
    by: [oncd]
    classes: {covered-frontier-model: {scrutiny: elevated}, comparable-to: {scrutiny: elevated}}
  scrutiny: {elevated: {addAgencies: [caisi]}}
  stages:
"""
JUDGED = PLAN.replace("  stages:\n", LEVEL).replace("        countersign: [caisi]\n", "")
DESIGNATE = ("release", "designate", "gpt-5.6", "--class", "covered-frontier-model")


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """A stage that is open, under terms with a scrutiny level."""
    with timed_plane(cli, tmp_path) as made:
        made.text("apply", made.file("judged.yaml", JUDGED))
        (case,) = made.answer("case", "list", "--kind", "terms", "--state", "in_review")["cases"]
        for agency in ("oncd", "ostp", "caisi"):
            made.say(case["case"], agency)
        made.text("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def test_an_agency_looks_first_and_then_signs_its_judgement(plane, tmp_path):
    before = plane.submit("Example Utility")
    told = plane.text(*DESIGNATE, "--preview", by="oncd")
    assert told.startswith("if oncd designates gpt-5.6 of gpt-5.6 a covered frontier model: nothing is done")
    assert "scrutiny in force: elevated then" in told
    assert "    admission.grant: oncd and ostp -> oncd and ostp and caisi\n" in told
    assert "allOf" not in told
    assert before in told
    basis = plane.file("basis.txt", "the benchmarks that no one may see")
    public = ("--statement", "by its benchmarks", "--basis", basis, "--key", plane.key("oncd"))
    told = plane.text(*DESIGNATE, *public, by="oncd")
    assert "oncd designates a model of gpt-5.6 a covered frontier model" in told
    assert "1 open case ended: who applied may apply again" in told
    assert "oncd has designated gpt-5.6 a covered frontier model" in plane.text("status", "gpt-5.6")
    told = plane.text("status", by="applicant")
    assert "oncd has designated gpt-5.6 a covered frontier model, since" in told
    assert "its public statement: by its benchmarks" in told
    assert "its basis is sealed" in told
    assert "admitted by: oncd and ostp and caisi" in told
    assert "no one may see" not in told
    shown = plane.answer("status")["releases"][0]
    assert (shown["scrutiny"], shown["designations"][0]["scrutiny"]) == (["elevated"], "elevated")
    case = plane.submit("Example Hospital")
    for agency in ("oncd", "ostp"):
        assert plane.say(case, agency).get("determination") is None
    assert plane.say(case, "caisi")["determination"] == "approved"


def test_the_agency_may_keep_its_basis(plane):
    basis, kept = plane.file("basis.txt", "the benchmarks"), plane.folder / "kept.json"
    more = ("--basis", basis, "--keep", kept, "--key", plane.key("oncd"))
    plane.text(*DESIGNATE, *more, by="oncd")
    assert json.loads(kept.read_text())["value"] == "the benchmarks"
    assert plane.answer("status")["releases"][0]["designations"][0]["sealed"] is True


def test_of_what_it_is_comparable_to_is_part_of_the_class(plane):
    comparable = ("release", "designate", "gpt-5.6", "--class", "comparable-to")
    key = ("--key", plane.key("oncd"))
    assert plane.error(*comparable, *key, by="oncd")["code"] == "class_incomplete"
    told = plane.text(*comparable, "--model", "mythos-5", *key, by="oncd")
    assert "comparable to mythos-5" in told
    assert plane.error(*DESIGNATE, "--model", "none", *key, by="oncd")["code"] == "model_unknown"
    assert plane.error(*DESIGNATE, "--key", plane.key("ostp"), by="ostp")["code"] == "not_to_designate"
    assert plane(*DESIGNATE, by="oncd").code == 2
    assert plane(*DESIGNATE, "--preview", "--keep", "x", by="oncd").code == 2
    told = plane.text(*comparable, "--model", "mythos-5", "--withdraw", *key, by="oncd")
    assert told.startswith("oncd withdraws that a model of gpt-5.6 is comparable to mythos-5, entry ")
    assert "no scrutiny level is in force" in told


def test_the_developer_has_it_reconsidered_and_the_agency_ends_it(plane):
    found = plane.answer(*DESIGNATE, "--statement", "by tests", "--key", plane.key("oncd"), by="oncd")
    asked = ("release", "reconsider", "gpt-5.6", found["designation"])
    assert plane.answer(*DESIGNATE, "--preview")["previous"] == found["designation"]
    told = plane.text(*asked, "--text", "the benchmark is wrong")
    case = plane.answer(*asked, "--text", "the benchmark is wrong")["case"]
    assert f"case {case} asks whether the designation" in told
    exported = plane.folder / "case.json"
    assert "--model names it" in plane.error(*DESIGNATE[:-1], "comparable-to", "--preview")["remedy"]
    told = plane.text("review", "export", case, "-o", exported, by="oncd")
    assert "reconsider case" in told
    assert "the developer: the benchmark is wrong" in told
    assert "statement: by tests" in told
    assert plane.say(case, "oncd")["determination"] == "approved"
    assert plane.answer("status")["releases"][0].get("designations", []) == []
    told = plane.text("case", "show", case)
    assert told.startswith(f"{case}: reconsider of gpt-5.6\n")
    assert "the developer says: the benchmark is wrong" in told


def test_a_plan_says_what_becomes_of_designations(plane):
    plane.text(*DESIGNATE, "--key", plane.key("oncd"), by="oncd")
    told = plane.text("plan", plane.file("fewer.yaml", JUDGED.replace("seats: 2", "seats: 1")))
    assert "designations hold: in force are the terms of scrutiny elevated" in told
    told = plane.text("plan", plane.file("other.yaml", JUDGED.replace("1" * 64, "3" * 64)))
    assert "oncd's designation of gpt-5.6 as a covered frontier model would lead to nothing any more" in told
