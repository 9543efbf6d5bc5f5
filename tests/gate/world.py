"""A small world for gateways: entries as a control plane would write them, and the engine that folds them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from sluicegate.gate.engine import Engine, Lease
from sluicegate.gate.in_flight import InFlight
from sluicegate_record.entries import Entry
from sluicegate_record.log import times
from tests.worlds import AT_MS, Rough, committed, raw_plan

SURFACE = "api"
MODEL = "demo-large"
OTHER_MODEL = "demo-small"
HIDDEN_MODEL = "demo-hidden"
FALLBACK = "demo-old"
UPSTREAM = "demo"
LEASE_MS = 3_600_000


class World(Rough):
    """Writes entries; `take` gives those not yet taken, for `Engine.advance`."""

    def __init__(self) -> None:
        super().__init__()
        self._taken = 0
        self._names = 0
        self._terms: dict[str, str] = {}

    @classmethod
    def with_release(cls, **conditions: Any) -> World:
        """An announced release with `MODEL` and `OTHER_MODEL`, and an unannounced one; both are open."""
        world = cls()
        world.release("preview", [MODEL, OTHER_MODEL], conditions=conditions)
        world.release("secret", [HIDDEN_MODEL], announced=False)
        world.open_stage("preview")
        world.open_stage("secret")
        return world

    def take(self) -> list[Entry]:
        taken, self._taken = self.entries[self._taken :], len(self.entries)
        return taken

    def name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}_{self._names}"

    def release(
        self,
        name: str,
        models: list[str],
        *,
        announced: bool = True,
        conditions: Mapping[str, Any] | None = None,
        upstream: str = UPSTREAM,
        terms: str = "",
        **spec: Any,
    ) -> None:
        plan = raw_plan(
            name,
            dict.fromkeys(models, upstream),
            {"first": conditions or {}},
            announced=announced,
            leaseMs=60_000,
            onRefusal={"fallbackModel": FALLBACK},
            **spec,
        )
        public: dict[str, Any] = {
            "release": name,
            "announced": announced,
            "terms": {"first": terms or f"sha256:{name}"},
        }
        if announced:
            self.write("release.applied", public | {"plan": plan})
        else:
            self.write("release.applied", public, plan=plan)

        self._terms[name] = public["terms"]["first"]

    def open_stage(self, release: str) -> None:
        opened = {"release": release, "stage": "first", "terms": self._terms[release]}
        self.write("stage.opened", opened)

    def grant(
        self,
        organization: str,
        release: str = "preview",
        surface: str = SURFACE,
        until: str | None = None,
        **more: Any,
    ) -> str:
        grant = self.name("grant")
        public = {
            "grant": grant,
            "release": release,
            "stage": "first",
            "surface": surface,
            "terms": self._terms[release],
            "validFrom": times.format_time(AT_MS),
            "validUntil": until,
            **more,
        }
        self.write("grant.approved", public, organization=organization)
        return grant

    def credential(self, grant: str) -> tuple[str, str]:
        """Issue a key; return it, and the credential's id."""
        credential = self.name("cred")
        key = "sg_" + hashlib.sha256(credential.encode()).hexdigest()[:49]
        digest = hashlib.sha256(key.encode()).hexdigest()
        self.write("credential.issued", {"credential": credential, "grant": grant}, digest=digest)
        return key, credential

    def customer(self, organization: str = "org-1", release: str = "preview") -> str:
        """A granted organization's key."""
        return self.credential(self.grant(organization, release))[0]

    def choose(self, grant: str, *, fallback: bool = True) -> None:
        """The holder of a grant chooses whether the fallback answers."""
        self.write("grant.fallback_chosen", {"grant": grant, "case": "case", "fallback": fallback})

    def falling_back(self, organization: str = "org-1", *, chosen: bool = True) -> tuple[str, str, str]:
        """A key, its grant for `MODEL`, which falls back if `chosen`, and another one for `FALLBACK`."""
        if "old" not in self._terms:
            self.release("old", [FALLBACK])
            self.open_stage("old")
        grant, other = self.grant(organization), self.grant(organization, "old")
        if chosen:
            self.choose(grant)
        return self.credential(grant)[0], grant, other

    def revoke(self, credential: str) -> None:
        self.write("credential.revoked", {"credential": credential})

    def apply_for(self, organization: str, release: str = "preview") -> str:
        case = self.name("case")
        public = {"kind": "admission", "case": case, "release": release, "surface": SURFACE}
        self.write("case.opened", public, organization=organization)
        return case

    def suspend(
        self, name: str, models: list[str], organizations: list[str] | None = None, basis: str = "order"
    ) -> None:
        """Issue a directive that covers the organizations, or everyone."""
        spec = {
            "models": models,
            "surfaces": "all",
            "basis": {"kind": basis},
            "covers": "everyone" if organizations is None else committed(organizations),
        }
        public = {"directive": name, "document": {"spec": spec}}
        if organizations is None:
            self.write("directive.issued", public)
        else:
            self.write("directive.issued", public, organizations=organizations)

    def lift(self, name: str) -> None:
        self.write("directive.lifted", {"directive": name})


def lease(clock: Callable[[], float], ends_in_ms: float = LEASE_MS) -> Lease:
    """A lease that begins now."""
    now = clock()
    return Lease(now, now, now + ends_in_ms, AT_MS + 1_000)


def engine(world: World, clock: Callable[[], float], in_flight: InFlight | None = None) -> Engine:
    """An engine with a live lease that has folded the world so far."""
    made = Engine(SURFACE, clock, in_flight=in_flight)
    made.advance(world.take())
    made.renew(lease(clock))
    return made
