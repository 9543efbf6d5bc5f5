"""The pages that are read: the list of cases, a case, the instances, an entry."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from sluicegate.core.explanations.narration import narrated
from sluicegate.desk import inbox, queue, sentences
from sluicegate.desk.casepage import case_page
from sluicegate.desk.following import Following, InstanceState
from sluicegate.desk.queue import CaseKey, QueueFilter, QueuePage
from sluicegate.desk.site import UNKNOWN, DeskSite, Here, page
from sluicegate.errors import CommandRefused
from sluicegate_record import entries
from sluicegate_record.terms import kinds

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
        state=asked.get("state", inbox.WAITING),
        instance=asked.get("instance", ""),
        kind=asked.get("kind", ""),
        text=asked.get("text", "")[:100],
        after=_case_key(asked.get("after", "")),
    )
    seen = site.memory.seen(here.person)
    found = queue.queue(site.followings, seen, wanted)
    return here.page(
        "desk/queue.html",
        {
            "here": "",
            "rows": found.rows,
            "later": _later(wanted, found),
            "summary": queue.summary(site.followings, seen),
            "wanted": wanted,
            "instances": [_instance(each) for each in site.followings.values()],
            "kinds": sorted({kind for each in site.followings.values() for kind in each.open.kinds()}),
            "to_sign": len(site.preparations.all()),
        },
    )


def _case_key(text: str) -> CaseKey | None:
    """A case by its instance and its name, as the list names the last one of a page."""
    instance, mark, case = text.partition("/")
    return (instance, case) if mark else None


def _later(wanted: QueueFilter, found: QueuePage) -> str:
    """Where the list goes on after a page; empty at its end."""
    if not found.more:
        return ""
    last = found.rows[-1]
    asked = {"state": wanted.state, "instance": wanted.instance, "kind": wanted.kind, "text": wanted.text}
    asked["after"] = f"{last.instance}/{last.case}"
    return f"/?{urlencode({name: each for name, each in asked.items() if each})}"


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
