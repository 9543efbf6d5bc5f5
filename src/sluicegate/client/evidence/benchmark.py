"""A benchmark that stays secret: the plan names a file by its digest, and only its evaluator has the file.

Rules:
- The first line of the file is the name of the task, as the log of the tool has it. What follows makes the
  digest one that no one can guess.
- What is signed says the digest in place of the name. The file does not leave this machine.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path

from sluicegate.client.evidence.summary import Summary
from sluicegate.errors import InvalidInput
from sluicegate_record.form import replace
from sluicegate_record.terms.evaluations import Evaluation

BYTES_MIN, BYTES_MAX = 64, 16 * 1024 * 1024
SEALED = "sealed"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_TELLING = ("sample_id",)
"""Limits of a run that say something of its questions."""


def named(evaluation: Evaluation, file: Path | None) -> Evaluation:
    """An evaluation with the name of its task, which the file has if it is secret.

    Raises: InvalidInput: there is no file, or another one than the plan means.
    """
    if not _DIGEST.fullmatch(evaluation.task):
        if file is not None:
            raise InvalidInput(f"the plan names the task {evaluation.task!r}, and no secret benchmark")
        return evaluation
    if file is None:
        raise InvalidInput(
            f"the benchmark is secret: the plan has the digest of its file, {evaluation.task}",
            remedy="name the file: --benchmark FILE",
        )
    data = _content(file)
    found = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if found != evaluation.task:
        raise InvalidInput(f"{file} has the digest {found}, and the plan names {evaluation.task}")
    try:
        name = data.split(b"\n", 1)[0].decode().strip()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the first line of {file} is not the name of a task") from error
    return replace(evaluation, task=name)


def sealed(found: Summary, evaluation: Evaluation, name: str) -> Summary:
    """What was read of a log, without what is secret. `name` is that of the task.

    Raises: InvalidInput: the log is of another task, whose name is not for the record.
    """
    if name == evaluation.task:
        return found
    if found.run.task != name:
        raise InvalidInput("the log is of another task than the file of the benchmark names")
    limits = {key: each for key, each in found.run.limits.items() if key not in _TELLING}
    run = replace(found.run, task=evaluation.task, task_version=SEALED, limits=limits)
    return dataclasses.replace(found, run=run)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(BYTES_MAX + 1)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    if not BYTES_MIN <= len(data) <= BYTES_MAX:
        raise InvalidInput(
            f"{file} has fewer than {BYTES_MIN} or more than {BYTES_MAX:,} bytes",
            remedy="after the name of the task, add a line that no one can guess",
        )
    return data
