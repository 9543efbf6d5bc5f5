"""What of a change of terms is provably tighter: it lets in nobody, and lets nobody do, more than before.

Rules:
- A field is tighter only by a reason written here; whatever else changes is not provable.
- Agencies agreed to the old terms. A change that is tighter in every field needs no new agreement.
- What agencies were promised is not the developer's to take: who decides, the clock, what silence means,
  the basis and the disclosure are compared as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sluicegate.core.terms import plan
from sluicegate_record.terms import conditions, durations, quorum

Json = Mapping[str, Any]


def loosened(new: Json, new_stage: Json, old: Json, old_stage: Json) -> list[str]:
    """The fields in which a stage's new terms are not provably at least as tight as the old; sorted.

    `new` and `old` are the whole plans. Empty: the change is provably tighter, or none.
    """
    heard = plan.judges_of(new, new_stage) == plan.judges_of(old, old_stage)
    fields = {*_of_the_release(new, old), *_of_the_stage(new_stage, old_stage)}
    return sorted(fields if heard else fields | {"agencies"})


def _of_the_release(new: Json, old: Json) -> Iterator[str]:
    if new["metadata"]["name"] != old["metadata"]["name"]:
        yield "release"
    if new["metadata"]["developer"] != old["metadata"]["developer"]:
        yield "developer"
    spec, before = new["spec"], old["spec"]
    if any(model not in before["models"] for model in spec["models"]):
        yield "models"
    if not set(spec["surfaces"]) <= set(before["surfaces"]):
        yield "surfaces"
    if spec["leaseMs"] > before["leaseMs"]:
        yield "leaseMs"
    if spec["disclosure"] != before["disclosure"]:
        yield "disclosure"


def _of_the_stage(new: Json, old: Json) -> Iterator[str]:
    for name in (new.keys() | old.keys()) - {"title"}:
        is_tighter = _STAGE.get(name, _same)
        if not is_tighter(new.get(name), old.get(name)):
            yield name


def _same(new: Any, old: Any) -> bool:
    return bool(new == old)


def _at_most(new: Any, old: Any) -> bool:
    return old is None or (new is not None and new <= old)


def _subset(new: Any, old: Any) -> bool:
    return old is None or (new is not None and set(new) <= set(old))


def _admission(new: Json, old: Json) -> bool:
    others = (new.keys() | old.keys()) - {"grant", "offer", "countersign"}
    return (
        all(new.get(name) == old.get(name) for name in others)
        and _asks_no_fewer(new, old)
        and quorum.implies(new["grant"], old["grant"])
        and set(new.get("countersign", ())) >= set(old.get("countersign", ()))
        and _offered_ms(new) <= _offered_ms(old)
    )


def _asks_no_fewer(new: Json, old: Json) -> bool:
    """Where silence admits, asking more is not tighter: if all who were asked recuse themselves, it ended."""
    asked, before = quorum.parties_of(new["grant"]), quorum.parties_of(old["grant"])
    return asked == before if new["mode"] == "notify" else asked >= before


def _offered_ms(admission: Json) -> int:
    return durations.milliseconds(admission.get("offer", plan.OFFER))


def _eligibility(new: Json | None, old: Json | None) -> bool:
    new, old = new or {}, old or {}
    above = [given.get("owners", {}).get("above") for given in (new, old)]
    return (
        _subset(new.get("registeredIn"), old.get("registeredIn"))
        and _at_most(*above)
        and (old.get("screening") is None or new.get("screening") == old["screening"])
        and set(new.get("onwardAccess", ["none"])) <= set(old.get("onwardAccess", ["none"]))
        and set(new.get("criteria", ())) >= set(old.get("criteria", ()))
    )


def _opens_when(new: Json | None, old: Json | None) -> bool:
    asked, before = ((given or {}).get("allOf", ()) for given in (new, old))
    return all(item in asked for item in before)


def _conditions(new: Json | None, old: Json | None) -> bool:
    return conditions.is_tighter(new or {}, old or {})


_STAGE: dict[str, Callable[[Any, Any], bool]] = {
    "seats": _at_most,
    "admission": _admission,
    "eligibility": _eligibility,
    "opensWhen": _opens_when,
    "conditions": _conditions,
}
