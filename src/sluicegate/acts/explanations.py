"""The act that explains why a key may use a model, or may not."""

from __future__ import annotations

from typing import Annotated, Literal

from sluicegate.acts.act import APPLICANT, DEVELOPER, Act, ActAnswer, Arguments
from sluicegate.acts.fields import Identifier, SurfaceName, some, text
from sluicegate.acts.members import IdentifierDigest
from sluicegate_record.form import Json, Note, Time, form, within

LayerState = Literal["allows", "refuses", "unknown", "elsewhere"]


@form
class KeyQuestion(Arguments):
    """Which key, which model; as the log was at which size. A person is for who looks after the members."""

    credential: Annotated[Identifier, Note("The credential, such as cred_….")]
    model: Annotated[Annotated[str, text(1, 128)], Note("The model, as requests name it.")]
    surface: Annotated[SurfaceName | None, Note("The surface; by default that of the key's grant.")] = None
    programme: Annotated[
        tuple[str, ...],
        some(Annotated[str, text(1, 130)], 0, 16),
        Note("A programme that the request asks for, such as cyber:daybreak_red."),
    ] = ()
    person: Annotated[
        IdentifierDigest | None,
        Note("The member that the request names, by the identifier that requests use."),
    ] = None
    at: Annotated[
        Annotated[int, within(1)] | None,
        Note("At this size of the log, such as the one that a refusal states; by default now."),
    ] = None


@form
class LayerAnswer(ActAnswer):
    """One layer of the answer: who decides it, what it says, and what would change it.

    `state`: it `allows` the request or `refuses` it; it is `unknown`, because what it depends on refuses
    before; or it is decided `elsewhere`, at each request. `reason` and `status` are those of the refusal.
    `entry` is the newest entry that it rests on, `entries` are all of them.
    """

    what: str
    by: str
    state: LayerState
    reason: str | None
    status: int | None
    text: str
    would_change: str
    entry: int | None
    entries: tuple[int, ...]


@form
class ProvenEntry(ActAnswer):
    """An entry that an answer rests on: its leaf, and the proof that it is in the log of the checkpoint.

    `proof` is in base64.
    """

    seq: int
    at_ms: Time
    type: str
    text: str
    leaf: str
    proof: tuple[str, ...]


@form
class KeyExplanation(ActAnswer):
    """Why a key may use a model, or may not.

    `size` is the log that the answer is of, and `at_ms` its moment. `reason` and `status` are what a request
    gets. `checkpoint` is the newest head of the log, signed: `entries` are proven to be in it.
    `handovers` lead from the log's first key to the one that signed it.
    """

    credential: str
    model: str
    surface: str
    size: int
    at_ms: Time
    allowed: bool
    reason: str | None
    status: int | None
    because: tuple[LayerAnswer, ...]
    entries: tuple[ProvenEntry, ...]
    checkpoint: str
    handovers: tuple[Json, ...] = ()


EXPLAIN = Act(
    "credential.explain",
    frozenset({DEVELOPER, APPLICANT}),
    "question",
    "/api/v1/credentials/{credential}/explanation",
    KeyQuestion,
    KeyExplanation,
    "Explain why a key may use a model, or may not: each layer, who decides it, what would change it.",
)
