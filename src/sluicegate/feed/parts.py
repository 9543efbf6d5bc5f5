"""Which gateway may spend which part of the rates of its surface.

Rules:
- The gateways of a surface that have leases have equal parts, what is left over has no one.
- A part is good as long as the lease that it comes with. Each cell is given to one spender alone, until a
  minute after the end of the last lease that came with it, by the slowest clock.
- Before a spender gets a cell it is on the disk that it may have it. So a feed that starts again knows who
  may have what.
- A run that goes on with what an earlier one has left has the same spender, and gets the same cells at once.
- Units: milliseconds of CLOCK_BOOTTIME of this machine. The caller holds a lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sluicegate.core.access.rate import CELLS, REST_MS, RatePart
from sluicegate.ports import Allotment

NEVER = float("-inf")


@dataclass(slots=True)
class _Cell:
    """One cell: who may have it, who may by what is on the disk, and until when at most.

    `kept` is None while it is being written.
    """

    spender: str = ""
    kept: str | None = ""
    until_ms: float = NEVER

    def is_free(self, now_ms: float) -> bool:
        return self.until_ms + REST_MS <= now_ms


@dataclass(slots=True)
class _Surface:
    cells: list[_Cell] = field(default_factory=lambda: [_Cell() for _ in range(CELLS)])
    lives: dict[str, float] = field(default_factory=dict)
    """By spender: when its last lease ends."""
    chosen: dict[str, Sequence[int]] = field(default_factory=dict)
    """By spender: the cells of its next part."""


class Parts:
    """The cells of each surface. `kept` is what the disk says; the leases of then end at `ends_ms`."""

    def __init__(self, kept: Iterable[Allotment], ends_ms: float) -> None:
        self._surfaces: dict[str, _Surface] = {}
        self._own: Collection[int] = range(CELLS)
        self._waits = False
        for each in kept:
            for cell in self._surface(each.surface).cells[each.begin : each.end]:
                cell.spender = cell.kept = each.spender
                cell.until_ms = ends_ms

    def own(self, cells: Collection[int], *, waits: bool) -> None:
        """Divide only these cells from now on. If `waits`, give only those that a spender here has."""
        self._own, self._waits = cells, waits

    def forget(self) -> None:
        """Forget who had what: others may have it now."""
        for found in self._surfaces.values():
            for cell in found.cells:
                cell.spender = ""

    def want(self, surface: str, spender: str, now_ms: float, until_ms: float) -> bool:
        """Choose the part of a spender that asks; whether the disk does not say so yet.

        It is reserved until a time.
        """
        found = self._surface(surface)
        found.lives[spender] = max(until_ms, found.lives.get(spender, NEVER))
        found.lives = {each: ends_ms for each, ends_ms in found.lives.items() if now_ms < ends_ms}
        most = len(self._own) // len(found.lives)
        chosen = self._chosen(found, spender, most, now_ms)
        for index in chosen:
            cell = found.cells[index]
            cell.spender, cell.until_ms = spender, max(cell.until_ms, until_ms)
        found.chosen = {each: found.chosen.get(each, ()) for each in found.lives} | {spender: sorted(chosen)}
        return any(found.cells[index].kept != spender for index in chosen)

    def give(self, surface: str, spender: str, ends_ms: float) -> RatePart:
        """The part of a spender, with a lease that ends at `ends_ms`. Requires: it wanted one just now."""
        found = self._surface(surface)
        found.lives[spender] = max(ends_ms, found.lives.get(spender, NEVER))
        given = [
            index
            for index in found.chosen.get(spender, ())
            if found.cells[index].kept == found.cells[index].spender == spender
        ]
        for index in given:
            found.cells[index].until_ms = max(found.cells[index].until_ms, ends_ms)
        return RatePart.of(given)

    def unkept(self) -> Mapping[str, Sequence[Allotment]]:
        """What is to be written of each surface of which the disk says something else.

        Until `keep` no one knows what the disk says of the cells that change.
        """
        found = {}
        for name, surface in self._surfaces.items():
            changed = [cell for cell in surface.cells if cell.kept != cell.spender]
            for cell in changed:
                cell.kept = None
            if changed:
                found[name] = _allotments(name, [cell.spender for cell in surface.cells])
        return found

    def keep(self, written: Mapping[str, Sequence[Allotment]]) -> None:
        """Note what was written of some surfaces."""
        for name, allotments in written.items():
            cells = self._surface(name).cells
            for cell in cells:
                cell.kept = ""
            for each in allotments:
                for cell in cells[each.begin : each.end]:
                    cell.kept = each.spender

    def _chosen(self, found: _Surface, spender: str, most: int, now_ms: float) -> Sequence[int]:
        """At most so many cells: first those that it has had, the newest first, then free ones."""
        cells = found.cells
        has = [index for index in self._own if cells[index].spender == spender]
        has.sort(key=lambda index: -cells[index].until_ms)  # stable, so that a part stays as it is
        if len(has) < most:
            has += [
                index
                for index in self._own
                if cells[index].spender != spender
                and cells[index].is_free(now_ms)
                and (cells[index].spender or not self._waits)
            ]
        return has[:most]

    def _surface(self, name: str) -> _Surface:
        return self._surfaces.setdefault(name, _Surface())


def _allotments(surface: str, spenders: Sequence[str]) -> Sequence[Allotment]:
    """The ranges of cells with one spender each."""
    found: list[Allotment] = []
    for index, spender in enumerate(spenders):
        if found and found[-1].end == index and found[-1].spender == spender:
            found[-1] = found[-1]._replace(end=index + 1)
        elif spender:
            found.append(Allotment(surface, spender, index, index + 1))
    return found
