"""A log, whatever its format: found by what is in it, not by the name of its file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO

from sluicegate.client.evidence import benchmark, document, garak_report, inspect_log
from sluicegate.client.evidence.summary import JSON_MAX, Summary, Wanted, parsed
from sluicegate.errors import InvalidInput
from sluicegate_record.terms.evaluations import Evaluation

FILE_MAX = 1 << 30
"""How many bytes a log may have."""
SLICE = 1 << 20
_ZIP = b"PK"


def read(path: Path, evaluation: Evaluation, secret: Path | None = None) -> Summary:
    """What a log says of a run of an evaluation. `secret` is the file of a benchmark that stays secret.

    Raises: InvalidInput: it cannot be read, has another format, or is beyond a bound; or the file is not that
    of the plan.
    """
    named = benchmark.named(evaluation, secret)
    try:
        with path.open("rb") as file:
            return benchmark.sealed(_read(file, named), evaluation, named.task)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}", remedy=error.remedy) from error


def _read(file: IO[bytes], evaluation: Evaluation) -> Summary:
    size = file.seek(0, 2)
    if size > FILE_MAX:
        raise InvalidInput(f"a file of {size:,} bytes, and at most {FILE_MAX:,} are read")
    file.seek(0)
    wanted = Wanted(evaluation, f"sha256:{_digest(file)}")
    file.seek(0)
    first = file.read(64)
    file.seek(0)
    if first.startswith(_ZIP):
        return inspect_log.from_archive(file, wanted)
    if garak_report.is_one(first):
        return garak_report.read(iter(lambda: file.readline(garak_report.LINE_MAX + 1), b""), wanted)
    if size > JSON_MAX:
        raise InvalidInput(
            f"a log in JSON of {size:,} bytes, and at most {JSON_MAX:,} are read",
            remedy="convert it: inspect log convert FILE --to eval --output-dir FOLDER",
        )
    return _of_json(file.read(), wanted)


def _digest(file: IO[bytes]) -> str:
    found = hashlib.sha256()
    for slice_ in iter(lambda: file.read(SLICE), b""):
        found.update(slice_)
    return found.hexdigest()


def _of_json(data: bytes, wanted: Wanted) -> Summary:
    value = parsed(data, "the file")
    if inspect_log.is_one(value):
        return inspect_log.of_json(value, wanted)
    if document.is_one(value):
        return document.read(value, wanted)
    raise InvalidInput(
        "no log of Inspect, no report of garak, and no result in the documented form",
        remedy="see docs/how-to/import-evidence.md",
    )
