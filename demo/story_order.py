"""The story's second part: an order cuts the streams that it covers, spares the others, and is lifted."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median

import openai

from demo import customer as sdk
from demo import streams
from demo.cast import GRID_OPERATOR, MODEL, UTILITY, Customer
from demo.scene import Scene
from demo.streams import Stream
from demo.telling import Page, expect
from sluicegate.acts.directives import AcceptedDirective
from sluicegate_record.log import times

EACH = 10
"""How many streams each of the two organizations has open."""


class Order:
    """`directive`, `cut`, `spared`, `lifted`. `stack` closes what stays open between the steps."""

    def __init__(self, scene: Scene, stack: ExitStack) -> None:
        self._scene = scene
        self._site = scene.site
        self._paperwork = scene.paperwork
        self._threads = stack.enter_context(ThreadPoolExecutor(1))
        self._covered: list[Stream] = []
        self._others: list[Stream] = []
        self._sdk: Future[Exception | None] | None = None
        self._issued: AcceptedDirective | None = None

    def directive(self, page: Page) -> None:
        """While both organizations have streams open, an agency orders to suspend one of them."""
        self._covered, self._others = self._open(GRID_OPERATOR), self._open(UTILITY)
        listening, covered_key = threading.Event(), self._scene.key(GRID_OPERATOR)
        self._sdk = self._threads.submit(
            sdk.listen, self._site.gateway_url, covered_key, MODEL, streams.PACE, listening.set
        )
        streams.under_way([*self._covered, *self._others])
        expect(listening.wait(sdk.TIMEOUT_S), "the official SDK's stream has not begun")
        page(f"{EACH} streams of {GRID_OPERATOR.name} and {EACH} of {UTILITY.name} are under way.")
        preview = self._paperwork.preview(self._scene.order)
        for side, found in (("covered", preview.covered), ("spared", preview.spared)):
            expect(found.organizations >= 1, f"the preview says that no organization would be {side}")
        self._issued = self._paperwork.order(self._scene.order)
        name = self._issued.directive
        page(f"oncd signs the order {name}: suspend {MODEL} for {GRID_OPERATOR.name}, at once.")
        in_force = self._paperwork.in_force(name)
        ms = max(row.at_ms or 0 for row in in_force.gateways) - self._accepted_ms
        at = times.format_time(self._accepted_ms)
        page(f"Accepted at {at}; acknowledged by every gateway {ms} ms later.")
        page.figures["in_force_ms"] = ms

    def cut(self, page: Page) -> None:
        """Every covered stream has ended with an error and without a proper end; the times are measured."""
        streams.finished(self._covered)
        for stream in self._covered:
            error = stream.cut_by()
            expect(
                error is not None, f"{stream.name} was not cut: {stream.received[-200:]!r} {stream.problem}"
            )
            assert error is not None
            expect(error["code"] == "directive_in_force", f"{stream.name} was cut by {error['code']}")
            whole = streams.from_upstream(self._scene.upstream, stream)
            expect(whole.startswith(stream.before_the_cut()), f"{stream.name} got other bytes before the cut")
        times = sorted(stream.last_ms - self._accepted_ms for stream in self._covered)
        page.figures.update(cut_ms_median=median(times), cut_ms_max=times[-1])
        page(
            f"All {EACH} streams of {GRID_OPERATOR.name} ended with an error event and without a proper end."
        )
        page(f"Accepted order to last byte: {median(times):.0f} ms (median), {times[-1]} ms (the last).")
        raised = self._sdk.result(sdk.TIMEOUT_S) if self._sdk is not None else None
        expect(type(raised) is openai.APIError, f"the SDK, reading such a stream, raised {raised!r}")
        page(f"The official SDK, reading such a stream, raised APIError: {raised}.")
        no = sdk.ask(self._site.gateway_url, self._scene.key(GRID_OPERATOR), MODEL, "and now?")
        as_told = isinstance(no, sdk.Refused) and (no.status, no.reason) == (451, "directive_in_force")
        expect(as_told, f"a new request of {GRID_OPERATOR.name} got {no}")
        assert isinstance(no, sdk.Refused)
        page(f"A new request is refused with status {no.status}, {no.reason}: {no.message!r}.")

    def spared(self, page: Page) -> None:
        """Every other stream continues to its proper end and has lost no byte."""
        streams.unharmed(self._scene.upstream, self._others)
        for stream in self._others:
            expect(stream.last_ms > self._accepted_ms, f"{stream.name} had ended before the order")
        total = sum(len(stream.received) for stream in self._others)
        page(f"All {EACH} streams of {UTILITY.name} ended properly, {total} bytes, not one lost or changed.")
        said = sdk.ask(self._site.gateway_url, self._scene.key(UTILITY), MODEL, "still here")
        expect(isinstance(said, str), f"a new request of {UTILITY.name} got {said}")
        page(f"A new request of {UTILITY.name} is answered: {said!r}.")

    def lifted(self, page: Page) -> None:
        """The issuer lifts its order, and the organization gets answers again."""
        name = self._issued.directive if self._issued is not None else ""
        lifted = self._paperwork.lift(name, "oncd")
        expect(lifted.determination == "approved", f"the order is not lifted: {lifted.outcome}")
        self._site.followed(lifted.size)
        said = sdk.ask(self._site.gateway_url, self._scene.key(GRID_OPERATOR), MODEL, "back again")
        expect(isinstance(said, str), f"after the lift {GRID_OPERATOR.name} got {said}")
        page(f"oncd lifts {name}, and {GRID_OPERATOR.name} is answered again: {said!r}.")

    @property
    def _accepted_ms(self) -> int:
        assert self._issued is not None
        return self._issued.accepted_at_ms

    def _open(self, customer: Customer) -> list[Stream]:
        key = self._scene.key(customer)
        opened = [
            Stream(self._scene.gateway, key, MODEL, f"{customer.name}, stream {number}")
            for number in range(1, EACH + 1)
        ]
        for stream in opened:
            stream.start()
        return opened
