"""Ids as people type them: as much of one as no other has.

Rules:
- What is typed is looked up when it is read, so that a command knows, shows and signs the whole id.
- With `--yes` no one sees what a command is about to do, so nothing is looked up: the id has to be whole.
- What cannot be looked up is asked for as it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from sluicegate.acts import ids
from sluicegate.acts.ids import Beginning
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput, SluicegateError

_WHOLE = re.compile(r"[a-z]+_[a-z2-7]{16}(\.[0-9]+)?|sha256:[0-9a-f]{64}|sg_.*|.{129,}", re.DOTALL)
"""What is not looked up: a whole id, and what is not an id. A key that is typed instead goes nowhere."""


def whole(kind: str) -> Callable[[Any], Any] | None:
    """What makes whole ids of what is typed for a field, or for each item of it; None if it takes no id.

    Raises: InvalidInput: several ids begin so.
    """
    return None if kind not in ids.KINDS else lambda typed: _whole(kind, typed)


def _whole(kind: str, typed: Any) -> Any:
    if isinstance(typed, list):
        return [_whole(kind, each) for each in typed]
    if not isinstance(typed, str) or not typed or "--yes" in sys.argv or _WHOLE.fullmatch(typed):
        return typed
    try:
        found = Client().do(ids.FIND, Beginning.from_json({"kind": kind, "begins": typed}))
    except SluicegateError:
        return typed
    if len(found.ids) > 1:
        others = ", …" if found.more else ""
        said = f"{typed!r} begins more than one {kind}: {', '.join(found.ids)}{others}"
        raise InvalidInput(said, code="id_ambiguous", remedy="say more of it")
    return found.ids[0] if found.ids else typed
