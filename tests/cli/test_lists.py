"""A list by command line alone: checked, applied, signed over by its names, and used by who is on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import TimedPlane, timed_plane
from tests.worlds import OFFICER

PLAN = f"""\
apiVersion: sluicegate/v1
kind: Release
metadata: {{name: gpt-6, developer: openai}}
spec:
  models: [{{id: gpt-6, upstream: demo, digest: "sha256:{"1" * 64}", safeguards: "sha256:{"2" * 64}"}}]
  surfaces: [api]
  agencies:
    oncd: {{name: Office of the National Cyber Director}}
    ostp: {{name: Office of Science and Technology Policy}}
  evaluators: {{lab: {{name: Example Test Body}}}}
  stages:
    - name: tested
      basis: {{kind: agreed, askedBy: [oncd], how: memorandum, askedOn: "2026-06-24"}}
      audience: evaluators
      admission: {{mode: approve, grant: {{anyOf: [oncd]}}}}
    - name: partners
      basis: {{kind: agreed, askedBy: [oncd, ostp], how: memorandum, askedOn: "2026-06-24"}}
      audience: {{organizations: partners.csv}}
      seats: 24
      admission: {{mode: approve, grant: {{allOf: [oncd, ostp]}}}}
      conditions: {{requestsPerMinute: 60, validFor: P30D}}
