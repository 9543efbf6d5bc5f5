"""Canaries across real processes: two gateways, a directive, and a server that goes on answering."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from sluicegate.store import keyfile
from tests.cli.commands import Cli, Done
from tests.crash.customers import admitted
from tests.crash.parties import AGENCIES, MODEL, RELEASE, SURFACE
from tests.crash.plane import Plane, Site, started
from tests.waiting import eventually

ISSUER, OBSERVER = AGENCIES[:2]
DIRECTIVE = """
apiVersion: sluicegate/v1
kind: Directive
metadata: {name: no-more}
spec:
  issuer: ISSUER
  basis: {kind: order, authority: an example letter}
  action: suspend
  models: [model-1]
  surfaces: all
  covers: everyone
  reasons: {form: none}
"""


def test_what_is_removed_is_seen_removed_at_each_gateway_and_who_goes_on_is_seen_too(site: Site) -> None:
    with (
        started(Plane(site, apart=True)) as plane,
        closing(plane.developer()) as staff,
    ):
        second, url = plane.another_gateway("gateway-2")
        second.start("gateway")
        try:
            key = admitted(staff, plane.parties, "The Customer")
            _watched(site, plane, {"api-1": plane.gateway_url, "api-2": url, "liar": site.upstream_url}, key)
        finally:
            second.end()


def _watched(site: Site, plane: Plane, urls: dict[str, str], key: str) -> None:
    cli, folder = Cli(site.folder, site.launcher), site.folder
    for name in (ISSUER, OBSERVER):
        keyfile.save_private(folder / f"{name}.key", plane.parties.private(name))
    (folder / "no-more.yaml").write_text(DIRECTIVE.replace("ISSUER", ISSUER))

    def file(*names: str) -> Any:
        asks = {
            "release": RELEASE,
            "model": MODEL,
            "surface": SURFACE,
            "key": "CANARY",
            "expects": "answered",
        }
        spec = {"probes": [{**asks, "url": urls[name]} for name in names]}
        path = folder / f"{'-'.join(names)}.json"
        path.write_text(json.dumps({"apiVersion": "sluicegate/v1", "kind": "Canaries", "spec": spec}))
        return path

    def run(*words: object, by: str = OBSERVER) -> Done:
        return cli(*words, "--json", url=plane.control_url, token=plane.token(by), CANARY=key)

    def look(*names: str) -> tuple[int, dict[str, Any]]:
        kept = ("--kept", folder / "kept.jsonl", "--key", folder / f"{OBSERVER}.key")
        done = run("canary", "run", file(*names), *kept)
        found = {each["address"]: each for each in map(json.loads, done.out.splitlines())}
        return done.code, {name: found[urls[name]] for name in names}

    def status() -> Any:
        return run("directive", "status", "no-more", by=ISSUER).answer

    def all_answered() -> bool:
        _, found = look(*urls)
        return {each["outcome"]["got"] for each in found.values()} == {"answered"}

    eventually(all_answered)  # each gateway has the key by now
    issued = run("directive", "issue", folder / "no-more.yaml", "--key", folder / f"{ISSUER}.key", by=ISSUER)
    assert issued.code == 0, issued
    assert status()["unobserved"] == [f"{MODEL} on {SURFACE}"]
    eventually(lambda: status()["entry"] is not None)
    code, seen = look("api-1", "api-2")
    assert code == 0
    for each in seen.values():
        assert each["outcome"]["directive"] == "no-more"
        assert each["receipt"]["verdict"] == "as_due"
    code, seen = look(*urls)
    assert (code, seen["liar"]["receipt"]["verdict"]) == (5, "still_served")
    shown = {each["probe"]["address"]: each["shows"] for each in status()["observed"]}
    assert shown == {urls["api-1"]: "removed", urls["api-2"]: "removed", urls["liar"]: "still_served"}
    assert "unobserved" not in status()
    (found,) = run("status").answer["releases"]
    assert [each["probe"]["address"] for each in found["contradicted"]] == [urls["liar"]]
    assert run("ledger", "verify", plane.control_url, "--key", plane.vkey).code == 0
