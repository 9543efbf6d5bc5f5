"""The state folder of `demo run`: what is gone on with, and what is not."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest

from demo.cast import Cast, agencies_of
from demo.state import opened
from sluicegate.errors import InvalidInput

EXAMPLES = Path(__file__).parents[2] / "examples"
PLAN = "gpt-5.6-preview.yaml"


def test_what_a_run_keeps_the_next_one_finds(tmp_path):
    folder = tmp_path / "build" / "run"
    with opened(folder) as state:
        assert state.credentials == {}
        state.credentials["example-utility"] = "cred_1"
        state.save()
        assert state.write("env", "secret").read_text() == "secret"
        state.write("env", "another")
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with opened(folder) as state:
        assert state.credentials == {"example-utility": "cred_1"}
    assert sorted(path.name for path in folder.iterdir()) == ["env", "state.json"]


def test_an_empty_folder_is_taken_and_closed_to_others(tmp_path):
    tmp_path.chmod(0o755)
    with opened(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_plans_keep_the_dates_of_their_first_use(tmp_path):
    for day in (date(2027, 1, 1), date(2027, 5, 5)):
        with opened(tmp_path) as state:
            (path,) = state.plans(EXAMPLES, (PLAN,), day)
            assert 'askedOn: "2027-01-01"' in path.read_text()
    with opened(tmp_path / "another") as state:
        (path,) = state.plans(EXAMPLES, (PLAN,), date(2027, 5, 5))
        assert 'askedOn: "2027-05-05"' in path.read_text()


def test_a_folder_with_something_else_in_it_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("do not lose")
    with pytest.raises(InvalidInput, match="something other") as refused, opened(tmp_path):
        pass
    assert (refused.value.code, "--state" in refused.value.remedy) == ("state_foreign", True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"{}\xff",
        b'{"format": "sluicegate-demo/2", "credentials": {}}',
        b'{"format": "sluicegate-demo/1", "credentials": []}',
        b'{"format": "sluicegate-demo/1", "credentials": {"example-utility": 1}}',
        b'{"format": "sluicegate-demo/1", "credentials": {}, "more": 1}',
    ],
)
def test_what_cannot_be_read_is_not_gone_on_with(tmp_path, content):
    (tmp_path / "state.json").write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot be read") as refused, opened(tmp_path):
        pass
    assert (refused.value.code, "delete" in refused.value.remedy) == ("state_damaged", True)
    assert (tmp_path / "state.json").read_bytes() == content


def test_a_state_is_used_by_one_run_at_a_time(tmp_path):
    with opened(tmp_path):
        with pytest.raises(InvalidInput, match="another demo run") as refused, opened(tmp_path):
            pass
        assert refused.value.code == "state_in_use"
    with opened(tmp_path):
        pass


def test_a_state_that_is_no_folder_is_told(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    for folder in (path, path / "below"):
        with pytest.raises(InvalidInput, match="cannot be used"), opened(folder):
            pass


def test_keys_are_made_once_for_everybody_who_signs(tmp_path):
    agencies = agencies_of(EXAMPLES.glob("gpt-*.yaml"))
    assert agencies == {"oncd", "ostp", "caisi"}
    cast = Cast(tmp_path, agencies)
    cast.assemble(log_exists=False)
    trust = cast.trust_file.read_text()
    cast.assemble(log_exists=True)
    assert cast.trust_file.read_text() == trust
    assert sorted(path.stem for path in (tmp_path / "keys").iterdir()) == [
        "caisi", "oncd", "ostp", "release-officer"
    ]  # fmt: skip


def test_a_key_that_the_log_has_pinned_is_not_made_again(tmp_path):
    cast = Cast(tmp_path, {"oncd"})
    cast.assemble(log_exists=False)
    cast.key_file("oncd").unlink()
    with pytest.raises(InvalidInput, match=r"oncd\.key is missing") as refused:
        cast.assemble(log_exists=True)
    assert refused.value.code == "state_damaged"
    assert not cast.key_file("oncd").exists()
