"""One text to read, and what it was read as; as bytes between two processes."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

from sluicegate.acts.act import AnyAct, Arguments
from sluicegate.acts.errors import ErrorDetail
from sluicegate.bounds import ANNEXES_MAX, IN_PLACE_MAX
from sluicegate.errors import InvalidInput, SluicegateError, TooComplex
from sluicegate.parsing import documents, request, sheets
from sluicegate.parsing.documents import Reading
from sluicegate.parsing.request import ActRequest
from sluicegate_record.form import Exact, Json, form
from sluicegate_record.log import canonical

LENGTHS = struct.Struct(">II")
"""What a job begins with: how many bytes its head has, and how many its body."""
ANSWER_MAX = 2 * ANNEXES_MAX
"""How many bytes an answer has at most: it says again what was asked, and the value of a document."""
LENGTH = struct.Struct(">I")
"""What an answer begins with: how many bytes follow."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an act is asked with, and what its document, if it has one, was read as."""

    arguments: Arguments
    reading: Reading | None = None


@form
class _Answer(Exact):
    """What was read, or the error that says why not."""

    arguments: Json = None
    reading: Reading | None = None
    refused: ErrorDetail | None = None


def is_small(act: AnyAct, body: bytes) -> bool:
    """Whether a body may be read where it came in: it takes a few milliseconds at the worst."""
    return len(body) <= IN_PLACE_MAX and not documents.has_one(act.asked)


def read(head: ActRequest, body: bytes) -> Asked:
    """Read a request here. Raises: InvalidInput."""
    arguments = sheets.named(request.read(head, body), head.sheets)
    return Asked(arguments, documents.read(arguments))


def written(head: ActRequest, body: bytes) -> bytes:
    """A job as bytes."""
    stated = canonical.dumps(head.to_json())
    return LENGTHS.pack(len(stated), len(body)) + stated + body


def answer(head: bytes, body: bytes) -> bytes:
    """The answer to a job, as bytes."""
    try:
        asked = read(ActRequest.from_json(canonical.loads(head)), body)
    except SluicegateError as error:
        made = _Answer(refused=documents.detail(error))
    else:
        made = _Answer(arguments=asked.arguments.to_json(), reading=asked.reading)
    # In the order in which it was written, which people see again; so it is not in canonical form.
    data = json.dumps(made.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
    return LENGTH.pack(len(data)) + data


def answered(act: AnyAct, data: bytes) -> Asked:
    """What an answer says, read in one way only and checked by its form. Raises: InvalidInput."""
    found = _Answer.from_json(canonical.loads(data))
    if found.refused is not None:
        is_complex = found.refused.code == TooComplex.code
        raise documents.raised(found.refused, TooComplex if is_complex else InvalidInput)
    arguments: Arguments = act.asked.from_json(found.arguments)
    return Asked(arguments, found.reading)
