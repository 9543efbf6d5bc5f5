"""Acts that wait for something outside, and hold no thread meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from sluicegate.acts import directives as acts
from sluicegate.acts import providers as provider_acts
from sluicegate.acts.act import ActAnswer, AnyAct
from sluicegate.acts.directives import AcceptedDirective, SignedDirective
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, StoreUnavailable
from sluicegate.http.asking import Run
from sluicegate.service import directives, preview, providers
from sluicegate.service.context import Context
from sluicegate.service.doings import doing_of
from sluicegate_record.form import Json, replace

AsyncDoing = Callable[[ControlPlane, Run, Context[Any], Any], Awaitable[ActAnswer | Refusal]]
"""Does an act, with what runs functions in threads."""


async def _issue(
    plane: ControlPlane, run: Run, context: Context[AcceptedDirective], asked: SignedDirective
) -> AcceptedDirective | Refusal:
    """Put a directive in force, which feeds pass on by themselves; tell those it affects, and count them."""
    issued = await run(directives.issue, context, asked)
    with suppress(StoreUnavailable):  # the next tick tells
        await run(plane.services.telling.tell, context.ledger.size())
    about = (context.ledger, context.principal, issued, asked.opened)
    counted: AcceptedDirective | Refusal = await run(preview.counted, *about)
    return counted


def _with_keys(act: AnyAct, url_of: Callable[[Context[Any], Any], str | Refusal]) -> AsyncDoing:
    """An act that needs a key set. If it is asked without one, the set at `url_of` is fetched."""

    async def doing(plane: ControlPlane, run: Run, context: Context[Any], asked: Any) -> ActAnswer | Refusal:
        if asked.jwks is None:
            url = await run(url_of, context, asked)
            if isinstance(url, Refusal):
                return url
            asked = replace(asked, jwks=await _fetched(plane, url))
        answer: ActAnswer | Refusal = await run(doing_of(act), context, asked)
        return answer

    return doing


async def _fetched(plane: ControlPlane, url: str) -> Json:
    """The key set at a URL. Raises: InvalidInput, Unreachable."""
    source = plane.refresher.source
    if source is None:
        raise InvalidInput("this control plane fetches no keys, expected 'jwks'")
    return providers.read((await source.fetch(url)).body)


OUTSIDE: dict[AnyAct, AsyncDoing] = {
    acts.ISSUE: _issue,
    provider_acts.REGISTER: _with_keys(provider_acts.REGISTER, providers.registered_from),
    provider_acts.ROTATE: _with_keys(provider_acts.ROTATE, providers.rotated_from),
}
"""The function of each of these acts."""
