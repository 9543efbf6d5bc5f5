"""The file that says that a state folder was restored, and that newer heads of its log may have been seen.

Rules:
- While it is there nothing is served from the folder: an older log would be forked by its first new entry.
- It is plain JSON without secrets: officers get it to sign what follows from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from sluicegate.errors import StoreUnusable
from sluicegate_record.form import Form, form
from sluicegate_record.statements.epochs import TreeHead

NAME = "restored.json"


@form
class Restored(Form):
    """What was restored, and the newer heads that are known, by who has seen each."""

    log: str
    restored: TreeHead
    seen: Mapping[str, TreeHead]

    @property
    def newer(self) -> dict[str, TreeHead]:
        """The heads beyond what was restored."""
        return {name: head for name, head in self.seen.items() if head.size > self.restored.size}


def read(state_dir: Path) -> Restored | None:
    """What is to be settled in a state folder; None if nothing is."""
    path = state_dir / NAME
    return Restored.from_json(json.loads(path.read_bytes())) if path.exists() else None


def write(state_dir: Path, found: Restored | None) -> None:
    """Replace what is to be settled; None: it is settled."""
    path = state_dir / NAME
    if found is None:
        path.unlink(missing_ok=True)
        return
    written = path.with_suffix(".new")
    with written.open("w") as file:
        json.dump(found.to_json(), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def check(state_dir: Path) -> None:
    """Check that a state folder may be served. Raises: StoreUnusable (`restored_unsettled`)."""
    found = read(state_dir)
    if found is not None:
        newer = ", ".join(f"{name} {head.size}" for name, head in sorted(found.newer.items())) or "unknown"
        raise StoreUnusable(
            f"{state_dir} was restored at {found.restored.size} entries, and newer ones were seen: {newer}",
            code="restored_unsettled",
            remedy="take them back: 'sluicegate backup complete --from FOLDER'; or go on without: "
            "'sluicegate backup sign FILE --key KEY -o FILE', 'sluicegate backup begin FILE'",
        )
