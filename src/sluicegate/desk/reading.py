"""The pages that are read: the list of cases, a case, the instances, an entry."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from sluicegate.core.explanations.narration import narrated
from sluicegate.desk import queue, sentences
from sluicegate.desk.casepage import case_page
from sluicegate.desk.following import Following, InstanceState
from sluicegate.desk.queue import QueueFilter
from sluicegate.desk.site import UNKNOWN, DeskSite, Here, page
from sluicegate.errors import CommandRefused
from sluicegate_record import entries
from sluicegate_record.terms import kinds

SHOWN_MAX = 300
"""How many cases are on one page."""
UNLAWFUL_MAX = 20


def routes(site: DeskSite) -> list[Route]:
    """The routes of these pages."""
    return [
        page(site, "/", _queue),
        page(site, "/instances", _instances),
        page(site, "/i/{instance}/cases/{case}", _case),
        page(site, "/i/{instance}/record/{index}", _entry),
    ]


def _queue(site: DeskSite, here: Here) -> Response:
    asked = here.request.query_params
    wanted = QueueFilter(
        state=asked.get("state", queue.WAITING),
        instance=asked.get("instance", ""),
        kind=asked.get("kind", ""),
        text=asked.get("text", "")[:100],
    )
    rows = queue.queue(site.followings.values(), site.memory.seen(here.person))
    found = [each for each in rows if wanted.wants(each)]
    return here.page(
        "desk/queue.html",
        {
            "here": "",
            "rows": found[:SHOWN_MAX],
            "more": max(0, len(found) - SHOWN_MAX),
            "summary": queue.summary(rows),
            "wanted": wanted,
            "instances": [_instance(each) for each in site.followings.values()],
            "kinds": sorted({each.kind for each in rows}),
            "to_sign": len(site.memory.all_prepared()),
        },
    )


@dataclass(frozen=True, slots=True)
class InstanceView:
    """An instance as its page shows it. `unlawful` are entries that break the law, in words."""

    name: str
    url: str
    agency: str
    state: InstanceState
    size: int
    copied: int
    root: str
    log: str
    unlawful: tuple[str, ...]
    unlawful_count: int


def _instance(following: Following) -> InstanceView:
    with following.lock:
        judged, head = following.audited.judge.judged(), following.head
        given = following.instance
        return InstanceView(
            name=given.name,
            url=given.url,
            agency=given.agency,
            state=following.state,
            size=following.size,
            copied=following.copied,
            root="" if head is None else head.root.hex(),
            log=given.vkey,
            unlawful=tuple(map(str, judged.unlawful[:UNLAWFUL_MAX])),
            unlawful_count=judged.unlawful_count,
        )


def _instances(site: DeskSite, here: Here) -> Response:
    found = [_instance(each) for each in site.followings.values()]
    return here.page("desk/instances.html", {"here": "instances", "instances": found})


def _case(site: DeskSite, here: Here) -> Response:
    instance, case = here.path["instance"], here.path["case"]
    following, read = site.look(instance, case)
    seen = site.memory.seen(here.person).get((instance, case))
    found = case_page(following, read, seen, site.now_ms())
    site.memory.see(here.person, instance, case, found.size)
    said = here.request.query_params.get("done", "")
    recorded = _recorded(following, case, said)
    return here.page(
        "desk/case.html",
        {
            "here": "",
            "found": found,
            "state": following.state,
            "done": recorded,
            "kinds": kinds.KINDS,
            "condition": sentences.condition,
        },
    )


def _recorded(following: Following, case: str, statement: str) -> str:
    """What is said once a statement is in the verified log; empty if it is not there."""
    with following.lock:
        found = following.record.cases[case]
        for said in found.history:
            if statement and said.digest == f"sha256:{statement}":
                return f"your word is entry {said.seq} of the log, as this desk has verified it"
    return ""


def _entry(site: DeskSite, here: Here) -> Response:
    following = site.following(here.path["instance"])
    text = here.path["index"]
    index = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
    with following.lock:
        if not 0 <= index < following.size:
            raise CommandRefused(f"no entry {text[:20]!r} in this copy", code=UNKNOWN)
        entry, head = entries.read(following.leaf(index)), following.head
    return here.page(
        "desk/entry.html",
        {
            "here": "instances",
            "entry": entry,
            "words": narrated(entry),
            "instance": following.instance,
            "head": head,
        },
    )
