"""A fleet to load: a control plane, model servers, any number of gateways, and customers admitted to them.

Each is a separate process on 127.0.0.1, on a port that the system chose. The model servers are those of the
demonstration. Every act goes over the HTTP API, signed by the party that must sign it.
"""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.cast import DEVELOPER, OFFICER, Cast, Customer
from demo.paperwork import Credential, Paperwork
from demo.processes import STOP_S, Processes
from demo.site import ORIGIN, Site, followed
from sluicegate.acts import tokens
from sluicegate.acts.act import GATEWAY
from sluicegate.acts.tokens import TokenRequest
from sluicegate.client.http import Client
from sluicegate.store import keyfile

AGENCIES = ("oncd", "ostp")
FIRST_GATEWAY = "gateway-1"
"""The control plane writes its token at its first start. The other gateways ask for a token."""


class Measured(Processes):
    """Child processes whose processor time can be read."""

    def cpu_s(self, name: str) -> float:
        """The seconds for which a child's threads have run."""
        return threads_cpu_s(self.pid(name))

    def pid(self, name: str) -> int:
        """A child's process id."""
        return self._children[name].pid

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a child a signal that does not end it."""
        self._children[name].send_signal(number)

    def end(self, name: str, how: signal.Signals) -> int:
        """End a child by a signal; return its exit code. It may be started again."""
        child = self._children.pop(name)
        child.send_signal(how)
        assert child.stdout is not None
        with child.stdout:
            return child.wait(STOP_S)


def threads_cpu_s(pid: int | str) -> float:
    """The seconds for which a process's threads have run, without threads that have ended."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that serves."""

    name: str
    surface: str
    url: str


