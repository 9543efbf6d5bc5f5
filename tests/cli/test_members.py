"""An organization's people by command line: registered, claimed, corrected by themselves, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sluicegate.core.people.members import PART_ROWS
from tests.cli.timed import TimedPlane, timed_plane
from tests.core.people.test_assertion import jwk

CSV = """\
identifier,status,method,assurance,until
ada@example.org,us_citizen,document-seen,organization,2027-01-31
ben@example.org,other,self-declared,self-asserted,
eve@example.org,,,,
"""


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def test_a_long_list_of_which_a_later_part_is_refused_leaves_nothing(plane):
    _, grant = plane.admit("Example Utility")
    of = ("--grant", grant)
    plane.answer(
        "member", "import", plane.file("one.csv", "identifier\nlast@example.org\n"), *of, by="applicant"
    )
    size = plane.ledger.size()
    rows = [f"member{number}@example.org" for number in range(PART_ROWS)]
    people = plane.file("people.csv", "\n".join(["identifier", *rows, "last@example.org"]))
    refused = plane.error("member", "import", people, *of, by="applicant")
    assert (refused["code"], plane.ledger.size()) == ("identifier_taken", size)
    made = plane.answer("member", "import", people, "--update", *of, by="applicant")
    assert (len(made["members"]), made["added"]) == (PART_ROWS + 1, PART_ROWS)


def test_members_from_a_list_to_their_own_word(plane, cli):
    _, grant = plane.admit("Example Utility")
    of = ("--grant", grant)
    wrong = plane.file("wrong.csv", CSV.replace("us_citizen", "citizen").replace("self-declared", "P 1"))
    refused = plane("member", "import", wrong, *of, by="applicant")
    assert refused.code == 3
    assert "wrong.csv:2:17: expected one of us_citizen" in refused.err
    assert "wrong.csv:3:23: expected how it is known" in refused.err

    people = plane.file("people.csv", CSV)
    made = plane.answer("member", "import", people, *of, by="applicant")
    ada, ben, eve = made["members"]
    assert made["added"] == 3
    again = plane("member", "import", people, *of, by="applicant")
    assert (again.code, f"row 1: an identifier of it is that of the member '{ada}'" in again.err) == (1, True)
    size = plane.ledger.size()
    said = plane.text("member", "import", people, "--update", *of, by="applicant")
    assert said == f"3 members, 0 of them new; the public log now has {size} entries\n"
    assert plane.ledger.size() == size

    token = plane.answer("member", "link", ada, by="applicant")["link"].partition("/person#")[2]

    def person(*arguments: object) -> str:
        done = cli("person", *arguments, url=plane.url, token=token)
        assert done.code == 0, done
        return str(done.out)

    assert "us_citizen  document-seen  organization  2027-01-31T00:00:00.000Z" in person("show")
    assert person("correct", "--status", "other").startswith("you said: other; the public log now has")
    assert "you              other" in person("show")
    told = plane.text("member", "list", *of, by="applicant")
    assert [line.split()[-1] == "yes" for line in told.splitlines()[1:]] == [True, False, False]
    shown = plane("member", "list", *of, "--identifier", "ada@example.org", "--json", by="applicant").out
    assert '"other"' not in shown
    assert ben not in shown

    claim = ("member", "claim", ada, "--status", "other", "--method", "i-9")
    assert plane.text(*claim, by="applicant").startswith(f"{ada}: other; the public log now has")
    assert "yes" not in plane.text("member", "list", *of, by="applicant")
    assert person("correct", "--take-back").startswith("you took back what you said")
    plane.text("member", "revoke", ada, by="applicant")
    more = ("member", "add", *of, "--member", ada, "--identifier", "ada@other.example.org")
    assert plane.answer(*more, by="applicant")["members"] == [ada]
    found = plane.answer("member", "list", *of, "--identifier", "ada@other.example.org", by="applicant")
    assert [each["member"] for each in found["members"]] == [ada]

    key = plane.answer("credential", "issue", *of, "--member", ben, by="applicant")
    assert key["member"] == ben
    removed = plane.text("member", "remove", ben, eve, *of, by="applicant")
    assert removed.startswith("2 members removed, 1 key revoked with them")
    plane.text("member", "add", *of, "--identifier", "ben@example.org", by="applicant")


def test_nobody_elses_members_exist(plane):
    _, grant = plane.admit("Example Utility")
    made = plane.answer(
        "member", "add", "--grant", grant, "--identifier", "ada", "--identifier", "a-1", by="applicant"
    )
    ada = made["members"][0]
    for by in ("rival", "developer"):
        refused = plane.error("member", "list", "--grant", grant, by=by)
        assert refused["code"] == "grant_unknown"
        for command in (
            ("claim", ada, "--status", "other", "--method", "i-9"),
            ("revoke", ada),
            ("link", ada),
        ):
            assert plane.error("member", *command, by=by)["code"] == "member_unknown"
    assert plane.error("member", "list", "--grant", grant, by="oncd")["code"] == "forbidden"
    assert plane.error("person", "show", by="applicant")["code"] == "forbidden"


def test_a_signatory_attests_a_key_and_a_provider_is_registered(plane):
    _, grant = plane.admit("Example Utility")
    of = ("--grant", grant)
    cred = plane.answer("credential", "issue", *of, by="applicant")["credential"]
    key = plane.folder / "signatory.key"
    plane.answer("keys", "generate", "-o", key, by=None)
    attest = ("credential", "attest", cred, "--status", "us_citizen", "--until", "2026-12-31", "--key", key)
    assert plane.error(*attest, by="applicant")["code"] == "signature_invalid"
    pinned = plane.answer("signatory", "pin", f"{key}.pub", *of, by="applicant")["signatory"]
    assert f"{cred} is attested until 2026-12-31T00:00:00.000Z; the" in plane.text(*attest, by="applicant")
    assert cred in plane.text("signatory", "list", *of, by="applicant")
    late = (*attest[:6], "2028-01-01", *attest[7:])
    assert plane.error(*late, by="applicant")["code"] == "until_out_of_range"
    plane.text("credential", "withdraw", cred, by="applicant")
    assert plane.error(*attest, by="applicant")["code"] == "attestation_spent"
    assert "0 attestations ended" in plane.text("signatory", "retire", pinned, *of, by="applicant")

    keys = plane.file("jwks.json", json.dumps({"keys": [jwk("es")]}))
    about = ("--issuer", "https://login.example.org/", "--audience", "us", "--algorithm", "ES256")
    add = ("provider", "add", *of, *about)
    assert plane.error(*add, by="applicant")["code"] == "invalid_input"
    private = plane.error(*add, "--jwks-url", "https://127.0.0.1/jwks.json", by="applicant")
    assert private["code"] == "target_private"
    name = plane.answer(*add, "--jwks", keys, by="applicant")["provider"]
    rotated = plane.file("new.json", json.dumps({"keys": [jwk("es"), jwk("new-es")]}))
    said = plane.text("provider", "rotate", name, "--jwks", rotated, by="applicant")
    assert said.startswith(f"{name} signs with es, new-es; ")
    assert plane.error("provider", "rotate", name, by="applicant")["code"] == "no_url"
    assert "es, new-es" in plane.text("provider", "list", *of, by="applicant")
    plane.text("provider", "remove", name, by="applicant")
    assert plane.text("provider", "list", *of, by="applicant") == "No provider yet.\n"