"""
ROWS = 'organization,note\nExample Utility,power\n"Muster & Söhne, Inc.",\n'


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        made.file("partners.csv", ROWS)
        yield made


def applied(plane: TimedPlane) -> list[str]:
    """The terms cases of the plan, in the order of its stages."""
    done = plane.answer("apply", plane.file("listed.yaml", PLAN))
    return list(done["cases"])


def opened(plane: TimedPlane) -> str:
    """The plan is agreed to, and its stage with a list open; the principal of the applicant."""
    for case in applied(plane):
        for agency in plane.answer("case", "show", case)["awaiting"]:
            plane.say(case, agency)
    plane.answer("stage", "open", "gpt-6", "partners", "--key", plane.key(OFFICER))
    known = plane.answer("token", "list")["tokens"]
    return next(str(each["principal"]) for each in known if each["name"] == "applicant")


def test_an_agency_signs_over_the_names_and_the_log_has_none(plane):
    tested, partners = applied(plane)
    shown = plane.text("review", "export", partners, "-o", plane.folder / "c.json", by="ostp")
    sign = ("review", "sign", plane.folder / "c.json", "--position", "approve", "--key", plane.key("ostp"))
    shown += plane.text(*sign, "-o", plane.folder / "s.json", by=None)
    assert (
        "admitted by your agreement, 2 organizations:\n    Example Utility\n    Muster & Söhne, Inc." in shown
    )
    assert "  admission:\n    mode: approve\n    grant: oncd and ostp" in shown
    shown = plane.text("review", "export", tested, "-o", plane.folder / "t.json", by="oncd")
    sign = ("review", "sign", plane.folder / "t.json", "--position", "approve", "--key", plane.key("oncd"))
    shown += plane.text(*sign, "-o", plane.folder / "t2.json", by=None)
    assert "1 organization:\n    Example Test Body" in shown
    leaves = b"".join(plane.ledger.store.log.leaves(0, plane.ledger.size()))
    assert b"Muster" not in leaves
    assert b"Example Utility" not in leaves


def test_an_export_that_shows_other_names_is_not_signed(plane):
    _, partners = applied(plane)
    file = plane.folder / "c.json"
    plane.answer("review", "export", partners, "-o", file, by="ostp")
    sign = (
        "review",
        "sign",
        file,
        "--position",
        "approve",
        "--key",
        plane.key("ostp"),
        "-o",
        file.with_suffix(".s"),
    )
    honest = file.read_text()
    for right, wrong in (("Example Utility", "Example Villain"), ("Söhne", "Sohne")):
        file.write_text(honest.replace(right, wrong))
        assert plane.error(*sign, by=None)["code"] == "verification_failed"
    file.write_text(honest)
    plane.answer(*sign, by=None)


def test_who_is_listed_uses_it_with_an_account_and_without_a_case(plane):
    holder = opened(plane)
    assert plane.answer("grant", "list", by="applicant")["grants"] == []
    account = ("account", "open", "--organization", plane.organization("Muster & Söhne, Inc."))
    assert "it has grants with keys of their own: sluicegate grant list" in plane.text(
        *account, "--holder", holder
    )
    plane.answer("account", "open", "--organization", plane.organization("Example Villain"))
    (grant,) = plane.answer("grant", "list", by="applicant")["grants"]
    assert (grant["organization"], grant["stage"], grant["state"]) == (
        "Muster & Söhne, Inc.",
        "partners",
        "approved",
    )
    assert plane.answer("grant", "list")["grants"] == [grant]
    assert plane.answer("grant", "list", by="ostp")["grants"] == [grant]
    assert plane.answer("grant", "list", by="rival")["grants"] == []
    name = grant["grant"]
    assert plane.error("credential", "issue", "--grant", name, by="rival")["code"] == "grant_unknown"
    assert plane.answer("credential", "issue", "--grant", name, by="applicant")["grant"] == name
    assert plane.answer("grant", "show", name, by="applicant")["state"] == "provisioned"
    shown = plane.text("status", by="applicant")
    assert "for 2 listed organizations, admitted by those who agree to the terms, with an account" in shown
    assert "for 1 evaluator, admitted by those who agree to the terms, with an account" in shown
    shown = plane.text("status", "gpt-6")
    assert "\npartners: open; for 2 listed organizations\n" in shown
    assert "\ntested: not open yet; for 1 evaluator\n" in shown
    report = plane.text("release", "report", "gpt-6")
    assert "stage partners: opened 2026-06-29 15:00Z; 1 grant, 0 removed" in report


def test_a_grant_by_a_list_is_renewed_removed_and_given_back_as_any_other(plane):
    holder = opened(plane)
    plane.answer(
        "account", "open", "--organization", plane.organization("Example Utility"), "--holder", holder
    )
    name = plane.answer("grant", "list", by="applicant")["grants"][0]["grant"]
    amend = ("application", "amend", name, "--renew")
    assert plane.error(*amend, by="rival")["code"] == "grant_unknown"
    renewal = plane.answer(*amend, by="applicant")["application"]
    assert f"{renewal}: amendment" in plane.show(renewal)
    plane.say(renewal, "oncd")
    assert plane.say(renewal, "ostp")["determination"] == "approved"
    removal = ("grant", "remove", name, "--code", "misuse", "--text", "keys were shared")
    case = plane.answer(*removal, by="ostp")["case"]
    assert "for Example Utility" in plane.show(case)
    for agency in ("oncd", "ostp"):
        plane.say(case, agency)
    plane.later(11)
    assert plane.answer("grant", "show", name, by="applicant")["state"] == "removed"
    appeal = plane.answer("application", "appeal", case, "--text", "it was another one", by="applicant")
    assert "for Example Utility" in plane.show(appeal["case"])


def test_the_plan_again_changes_nothing_and_another_name_is_to_be_agreed_to(plane):
    opened(plane)
    file = plane.folder / "listed.yaml"
    assert plane.text("plan", file) == "gpt-6: no change\n"
    plane.file("partners.csv", ROWS + "Third Partner,\n")
    shown = plane.text("plan", file)
    assert 'audience.organizations: "2 organizations" -> "3 organizations: 1 new, 0 gone"' in shown
    assert (
        "=> changing audience reopens the terms of partners: the stage closes until oncd and ostp agree"
        in shown
    )
    plane.file("partners.csv", "organization\nExample Utility\n")
    assert "=> its terms are only stricter: no new agreement is needed" in plane.text("plan", file)


FAULTS = {
    "organization\nA\na\n": ("partners.csv", 3, "each organization once"),
    "organization\n": ("partners.csv", 1, "1 to 500 rows"),
    "name\nA\n": ("partners.csv", 1, "the column 'organization', and perhaps note; each once"),
    "organization\n" + "\n".join(f"Example {n}" for n in range(25)): (
        "listed.yaml",
        19,
        "a seat for each of the 25 on the list",
    ),
}


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_plan_check_shows_what_is_wrong_with_a_list(cli, tmp_path, text):
    file = tmp_path / "listed.yaml"
    file.write_text(PLAN)
    (tmp_path / "partners.csv").write_text(text)
    (place,) = cli("plan", "--check", file, "--json").error["at"]
    name, line, expected = FAULTS[text]
    assert place["file"].endswith(name)
    assert (place["line"], place["expected"]) == (line, expected)


def test_plan_check_says_that_a_list_is_missing(cli, tmp_path):
    (tmp_path / "listed.yaml").write_text(PLAN)
    told = cli("plan", "--check", tmp_path / "listed.yaml", "--json").error
    assert "partners.csv cannot be read" in told["message"]
    (tmp_path / "partners.csv").write_text(ROWS)
    assert "no error" in cli("plan", "--check", tmp_path / "listed.yaml").out


def test_a_party_that_acts_for_no_account_sees_none_of_it(plane):
    holder = opened(plane)
    plane.answer(
        "account", "open", "--organization", plane.organization("Example Utility"), "--holder", holder
    )
    name = plane.answer("grant", "list", by="applicant")["grants"][0]["grant"]
    for words in (
        ("grant", "show", name),
        ("grant", "surrender", name, "--yes"),
        ("member", "list", "--grant", name),
    ):
        assert plane.error(*words, by="rival")["code"] == "grant_unknown"