@dataclass(slots=True)
class Fleet:
    """What is running. `upstreams` are the model servers' URLs by their names in plans."""

    folder: Path
    processes: Measured
    cast: Cast
    upstreams: Mapping[str, str]
    control_url: str
    feed_url: str
    vkey: str
    paperwork: Paperwork
    gateways: list[Gateway] = field(default_factory=list)

    def start_gateways(
        self, surfaces: Mapping[str, str], feed: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> None:
        """Start gateways, each with its own state folder, and wait until each of these has a lease.

        `surfaces` gives the surface that each serves, by name; `feed` says which of them reach the feed by
        another URL, such as a relay's. `options` are those of each that are not said here.
        """
        for name, surface in surfaces.items():
            targets = [word for each in self.upstreams.items() for word in ("--upstream", "=".join(each))]
            self.processes.start(
                name, "gateway", "--name", name, "--surface", surface, "--port", "0",
                "--state", f"{self.folder / name}", "--control", self.control_url,
                "--feed", (feed or {}).get(name, self.feed_url),
                "--log-key", self.vkey, "--token-file", f"{self._token_file(name)}", *targets, *options,
            )  # fmt: skip
        self.gateways = [gateway for gateway in self.gateways if gateway.name not in surfaces]
        for name, surface in surfaces.items():
            self.gateways.append(Gateway(name, surface, self.processes.ready(name)["url"]))
        size = self.paperwork.head().size
        for gateway in self.gateways[-len(surfaces) :]:
            followed(gateway.url, size)

    def release(self, text: str) -> None:
        """Put a plan in force, let the agencies agree to its terms, and open its stages."""
        plan = self.folder / "plan.yaml"
        plan.write_text(text)
        for case in self.paperwork.apply_plan(plan).cases:
            self.paperwork.decide(case)
        for release, stage in self.paperwork.stages():
            if not stage.open:
                self.paperwork.open_stage(release, stage.stage)

    def client(self, token: str) -> Client:
        """Who holds a token."""
        return Client(self.control_url, token)

    def admit(self, customers: Iterable[Customer]) -> dict[Customer, Credential]:
        """Admit customers, each with a credential that every gateway knows."""
        admitted = {customer: self._admitted(customer) for customer in customers}
        self.followed(max(credential.size for credential in admitted.values()))
        return admitted

    def followed(self, size: int) -> None:
        """Wait until every gateway has a lease and has applied the log's first `size` entries."""
        for gateway in self.gateways:
            followed(gateway.url, size)

    def _admitted(self, customer: Customer) -> Credential:
        (self.folder / f"{customer.slug}.yaml").write_text(f"name: {customer.name}\nregisteredIn: US\n")
        case = self.paperwork.decide(self.paperwork.submit(customer))
        assert case.grant is not None
        return self.paperwork.issue(customer, case.grant.grant)

    def _token_file(self, gateway: str) -> Path:
        path = self.folder / "control" / "tokens" / f"{gateway}.token"
        if not path.exists():
            made = self.paperwork.staff().do(tokens.ISSUE, TokenRequest(role=GATEWAY, name=gateway))
            keyfile.write_secret(path, f"{made.token}\n".encode())
        return path


@contextmanager
def running(
    folder: Path,
    upstreams: Mapping[str, Sequence[str]],
    officers: Sequence[str] = (OFFICER,),
    control_port: int = 0,
    feed_port: int = 0,
) -> Iterator[Fleet]:
    """Start a control plane and model servers; gateways are started later on what it yields.

    `upstreams` are the options of `demo upstream` for each. Each process may have as many open files as the
    system allows.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cast = Cast(folder, AGENCIES, officers)
    cast.assemble(log_exists=False)
    with Measured(folder, print) as processes:
        for name, options in upstreams.items():
            processes.start(name, "demo", "upstream", "--port", "0", *options)
        start_control(processes, cast, folder, control_port, feed_port)
        urls = {name: processes.ready(name)["url"] for name in upstreams}
        control = processes.ready("control")
        site = Site(folder, control["url"], "", next(iter(urls.values())), control["vkey"])
        with closing(Paperwork(site, cast, folder)) as paperwork:
            yield Fleet(
                folder, processes, cast, urls, control["url"], control["feed"], control["vkey"], paperwork
            )


def start_control(processes: Processes, cast: Cast, folder: Path, port: int = 0, feed_port: int = 0) -> None:
    """Start the control plane, for the first time or again."""
    processes.start(
        "control", "serve", "--port", f"{port}", "--feed-port", f"{feed_port}",
        "--state", f"{folder / 'control'}",
        "--trust", f"{cast.trust_file}", "--origin", ORIGIN,
    )  # fmt: skip


def plan(
    release: str, stage: str, models: Mapping[str, str], surfaces: Iterable[str], lease_ms: int = 5_000
) -> str:
    """A plan of one stage that asks both agencies, with no limit of seats and no quota.

    `models` are the names of their upstreams, by their ids.
    """
    digests = {"digest": f"sha256:{1:064}", "safeguards": f"sha256:{2:064}"}
    asked = {"kind": "agreed", "askedBy": list(AGENCIES), "how": "memorandum", "askedOn": "2026-06-24"}
    spec = {
        "models": [{"id": name, "upstream": upstream, **digests} for name, upstream in models.items()],
        "surfaces": sorted(set(surfaces)),
        "leaseMs": lease_ms,
        "agencies": {name: {"name": f"The {name} agency"} for name in AGENCIES},
        "stages": [
            {
                "name": stage,
                "basis": asked,
                "admission": {"mode": "approve", "grant": {"allOf": list(AGENCIES)}},
            }
        ],
    }
    return document("Release", {"name": release, "developer": DEVELOPER}, spec)


def order(name: str, models: Sequence[str], organizations: Sequence[str]) -> str:
    """The first agency's order to suspend models for organizations, at once and on every surface."""
    return order_about(name, models, {"organizations": list(organizations)})


def order_about(name: str, models: Sequence[str], covers: Mapping[str, Any], **more: Any) -> str:
    """An order that covers these requests; `more` are fields of the document's `spec`."""
    spec = {
        "issuer": AGENCIES[0],
        "basis": {"kind": "order", "authority": "an example letter"},
        "action": "suspend",
        "models": list(models),
        "surfaces": "all",
        "covers": dict(covers),
        "reasons": {"form": "none"},
        **more,
    }
    return document("Directive", {"name": name}, spec)


def document(kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    """A document as it is written."""
    return json.dumps({"apiVersion": "sluicegate/v1", "kind": kind, "metadata": metadata, "spec": spec})
