"""A result as it is signed, from what was read of a log and what the plan asks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sluicegate.acts.evidence import EvaluationToSign, SealedLog
from sluicegate.client import sealing, signing
from sluicegate.client.evidence.summary import SAFEGUARDS_KEY, TASK_KEY, Summary
from sluicegate.errors import InvalidInput
from sluicegate.statements.models import model_of
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.log.publickey import SigningKey
from sluicegate_record.statements import evidence
from sluicegate_record.statements.evidence import EvaluationResult
from sluicegate_record.terms import evaluations
from sluicegate_record.terms.plan import ModelDigests

LOG_MAX = 640 * 1024
"""How many bytes a log may have that is kept sealed."""
Independence = Literal["independent", "paid-by-developer", "developer"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What who ran it says beside the log: which model, its digests, and what was left out."""

    model: str | None = None
    digest: str | None = None
    safeguards: str | None = None
    independence: Independence | None = None
    redactions: Sequence[str] = ()


def signed(asked: EvaluationToSign, found: Summary, said: Provenance, key: SigningKey) -> dict[str, Any]:
    """The envelope of a result. Raises: InvalidInput: a digest is missing, or two differ; BadEnvelope."""
    model = model_of(asked.models, said.model, found.run.ran)
    tested = ModelDigests(
        digest=_digest("digest", found.digest, said.digest, model.digest),
        safeguards=_digest("safeguards", found.safeguards, said.safeguards, model.safeguards),
    )
    run = replace(
        found.run, independence=independence_of(asked, said.independence), redactions=tuple(said.redactions)
    )
    result = EvaluationResult(
        log=asked.log,
        release=asked.release,
        evaluation=asked.name,
        party=asked.party,
        model=model.id,
        tested=tested,
        run=run,
    )
    outcome = evaluations.outcome(asked.evaluation, run, model.id)
    return signing.signed(evidence.stated(result, asked.evaluation.digest, outcome), key)


def independence_of(asked: EvaluationToSign, said: Independence | None) -> Independence:
    """Who ran it, as its party says; the developer is the developer.

    Raises: InvalidInput: it does not say so, or the developer says something else.
    """
    is_developer = asked.party == asked.developer
    if is_developer and said in {None, "developer"}:
        return "developer"
    if said is None:
        text = "a result says who ran it: no one is taken to be independent who does not sign that"
        raise InvalidInput(text, remedy="--independence independent, or paid-by-developer, or developer")
    if is_developer:
        raise InvalidInput(f"{asked.party!r} is the developer, and not {said!r}", remedy="leave it out")
    return said


def sealed_log(log: Path, asked: EvaluationToSign, found: Summary, parties: Sequence[str]) -> str | None:
    """The log that was read, sealed to the keys of some parties, in base64; None without any.

    Raises: InvalidInput: a party has no such key; the log is too large to be kept, or was changed meanwhile.
    """
    if not parties:
        return None
    keys = signing.sealing_keys(asked.keys, parties)
    size = log.stat().st_size
    if size > LOG_MAX:
        raise InvalidInput(
            f"the log has {size:,} bytes, and one of at most {LOG_MAX:,} is kept sealed",
            remedy="leave out --seal-to: its digest is on the record all the same",
        )
    data = log.read_bytes()
    if digest_of(data) != found.run.log:
        raise InvalidInput(f"{log} was changed after it was read")
    return canonical.b64(sealing.sealed(data, list(keys.values())))


def opened_log(found: SealedLog, key: SigningKey) -> bytes:
    """The log of a run, by a key to which it is sealed. Raises: InvalidInput: it is not; another log."""
    data = sealing.opened(canonical.unb64(found.sealed), signing.opening_key(key))
    if digest_of(data) != found.digest:
        raise InvalidInput(f"what was sealed is not the log that was signed, {found.digest}")
    return data


def digest_of(data: bytes) -> str:
    """The digest of a log, as statements have it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digest(what: str, in_log: str | None, said: str | None, in_plan: str) -> str:
    """A digest of what was tested. Who signs it says that it was this that was tested."""
    if in_log is not None and said is not None and in_log != said:
        raise InvalidInput(f"the log says {in_log!r} as its {what}, and --{what} says {said!r}")
    found = in_log or said
    if found is None:
        key = TASK_KEY if what == "digest" else SAFEGUARDS_KEY
        raise InvalidInput(
            f"the log does not say the {what} of what was tested, so it proves nothing about it",
            remedy=f"if the model in force was tested, say --{what} {in_plan}; a run of Inspect says it by "
            f"--metadata {key}={in_plan}",
        )
    return found
