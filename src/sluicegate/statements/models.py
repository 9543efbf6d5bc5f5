"""Which model of a release a statement is about."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.acts.evidence import ModelInForce
from sluicegate.errors import InvalidInput


def model_of(models: Sequence[ModelInForce], named: str | None, ran: str = "") -> ModelInForce:
    """The model that is meant: the one that is named, the only one, or the one that a log `ran`.

    Raises: InvalidInput: no model has that name, or there are several.
    """
    names = ", ".join(each.id for each in models)
    if named is not None:
        fitting = [each for each in models if each.id == named]
        if not fitting:
            raise InvalidInput(f"no model {named!r} in the release", remedy=f"one of {names}")
        return fitting[0]
    fitting = list(models) if len(models) == 1 else [each for each in models if _is_of(each, ran)]
    if len(fitting) != 1:
        raise InvalidInput(
            f"the log is of {ran!r}, and the release has {names}" if ran else f"the release has {names}",
            remedy="say which model is meant: --model MODEL",
        )
    return fitting[0]


def _is_of(model: ModelInForce, ran: str) -> bool:
    return f"/{ran}".endswith(f"/{model.id}")
