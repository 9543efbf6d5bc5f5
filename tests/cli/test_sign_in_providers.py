"""The file that says by which identity providers people sign in."""

from __future__ import annotations

from pathlib import Path

import pytest

from sluicegate.cli import sign_in_providers
from sluicegate.errors import InvalidInput
from sluicegate.settings import PersonRule

GOOD = """
[staff]
title = "Example Lab"
issuer = "https://login.lab.example"
client_id = "sluicegate"
client_secret_file = "staff.secret"

[[staff.people]]
claim = "email"
is = "ana@lab.example"
role = "developer"
name = "release"
"""


def read(folder: Path, text: str, mode: int = 0o600):
    secret, file = folder / "staff.secret", folder / "providers.toml"
    secret.write_text("a secret\n")
    secret.chmod(mode)
    file.write_text(text)
    return sign_in_providers.read(file)


def test_what_the_how_to_shows_is_read(tmp_path):
    (found,) = read(tmp_path, GOOD)
    assert (found.name, found.issuer, found.client_secret) == (
        "staff",
        "https://login.lab.example",
        "a secret",
    )
    assert found.people == (PersonRule("email", "ana@lab.example", "developer", "release"),)
    assert sign_in_providers.read(None) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[staff", "cannot be read"),
        (GOOD.replace("https://login", "http://login"), "expected one by https"),
        (GOOD.replace('title = "Example Lab"\n', ""), "title"),
        (GOOD + "[staff.more]\n", "expected with texts"),
        (GOOD.replace("[staff]", "[Staff!]"), "cannot be read"),
        (GOOD.partition("[[")[0], "expected with texts"),
        (GOOD.replace('claim = "email"\n', ""), "people"),
        (GOOD.replace('is = "ana@lab.example"', "is = 1"), "people"),
        (GOOD.replace("staff.secret", "gone.secret"), "cannot be read"),
        (GOOD.replace('role = "developer"', 'role = "gateway"'), "with the role 'gateway'"),
        (GOOD.replace('role = "developer"', 'role = "agency"'), "of 'release', with .* and no party"),
        (GOOD + 'party = "oncd"\n', "of 'release', with the role 'developer' and a party"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, said):
    with pytest.raises(InvalidInput, match=said):
        read(tmp_path, text)


def test_a_rule_for_a_person_of_an_agency_says_which(tmp_path):
    of_agency = GOOD.replace('role = "developer"', 'role = "agency"')
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, of_agency)
    assert caught.value.remedy == 'say which agency: party = "oncd"'
    (found,) = read(tmp_path, of_agency + 'party = "oncd"\n')
    assert found.people == (PersonRule("email", "ana@lab.example", "agency", "release", "oncd"),)


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, GOOD, 0o644)
    assert "chmod 600" in caught.value.remedy
