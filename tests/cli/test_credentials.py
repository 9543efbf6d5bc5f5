"""Keys by the command line: imported whole, again, interrupted, wrong; issued, rotated, shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sluicegate.acts import imports as acts
from sluicegate.acts.imports import PART_ROWS, KeyPart
from sluicegate.client.http import Client
from tests.cli.timed import TimedPlane, timed_plane


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        yield made


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def keys(plane: TimedPlane, grant: str, count: int, more: str = "") -> Path:
    rows = [f"{digest(f'sk-{number}')},{grant},key {number},2027-01-31" for number in range(count)]
    return plane.file("keys.csv", "\n".join(["sha256,grant,label,expires", *rows]) + f"\n{more}")


def begin(plane: TimedPlane, name: str, text: str) -> None:
    """The first part of an import, after which its command was interrupted."""
    client = Client(plane.url, plane.token("developer"))
    client.do(acts.IMPORT, KeyPart(name=name, part=0, text=text))
    client.close()


def test_a_list_in_several_parts_counts_as_a_whole_and_once(plane):
    _, grant = plane.admit("Example Utility")
    file = keys(plane, grant, PART_ROWS + 1)
    size = plane.ledger.size()
    checked = plane.text("credential", "import", file, "--check")
    assert checked == "1001 keys under 1 grant would be imported\n"
    assert plane.ledger.size() == size
    done = plane.answer("credential", "import", file)
    assert (done["parts"], done["count"], done["size"]) == (2, PART_ROWS + 1, size + 3)
    said = plane.text("credential", "import", file)
    assert said == "1,001 keys; they were imported before, nothing was done\n"
    assert plane.ledger.size() == size + 3
    listed = plane.text("credential", "list", "--limit", "1")
    assert "valid" in listed
    assert f"key {PART_ROWS}" in listed
    assert "2027-01-31" in listed
    assert f"more: sluicegate credential list --limit 1 --before {done['import']}.{PART_ROWS}" in listed


def test_an_interrupted_import_goes_on_with_the_same_command(plane):
    _, grant = plane.admit("Example Utility")
    file = keys(plane, grant, PART_ROWS + 1)
    name = plane.answer("credential", "import", file, "--check")["import"]
    first = file.read_text().split("\n")[: PART_ROWS + 1]
    begin(plane, name, "\n".join(first))
    assert "open" in plane.text("credential", "imports")
    size = plane.ledger.size()
    done = plane.answer("credential", "import", file)
    assert (done["import"], done["count"], done["size"]) == (name, PART_ROWS + 1, size + 2)


def test_what_is_wrong_is_said_with_its_place_and_nothing_is_taken(plane):
    _, grant = plane.admit("Example Utility")
    file = keys(plane, grant, PART_ROWS, f"sk-example,{grant},,\n{digest('a')},{grant},,31.1.2027\n")
    size = plane.ledger.size()
    refused = plane("credential", "import", file)
    assert refused.code == 3
    assert (
        f"{file}:1002:1: expected the SHA-256 of a key in 64 hex digits, found 10 characters" in refused.err
    )
    assert f"{file}:1003:" in refused.err
    assert "sk-example" not in refused.err
    file = keys(plane, "grant_x", PART_ROWS + 1, f"{digest('sk-0')},{grant},,\n")
    refused = plane("credential", "import", file)
    assert "keys.csv:1003:1: expected each key once" in refused.err
    file = keys(plane, "grant_x", 1)
    refused = plane("credential", "import", file)
    assert (refused.code, "keys.csv:2:1: expected a grant that has not ended" in refused.err) == (3, True)
    assert plane.ledger.size() == size
    assert plane.text("credential", "imports") == "No keys were imported.\n"


def test_a_discarded_list_can_be_imported_again(plane):
    _, grant = plane.admit("Example Utility")
    file = keys(plane, grant, 2)
    name = plane.answer("credential", "import", file, "--check")["import"]
    begin(plane, name, file.read_text().strip())
    other = plane.file("other.csv", file.read_text().replace("key 1", "key one"))
    refused = plane("credential", "import", other)
    assert f"other.csv:2:1: expected a key that is not registered, found the key of {name}.0" in refused.err
    plane.text("credential", "discard", name)
    done = plane.answer("credential", "import", other)
    assert done["count"] == 2
    assert plane("credential", "import", file).code == 3


def test_a_key_is_rotated_after_it_was_shown_what_ends(plane):
    _, grant = plane.admit("Example Utility")
    issue = ("credential", "issue", "--grant", grant, "--label", "build server", "--expires", "2026-12-31")
    old = plane.answer(*issue, by="applicant")["credential"]
    refused = plane("credential", "rotate", old, by="applicant")
    assert refused.code == 2
    assert f"{old} (build server) of Example Utility, valid: a new key takes its place now" in refused.err
    assert "it ends in 7 days at the latest" in refused.err
    done = plane.answer("credential", "rotate", old, "--days", "2", "--yes", by="applicant")
    assert (done["replaces"], done["until"], done["key"][:3]) == (old, "2026-07-01T15:00:00.000Z", "sg_")
    shown = plane.text("credential", "show", old, by="applicant")
    assert f"credential {old}: valid\n" in shown
    assert "called 'build server'" in shown
    assert "it can be used until 2026-07-01T15:00:00.000Z" in shown
    plane.later(2)
    assert f"credential {old}: expired\n" in plane.text("credential", "show", old, by="applicant")
    again = plane.error("credential", "rotate", old, "--yes", by="applicant")
    assert again["code"] == "credential_expired"


def test_an_organization_declares_by_its_signatory_what_its_identifiers_mean(plane):
    _, grant = plane.admit("Example Utility")
    key = plane.folder / "signatory.key"
    plane.cli("keys", "generate", "-o", key)
    plane.text("signatory", "pin", f"{key}.pub", "--grant", grant, by="applicant")
    declare = ("credential", "declare", "none", "--key", key)
    assert plane(*declare, by="applicant").code == 2
    assert plane.error(*declare, "--grant", grant, by="rival")["code"] == "grant_unknown"
    assert plane.error(*declare, "--credential", "cred_x", by="applicant")["code"] == "credential_unknown"
    said = plane.text(*declare, "--grant", grant, by="applicant")
    assert said.startswith(f"{grant}: identifiers in requests name no person, unless they are registered; ")
    back = ("credential", "declare", "persons", "--key", key, "--grant", grant)
    assert plane.answer(*back, by="applicant")["identifiers"] == "persons"
    assert (
        plane.error("credential", "declare", "some", "--key", key, "--grant", grant)["code"] == "bad_envelope"
    )


def test_a_key_is_issued_under_an_account_as_its_opening_says(plane):
    file = plane.file("shop.yaml", "name: Example Shop\nregisteredIn: GB\n")
    opened = plane.text("account", "open", "--organization", file)
    command = opened.partition("issue a key: sluicegate ")[2].splitlines()[0].split()
    said = plane.text(*command, "--label", "till")
    assert "where a stage is open for everyone" in said
    name = said.split()[2]
    account = command[command.index("--grant") + 1]
    shown = plane.text("credential", "show", name)
    assert shown.splitlines()[:3] == [
        f"credential {name}: valid",
        f"  under account {account} of Example Shop",
        "  called 'till'",
    ]
    assert plane.error("credential", "rotate", name)["message"].startswith(f"{name} (till) of Example Shop")
    text = plane.text("credential", "rotate", name, "--yes")
    assert f"the old key, {name}, can be used" in text
    assert f"end it sooner: 'sluicegate credential revoke {name}'" in text
    listed = plane.answer("credential", "list", "--grant", account)["credentials"]
    assert [(each["credential"] == name, each.get("label"), each["stage"]) for each in listed] == [
        (False, "till", None),
        (True, "till", None),
    ]
    rest = plane.answer("credential", "list", "--grant", account, "--before", listed[0]["credential"])
    assert [each["credential"] for each in rest["credentials"]] == [name]
    assert plane.error("credential", "show", name, by="applicant")["code"] == "credential_unknown"
    assert plane.error("credential", "list", "--grant", account, by="rival")["code"] == "grant_unknown"
    assert plane.answer("credential", "revoke", name)["credential"] == name
    plane.text("account", "close", account)
    assert "its account is closed" in plane.text("credential", "show", listed[0]["credential"])
