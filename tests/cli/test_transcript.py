"""The whole path at the command line, from a plan to a verified record, each answer in its own shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import EXAMPLES, Plane
from tests.cli.commands import plane as running_plane

RELEASE, STAGE = "gpt-5.6", "trusted-partners"
CUSTOMERS = ("example-utility", "example-grid-operator")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    """A control plane of this module's own, in which nothing has happened yet."""
    with running_plane(cli, tmp_path_factory.mktemp("transcript")) as made:
        yield made


def decide(plane: Plane, case: str, agency: str, folder: Path, *options: str) -> Any:
    """What a reviewer does: export, read, sign offline, import."""
    exported, signed = folder / f"{case}-{agency}.json", folder / f"{case}-{agency}.signed.json"
    plane.answer("review", "export", case, "-o", exported, by=agency)
    sign = ("review", "sign", exported, "--position", "approve", "--key", plane.key(agency), "-o", signed)
    said = plane.answer(*sign, *options, by=None)
    assert said == {"case": case, "agency": agency, "position": "approve", "file": str(signed)}
    imported = plane.answer("review", "import", signed, by=agency)
    assert set(imported) == {"case", "agency", "digest", "size", "determination"}
    assert DIGEST.fullmatch(imported["digest"])
    return imported


def admit(plane: Plane, organization: str, folder: Path) -> str:
    """Apply, be approved by both agencies, and return the grant."""
    where = ("--release", RELEASE, "--stage", STAGE, "--surface", "api")
    file = EXAMPLES / f"{organization}.yaml"
    applied = plane.answer("application", "submit", *where, "--organization", file)
    assert set(applied) == {"application", "state", "size"}
    case = applied["application"]
    assert plane.answer("application", "show", case)["awaiting"] == ["oncd", "ostp"]
    assert decide(plane, case, "oncd", folder, "--reason", "they asked early")["determination"] is None
    assert decide(plane, case, "ostp", folder)["determination"] == "approved"
    shown = plane.answer("application", "show", case)
    assert set(shown) >= {
        "application", "state", "stage", "surface", "positions", "determination", "awaiting", "grant"
    }  # fmt: skip
    assert [said["reason"] for said in shown["positions"]] == ["they asked early", ""]
    again = plane("application", "submit", *where, "--organization", file, "--json")
    assert (again.code, again.error["code"]) == (1, "already_granted")
    return str(shown["grant"]["grant"])


def test_from_a_plan_to_a_verified_record(plane, tmp_path):
    terms_are_agreed(plane, tmp_path)
    the_stage_is_opened(plane)
    grants = [admit(plane, organization, tmp_path) for organization in CUSTOMERS]
    keys_are_issued_and_revoked(plane, grants)
    an_order_is_issued_and_lifted(plane)
    the_record_verifies(plane, tmp_path)


def terms_are_agreed(plane: Plane, folder: Path) -> None:
    plan = EXAMPLES / "gpt-5.6-preview.yaml"
    preview = plane.answer("plan", plan)
    assert (preview["release"], preview["new"], preview["termsToAgree"]) == (RELEASE, True, [STAGE])
    applied = plane.answer("apply", plan)
    assert set(applied) >= {"release", "termsDigests", "size", "changes"}
    assert DIGEST.fullmatch(applied["termsDigests"][STAGE])
    assert applied["termsDigests"] == preview["termsDigests"]
    again = plane.answer("apply", plan)
    assert (again["size"], again["changes"], again["cases"]) == (applied["size"], [], [])
    assert plane("plan", plan).out.startswith(f"{RELEASE}: no change\n")
    (case,) = applied["cases"]
    for agency, determination in (("ostp", None), ("oncd", "approved")):
        assert decide(plane, case, agency, folder)["determination"] == determination


def the_stage_is_opened(plane: Plane) -> None:
    opening = ("stage", "open", RELEASE, STAGE, "--key", plane.key("release-officer"))
    opened = plane.answer(*opening)
    assert (opened["release"], opened["stage"]) == (RELEASE, STAGE)
    assert plane.answer(*opening)["size"] == opened["size"]
    assert re.search(rf"{RELEASE} +{STAGE} .* agreed +open +0 of 24", plane("status").out)


