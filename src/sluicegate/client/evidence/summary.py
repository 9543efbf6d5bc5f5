"""What is read of a log, whichever tool wrote it, before anyone signs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from sluicegate.errors import InvalidInput
from sluicegate_record.terms.evaluations import Evaluation, EvaluationRun

JSON_MAX = 256 * 1024 * 1024
"""How many bytes a log in JSON may have."""
TASK_KEY, SAFEGUARDS_KEY = "model_digest", "safeguards_digest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in a log: an evaluation of a plan, and how its result is to be called."""

    evaluation: Evaluation
    log: str
    """The digest of the log's bytes, `sha256:…`."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was run, and the digests of weights and safeguards if the log says them."""

    run: EvaluationRun
    digest: str | None = None
    safeguards: str | None = None


def parsed(data: bytes, what: str) -> Any:
    """A value in JSON. NaN and infinities are nothing. Raises: InvalidInput: none, or a key twice."""
    try:
        return _DECODER.decode(data.decode())
    except (ValueError, RecursionError) as error:
        said = f"{what} is no JSON that can be read: {str(error)[:120]}"
        remedy = "a log is .eval or .json of Inspect, report.jsonl of garak, or an EvaluationResult"
        raise InvalidInput(said, remedy=remedy) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice in one object")
    return found


def _nothing(_: str) -> None:
    return None


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_nothing)


def digest_in(metadata: Mapping[str, Any] | None, key: str) -> str | None:
    """A digest that a log says of what it ran."""
    found = None if metadata is None else metadata.get(key)
    return found if type(found) is str else None


def missing(what: str) -> NoReturn:
    """Raises: InvalidInput."""
    raise InvalidInput(f"a log without {what}")
