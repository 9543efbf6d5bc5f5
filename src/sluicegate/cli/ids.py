"""Ids as people type them: as much of one as no other has.

Rules:
- What is typed is looked up when it is read, so that a command knows, shows and signs the whole id.
- With `--yes` no one sees what a command is about to do, so nothing is looked up: the id has to be whole.
- What cannot be looked up is asked for as it is.
- A shell that completes a word gets ids from one quick question, and only such as mean nothing to it.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from sluicegate.acts import ids
from sluicegate.acts.ids import Beginning
from sluicegate.cli.deferred import COMPLETE
from sluicegate.client.http import AT_ONCE, Client
from sluicegate.errors import InvalidInput, SluicegateError

_WHOLE = re.compile(r"[a-z]+_[a-z2-7]{16}(\.[0-9]+)?|sha256:[0-9a-f]{64}|sg_.*|.{129,}", re.DOTALL)
"""What is not looked up: a whole id, and what is not an id. A key that is typed instead goes nowhere."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


def named(kind: str) -> dict[str, Any]:
    """How an argument or option takes ids of a kind, or a list of them: what is typed is made whole, and a
    shell completes it. Nothing, if the kind has no ids.
    """
    if kind not in ids.KINDS:
        return {}
    return {
        "callback": lambda typed: _whole(kind, typed),
        "autocompletion": lambda incomplete: completed(kind, incomplete),
    }


def completed(kind: str, typed: str) -> list[str]:
    """The ids that begin so, for a shell; none if they cannot be had at once. It says nothing."""
    try:
        found = Client(patience=AT_ONCE).do(ids.FIND, Beginning.from_json({"kind": kind, "begins": typed}))
    except SluicegateError:
        return []
    return [each for each in found.ids if _PLAIN.fullmatch(each)]


def _whole(kind: str, typed: Any) -> Any:
    """Raises: InvalidInput: several ids begin so."""
    if isinstance(typed, list):
        return [_whole(kind, each) for each in typed]
    is_asked = isinstance(typed, str) and typed and "--yes" not in sys.argv and COMPLETE not in os.environ
    if not is_asked or _WHOLE.fullmatch(typed):
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
