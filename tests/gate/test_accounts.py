"""The secrets file of a gateway: what it may say, and that errors repeat no secret."""

from __future__ import annotations

import pytest

from sluicegate.cli import upstreams
from sluicegate.errors import InvalidInput
from sluicegate.gate import accounts
from sluicegate.settings import UpstreamTarget

TARGETS = {"demo": UpstreamTarget("http://demo"), "old": UpstreamTarget("http://old", "from-before")}
SECRET = "sk-a-secret"


def test_reads_shared_keys_and_those_of_grants():
    text = f'[demo]\nkey = "shared"\n[demo.grants]\ngrant_1 = "{SECRET}"\n[old.grants]\ngrant_2 = "x"\n'
    found = accounts.read(text, TARGETS)
    assert found["demo"] == UpstreamTarget("http://demo", "shared", keys={"grant_1": SECRET})
    assert found["old"] == UpstreamTarget("http://old", "from-before", keys={"grant_2": "x"})


def test_an_empty_file_changes_no_target():
    assert accounts.read("", TARGETS) == TARGETS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[demo]\nkey = "{SECRET}\n', r"not toml \(at line 2"),
        (f'[other]\nkey = "{SECRET}"', "the upstream 'other'"),
        (f'demo = "{SECRET}"', r"\[demo\] of the secrets file"),
        (f'[demo]\nkeys = "{SECRET}"', r"\[demo\] of the secrets file"),
        (f'[demo]\ngrants = "{SECRET}"', r"expected \[demo.grants\]"),
        ("[demo]\nkey = 1", "demo.key is no key"),
        ('[demo]\nkey = ""', "demo.key is no key"),
        (f'[demo.grants]\ng = "{SECRET} "', "demo.grants.g is no key"),
        (f'[demo.grants]\ng = ["{SECRET}"]', "demo.grants.g is no key"),
        (f'[demo]\nkey = "{SECRET}"\n[demo.grants]\ng = "{SECRET}"', "the key that all share"),
        ('[old.grants]\ng = "from-before"', "the key that all share"),
        ("x" * (accounts.TEXT_MAX + 1), "expected at most"),
    ],
)
def test_refuses_without_repeating_a_secret(text, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        accounts.read(text, TARGETS)
    assert SECRET not in caught.value.message


def test_a_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "keys.toml"
    file.write_text('[demo]\nkey = "x"\n')
    file.chmod(0o640)
    with pytest.raises(InvalidInput, match="read by others"):
        upstreams.read(["demo=http://127.0.0.1:1"], file)
    file.chmod(0o600)
    assert upstreams.read(["demo=http://127.0.0.1:1"], file)["demo"].api_key == "x"


def test_no_target_shows_its_keys():
    assert SECRET not in repr(UpstreamTarget("http://demo", SECRET, keys={"grant_1": SECRET}))
