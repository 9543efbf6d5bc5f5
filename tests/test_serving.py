from __future__ import annotations

import asyncio
import gc
import json
import os
from pathlib import Path

import pytest

from sluicegate import bootstrap
from sluicegate.bootstrap import run_until_signalled
from sluicegate.cli import serving as cli
from sluicegate.errors import StoreUnusable
from sluicegate.settings import ControlSettings
from sluicegate_record.log import canonical
from tests.worlds import public_key


def test_collections_leave_alone_what_was_loaded_before_serving():
    loaded: list[object] = [[]]
    seen: list[int] = []

    async def serving(_: asyncio.Event) -> None:
        seen.append(gc.get_freeze_count())
        assert not any(each is loaded for each in gc.get_objects())

    try:
        run_until_signalled(serving)
    finally:
        gc.unfreeze()
    assert seen[0] > 0


def test_what_the_operator_says_of_the_clock_is_said_of_the_first_start_alone() -> None:
    settings = ControlSettings(Path("state"), Path("trust"), "log.example", port=0, clock_is_right=True)
    assert cli.of_start(settings, "").clock_is_right
    later = cli.of_start(settings, json.dumps({"url": "http://127.0.0.1:8601"}))
    assert (later.clock_is_right, later.port) == (False, 8601)


def test_a_reserve_that_is_larger_than_what_is_free_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = os.statvfs(tmp_path)
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    settings = ControlSettings(tmp_path, tmp_path, "log.example", reserve_bytes=(free + size) // 2)
    bootstrap._check_reserve(settings)
    assert "are free, so only what narrows is accepted" in caplog.text
    caplog.clear()
    bootstrap._check_reserve(ControlSettings(tmp_path, tmp_path, "log.example", reserve_bytes=0))
    assert not caplog.text


@pytest.mark.parametrize("left", ["no file", "an empty file"])
def test_a_folder_that_has_lost_its_database_begins_no_other_log(tmp_path: Path, left: str) -> None:
    state = tmp_path / "state"
    (state / "tokens").mkdir(parents=True)
    trusted = tmp_path / "trust.yaml"
    key = canonical.b64(public_key("release-officer"))
    document = {
        "apiVersion": "sluicegate/v1",
        "kind": "Trust",
        "metadata": {"developer": "openai"},
        "spec": {"officers": {"release-officer": {"key": key}}, "agencies": {}},
    }
    trusted.write_text(json.dumps(document))
    if left == "an empty file":
        (state / "ledger.db").touch()
    with pytest.raises(StoreUnusable, match="has no entries") as found:
        bootstrap.control(ControlSettings(state, trusted, "log.example", reserve_bytes=0), "serve")
    assert "backup restore" in found.value.remedy
    assert not (state / "log.key").exists()