def keys_are_issued_and_revoked(plane: Plane, grants: list[str]) -> None:
    for grant in grants:
        issued = plane.answer("credential", "issue", "--grant", grant)
        assert set(issued) >= {"credential", "key", "grant"}
        assert re.fullmatch(r"sg_[A-Za-z0-9_-]{49}", issued["key"])
        assert issued["grant"] == grant
    text = plane("credential", "issue", "--grant", grants[0]).out
    said = re.match(
        r"the key (cred_\w+) is made; .*\n  key, shown only now: (sg_\S{49})\n  it works for gpt-5.6 on api, "
        r"at ",
        text,
    )
    assert said, text
    assert text.count(said[2]) == 1, "a command with the key in it ends up in the history of a shell"
    assert "'Authorization: Bearer KEY', or 'x-api-key: KEY'\n" in text
    assert "not open yet" not in text
    assert plane.answer("credential", "revoke", said[1])["credential"] == said[1]
    unknown = plane("credential", "revoke", "cred_nobody", "--json")
    assert (unknown.code, unknown.error["code"]) == (1, "credential_unknown")


def an_order_is_issued_and_lifted(plane: Plane) -> None:
    order, name = EXAMPLES / "suspend-gpt-5.6.yaml", "oncd-example-grid"
    preview = plane.answer("directive", "preview", order)
    assert preview["covered"]["organizations"] == preview["spared"]["organizations"] == 1
    issue = ("directive", "issue", order, "--key", plane.key("oncd"))
    issued = plane.answer(*issue, by="oncd")
    assert set(issued) >= {"directive", "size", "acceptedAt", "covered"}
    assert TIME.fullmatch(issued["acceptedAt"])
    assert issued["covered"] == preview["covered"]
    assert (again := plane(*issue, "--json")).code == 1
    assert again.error["code"] == "name_taken"
    assert f"{name}: in force everywhere" in plane("directive", "status", name, "--watch").out
    status = plane.answer("directive", "status", name)
    assert (status["directive"], status["inForce"], status["gateways"]) == (name, True, [])
    assert "Example Grid Operator" not in plane("directive", "list").out
    stranger = plane("directive", "lift", name, "--key", plane.key("ostp"), "--json")
    assert (stranger.code, "oncd" in stranger.error["message"]) == (3, True)
    lifted = plane.answer("directive", "lift", name, "--key", plane.key("oncd"), by="oncd")
    assert set(lifted) >= {"directive", "case", "size"}
    assert plane.answer("directive", "list")["directives"][0]["inForce"] is False
    gone = plane("directive", "lift", name, "--key", plane.key("oncd"), "--json")
    assert (gone.code, gone.error["code"]) == (1, "directive_lifted")


def the_record_verifies(plane: Plane, folder: Path) -> None:
    copy, size = folder / "copy", plane.answer("status")["size"]
    assert plane.answer("ledger", "export", "-o", copy)["size"] == size
    answers = [
        plane.answer("ledger", "verify", where, "--key", plane.vkey, by=None)
        for where in (plane.url, copy, plane.database)
    ]
    (first, *_), proofs, law = answers, answers[0]["proofs"], answers[0]["law"]
    assert answers == [first] * 3
    assert (first["ok"], first["size"], first["firstBad"]) == (True, size, None)
    assert first["log"] == plane.vkey.split("+")[0]
    assert proofs["bad"] == 0
    assert (law["unlawful"], law["unlawfulCount"]) == ([], 0)
    assert law["noRule"] == size - law["judged"]
    hidden = {"is_of_its_organization", "is_the_applicants"}  # who they are
    assert law["unchecked"] == dict.fromkeys(hidden, len(CUSTOMERS))
    assert [len(each["entries"]) for each in law["uncheckedAt"]] == [len(CUSTOMERS)] * len(hidden)
    assert (proofs["checked"], proofs["proven"], proofs["noted"]) == (1, 0, 1)  # no gateway runs
    assert law["judged"]
    assert "Example" not in str([path.read_bytes() for path in copy.rglob("*") if path.is_file()])


def test_tokens_are_made_for_roles(plane):
    made = plane.answer("token", "issue", "--role", "applicant", "--name", "example-utility")
    assert re.fullmatch(r"sgt_[A-Za-z0-9_-]{49}", made["token"])
    cases = plane.cli("case", "list", "--json", url=plane.url, token=made["token"]).answer["cases"]
    assert cases == []  # an applicant sees its own
    for role, options in (("agency", ()), ("agency", ("--agency", "nobody")), ("emperor", ())):
        done = plane("token", "issue", "--role", role, "--name", "x", *options, "--json")
        assert done.code == 1
        assert done.error["code"] in ("party_unknown", "role_unknown")
