"""The story's last part: anyone can check the record with only its key, and finds a forged copy.

`sluicegate ledger` makes the checks, in processes that get no other information.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from demo.scene import Scene
from demo.telling import Page, expect
from sluicegate_record.log import tiles

TIMEOUT_S = 60.0


GROWS_MAX = 10
"""How often the log may have grown during a check."""


class Record:
    """`verified`, `tampered`."""

    def __init__(self, scene: Scene) -> None:
        self._site = scene.site
        self._copy = scene.site.folder / "copy"

    def verified(self, page: Page) -> None:
        """The served log verifies, and so does a copy of it."""
        served, copied = self._served_and_copied()
        for answer in (served, copied):
            expect(answer["ok"] and answer["firstBad"] is None, f"the log does not verify: {answer}")
        expect(served["root"] == copied["root"], "the copy has another root than the log")
        page(f"The log verifies with nothing but its key: {served['size']} entries, root {served['root']}.")
        page("An exported copy verifies as well, and has the same root.")

    def _served_and_copied(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The log and a copy of it at one size: gateways report, so it may grow between the two looks."""
        served: dict[str, Any] = {}
        copied: dict[str, Any] = {}
        for _ in range(GROWS_MAX):
            shutil.rmtree(self._copy, ignore_errors=True)
            _ledger(self._site.control_url, "export", "--output", str(self._copy))
            copied = self._verify(str(self._copy), expected=0)
            served = self._verify(self._site.control_url, expected=0)
            if served["size"] == copied["size"]:
                break
        return served, copied

    def tampered(self, page: Page) -> None:
        """One byte of the copy is changed, and the check names the entry."""
        size = int((self._copy / "checkpoint").read_text().splitlines()[1])
        index = size // 2
        _change_a_byte(self._copy, index, size)
        answer = self._verify(str(self._copy), expected=5)
        expect(not answer["ok"] and answer["firstBad"] == index, f"the change was not found: {answer}")
        page(f"One byte of the copy is changed, in entry {index}. It no longer verifies: firstBad {index}.")

    def _verify(self, where: str, expected: int) -> dict[str, Any]:
        return _ledger(self._site.control_url, "verify", where, "--key", self._site.vkey, expected=expected)


def _ledger(url: str, *arguments: str, expected: int = 0) -> dict[str, Any]:
    """Run `sluicegate ledger …` and return its answer. Raises: VerificationFailed: another exit code."""
    command = [sys.executable, "-m", "sluicegate", "ledger", *arguments, "--json"]
    ended = subprocess.run(  # noqa: S603 - our own interpreter, our own arguments
        command,
        env={**os.environ, "SLUICEGATE_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    said = f"'ledger {arguments[0]}' ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
    expect(ended.returncode == expected, said)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def _change_a_byte(copy: Path, index: int, size: int) -> None:
    """Flip one bit in the middle of entry `index` of a copied log."""
    path = copy / list(tiles.entries_paths(size))[index // tiles.TILE_WIDTH][0]
    entries = tiles.decode_entries(path.read_bytes())
    leaf = bytearray(entries[index % tiles.TILE_WIDTH])
    leaf[len(leaf) // 2] ^= 1
    entries[index % tiles.TILE_WIDTH] = bytes(leaf)
    path.write_bytes(tiles.encode_entries(entries))
