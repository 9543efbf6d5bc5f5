"""Why a key may use a model, or may not: each layer in words, what would change it, and what it rests on.

Rules:
- What the layers are, and which of them refuse, is what `access.obstacles` finds by asking `decide`. Here is
  only what is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sluicegate.acts.explanations import LayerAnswer, LayerState
from sluicegate.core.access.obstacles import LAYER_OF, LAYERS, Layer
from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.access.rows import GrantRow
from sluicegate.core.access.table import Table
from sluicegate.core.explanations.inquiry import Inquiry, LayerWords
from sluicegate.core.explanations.layers import WORDS
from sluicegate.core.explanations.remedies import refused
from sluicegate_record.terms.programmes import FIELD, PROFILE, label


def because(inquiry: Inquiry) -> tuple[LayerAnswer, ...]:
    """Each layer, in the order in which a request meets them."""
    return tuple(_answer(inquiry, layer) for layer in LAYERS)


def asked_programme(table: Table, grant: GrantRow | None, given: str) -> AskedProgramme:
    """A programme as a request would ask for it: in what carries it by the terms of the grant.

    One in a user profile is asked for by a profile that has it; by one that no one has, if none does.
    """
    concern, _, name = (part.strip() for part in given.partition(":"))
    stated = {} if grant is None or grant.terms not in table.terms else table.terms[grant.terms].programmes
    programme = stated.get(concern, {}).get(name)
    way = FIELD if programme is None else programme.travels
    if way == PROFILE:
        wanted = label(concern, name)
        has = () if grant is None else grant.programmes.items()
        held = (asked for asked, rows in has if any(row.label == wanted for row in rows))
        return next(held, AskedProgramme(PROFILE, "", "0" * 32))
    return AskedProgramme(way, concern if way == FIELD else "", name)


def _answer(inquiry: Inquiry, layer: Layer) -> LayerAnswer:
    refusals = inquiry.refusals(layer.name)
    said = _joined([refused(inquiry, each) for each in refusals]) if refusals else None
    is_known = said is not None or not _is_behind(inquiry, layer)
    if said is None:
        said = (
            WORDS[layer.name](inquiry)
            if is_known
            else LayerWords("not known: what refuses before it comes first")
        )
    first = refusals[0] if refusals else None
    return LayerAnswer(
        what=layer.name,
        by=layer.by,
        state=_state(layer, refuses=bool(refusals), is_known=is_known),
        reason=None if first is None else first.reason.value,
        status=None if first is None else first.status,
        text=said.text,
        would_change=said.would_change,
        entry=max(said.entries, default=None),
        entries=tuple(sorted(set(said.entries))),
    )


def _state(layer: Layer, *, refuses: bool, is_known: bool) -> LayerState:
    if refuses:
        return "refuses"
    if not layer.is_here:
        return "elsewhere"
    return "allows" if is_known else "unknown"


def _is_behind(inquiry: Inquiry, layer: Layer) -> bool:
    """Whether a layer is behind an obstacle that could not be taken out."""
    if not (inquiry.found.stuck and layer.is_here):
        return False
    names = [each.name for each in LAYERS]
    return names.index(layer.name) > names.index(LAYER_OF[inquiry.found.refusals[-1].reason])


def _joined(each: Iterable[LayerWords]) -> LayerWords:
    found = list(each)
    return LayerWords(
        "; ".join(said.text for said in found),
        "; ".join(dict.fromkeys(said.would_change for said in found if said.would_change)),
        tuple(at for said in found for at in said.entries),
    )
