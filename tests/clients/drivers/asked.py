"""What every driver does: asks come as JSON, one a line, and each is answered with a line of JSON.

A driver imports its client once. It runs in the environment of the clients, which has nothing of this
project.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FIELD, CONCERN = "access_programs", "cyber"
TOOL = "look_up"
PURPOSE = "Look a word up."


@dataclass(frozen=True)
class Ask:
    """One question. `mode`: `plain`, `stream`, or `tools`: answer a call of the tool, and ask again.

    `programme` is the one to name, and `carrier` the field or header that carries it; none if it is empty.
    """

    url: str
    key: str
    model: str
    prompt: str
    mode: str
    carrier: str = ""
    programme: str = ""

    @property
    def streams(self) -> bool:
        return self.mode == "stream"

    @property
    def tools(self) -> bool:
        return self.mode == "tools"

    @property
    def names_in_field(self) -> bool:
        return bool(self.programme) and self.carrier == FIELD

    @property
    def extra(self) -> dict[str, Any]:
        """What names the programme where an SDK has no argument for it."""
        if self.names_in_field:
            return {"extra_body": {FIELD: {CONCERN: self.programme}}}
        return {"extra_headers": {self.carrier: self.programme}} if self.programme else {}


def looked_up(word: str) -> str:
    """What the tool says."""
    return f"{word} was looked up"


def serve(answer: Callable[[Ask], str]) -> None:
    """Answer every ask with `answer`, until the input ends. What the client itself prints goes to stderr."""
    said = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        said.write(json.dumps(_told(answer, Ask(**json.loads(line)))) + "\n")


def _told(answer: Callable[[Ask], str], ask: Ask) -> Mapping[str, Any]:
    try:
        return {"ok": True, "text": answer(ask), "error": "", "message": ""}
    except Exception as error:  # noqa: BLE001 - whatever a client raises is what is asked for here
        kind = type(error)
        return {"ok": False, "text": "", "error": f"{kind.__module__}.{kind.__name__}", "message": str(error)}
