"""`doctor`: mistakes that are planted in a deployment, each of which it finds, and says what to do."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sluicegate.bootstrap import hold_for_supervisor
from sluicegate.recovery import backups, doctor
from sluicegate.recovery.doctor import FAILS, OK, WARNS, Diagnosis, Site, examine
from sluicegate.store import keyfile, unsettled
from sluicegate.store.unsettled import Restored
from sluicegate_record.log import canonical, checkpoint
from sluicegate_record.log.publickey import keyid
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.epochs import TreeHead
from tests.certificates import Authority
from tests.recovery.stored import gateway_of, state_of
from tests.worlds import (
    AT_MS,
    DEVELOPER,
    LOG,
    MODEL,
    OFFICER,
    OTHER_OFFICER,
    PINS,
    RELEASE,
    World,
    epoch,
    head_of,
    pinning,
    private_key,
    public_key,
)

WORLD = World.opened()


@contextmanager
def answering(date: str = "", status: int = 200) -> Iterator[str]:
    """A server that answers everything with one status, at one date."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            if date:
                self.send_header("date", date)
            self.end_headers()
            self.wfile.write(json.dumps({"ready": True, "size": len(WORLD.entries)}).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def trust_file(path: Path, kind: str = "Trust", log: str = LOG, **keys: bytes) -> Path:
    officers = {each.owner: {"key": canonical.b64(keys.get(each.owner.replace("-", "_"), each.public))}
                for each in PINS if each.party == DEVELOPER}  # fmt: skip
    agencies = {each.owner: {"key": canonical.b64(each.public)} for each in PINS if each.party != DEVELOPER}
    spec: dict[str, object] = {"officers": officers, "agencies": agencies}
    if kind == "GatewayTrust":
        spec |= {
            "log": log,
            "releases": {RELEASE: {"floor": {"allOf": ["oncd"]}, "upstreams": {MODEL: "demo"}}},
        }
    document = {
        "apiVersion": "sluicegate/v1",
        "kind": kind,
        "metadata": {"developer": DEVELOPER},
        "spec": spec,
    }
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Site]:
    """One without a mistake."""
    state = state_of(tmp_path / "state", WORLD.entries)
    (tmp_path / "backups").mkdir()
    backups.make(state, tmp_path / "backups" / "newest", AT_MS)
    with answering() as url:
        yield Site(
            state,
            trust_file(tmp_path / "trust.yaml"),
            url,
            url,
            [url],
            [gateway_of(tmp_path / "gateway", WORLD.entries)],
            [trust_file(tmp_path / "gateway-trust.yaml", "GatewayTrust")],
            {"demo": url},
            [],
            tmp_path / "backups",
            1,
            {"SLUICEGATE_GATEWAYS": "api=https://api.example"},
        )


def found(deployment: Site) -> list[Diagnosis]:
    return list(examine(deployment, lambda: AT_MS + 60_000))


def test_a_deployment_without_mistakes(deployment: Site) -> None:
    assert {each.state for each in found(deployment)} == {OK}, found(deployment)


def test_keys_that_the_parties_signed_need_no_trust_file(deployment: Site, tmp_path: Path) -> None:
    more = World.opened()
    more.must(pinning("oncd", "oncd", "oncd-2", "oncd", replaces=keyid(public_key("oncd"))))
    more.must(pinning("third-officer", DEVELOPER, "third", OFFICER, OTHER_OFFICER))
    rotated = replace(deployment, state=state_of(tmp_path / "rotated", more.entries))
    said = {each.what: each.state for each in found(rotated) if "trust file" in each.check}
    assert set(said.values()) == {OK}, said


Plant = Callable[[Site], Site]


def open_key(given: Site) -> Site:
    (given.state / "log.key").chmod(0o644)
    return given


def other_key(given: Site) -> Site:
    (given.state / "log.key").unlink()
    keyfile.save_private(given.state / "log.key", private_key("another"))
    return given


def no_key(given: Site) -> Site:
    (given.state / "log.key").unlink()
    return given


def newer_schema(given: Site) -> Site:
    with closing(sqlite3.connect(given.state / "ledger.db")) as opened, opened:
        opened.execute("PRAGMA user_version=99")
    return given


def unsettled_restore(given: Site) -> Site:
    here = head_of(WORLD.entries)
    seen = {"gateway-1": TreeHead(size=here.size + 5, root=bytes(32))}
    unsettled.write(given.state, Restored(log=LOG, restored=here, seen=seen))
    return given


def other_pin(given: Site) -> Site:
    assert given.trust is not None
    trust_file(given.trust, release_officer=PINS[-1].public[::-1])
    return given


def other_log(given: Site) -> Site:
    trust_file(given.gateway_trusts[0], "GatewayTrust", checkpoint.vkey("log.other", public_key("log")))
    return given


def older_database(given: Site) -> Site:
    more = World.opened()
    more.direct("d-1")
    return replace(given, gateways=[gateway_of(given.state.parent / "ahead", more.entries)])


def full_disk(given: Site) -> Site:
    return replace(given, reserve_bytes=2**62)


def misspelt(given: Site) -> Site:
    return replace(given, environment={"SLUICEGATE_WEBHOK_NETWORKS": "10.0.0.0/8"})


def contradictory(given: Site) -> Site:
    return replace(given, environment={"SLUICEGATE_SMTP": "mail.example:587"})


def dead_feed(given: Site) -> Site:
    return replace(given, feed="http://127.0.0.1:9")


def dead_upstream(given: Site) -> Site:
    return replace(given, upstreams={"demo": "http://127.0.0.1:9"})


def expired(given: Site) -> Site:
    return replace(given, certificates=[Authority(given.state.parent).certified("gateway", days=30)])


def old_backup(given: Site) -> Site:
    assert given.backups is not None
    listing = given.backups / "newest" / "backup.json"
    said = json.loads(listing.read_bytes())
    listing.write_text(json.dumps({**said, "madeAt": AT_MS - 3 * DAY_MS}))
    return given


def went_on(given: Site, *, is_named: bool = False, is_kept: bool = True) -> Site:
    """A log that goes on after a loss, and a gateway that has seen a directive among what is lost."""
    later, backed, here = World.opened(), World.opened(), given.state.parent
    later.direct("d-lost")
    gateway = gateway_of(here / "left", later.entries)
    if not is_kept:
        (gateway / "entries.jsonl").unlink()
    other = TreeHead(size=head_of(later.entries).size, root=bytes(32))
    abandoned = head_of(later.entries) if is_named else other
    backed.must(epoch(head_of(backed.entries), abandoned, at_ms=backed.now_ms))
    return replace(given, state=state_of(here / "went-on", backed.entries), gateways=[gateway])


def forgot(given: Site) -> Site:
    return went_on(given, is_named=True, is_kept=False)


PLANTED: dict[str, tuple[Plant, str, str]] = {
    "others can read the log's key": (open_key, "permissions", "others can read"),
    "the log's key is missing": (no_key, "log key", "is missing"),
    "the key of another log": (other_key, "log key", "which signs the log"),
    "a newer build wrote the database": (newer_schema, "database", "schema version 99"),
    "a restore that is not settled": (unsettled_restore, "restore", "newer ones were seen"),
    "another key in the trust file": (other_pin, "trust file", "has another key for release-officer"),
    "a gateway's trust file for another log": (other_log, "gateway trust file", "for another log"),
    "an older database than a gateway saw": (older_database, "gateway", "the database is older"),
    "a gateway that no epoch names": (
        went_on,
        "gateway",
        "no epoch names that head",
    ),
    "a gateway that forgot what it saw": (forgot, "gateway", "what it narrowed cannot be read"),
    "a disk without the reserve": (full_disk, "disk", "only what narrows"),
    "a variable that is misspelt": (misspelt, "settings", "SLUICEGATE_WEBHOK_NETWORKS"),
    "settings that contradict": (contradictory, "settings", "go together"),
    "a feed that does not answer": (dead_feed, "feed", "does not answer"),
    "an upstream that does not answer": (dead_upstream, "upstream", "does not answer"),
    "a certificate that is over": (expired, "certificate", "days ago"),
    "a backup that is old": (old_backup, "backup", "hours old"),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_each_mistake_is_found_and_what_to_do_is_said(deployment: Site, mistake: str) -> None:
    plant, check, what = PLANTED[mistake]
    failures = [each for each in found(plant(deployment)) if each.state == FAILS]
    assert any(each.check == check and what in each.what for each in failures), failures
    assert all(each.do for each in failures)


def test_a_gateway_that_an_epoch_names_crosses_by_itself(deployment: Site) -> None:
    (said,) = [
        each for each in found(went_on(deployment, is_named=True)) if each.check == "gateway" and each.do
    ]
    assert (said.state, said.do) == (WARNS, "start it: it crosses by itself")


def test_what_only_a_gateway_narrows_is_listed(deployment: Site) -> None:
    whats = [each.what for each in found(went_on(deployment)) if each.check == "gateway"]
    assert any("d-lost" in what for what in whats), whats


def test_a_clock_that_differs_is_found(deployment: Site) -> None:
    with answering("Mon, 01 Jan 2024 00:00:00 GMT") as url:
        failures = [each for each in found(replace(deployment, control=url)) if each.state == FAILS]
    assert [each.check for each in failures] == ["clock"]


def test_a_server_that_is_not_ready_is_found(deployment: Site) -> None:
    with answering(status=503) as url:
        failures = [each for each in found(replace(deployment, gateway_urls=[url])) if each.state == FAILS]
    assert [each.check for each in failures] == ["gateway"]


def test_a_state_folder_that_a_supervisor_makes_is_its_owners_alone(tmp_path: Path) -> None:
    hold_for_supervisor(tmp_path / "new" / "state", "up")
    assert stat.S_IMODE((tmp_path / "new" / "state").stat().st_mode) == 0o700


def test_the_variables_that_are_known_are_those_that_the_build_reads() -> None:
    sources = Path(doctor.__file__).parents[1].rglob("*.py")
    texts = [each.read_text() for each in sources if each != Path(doctor.__file__)]
    read = {name for text in texts for name in re.findall(r"\bSLUICEGATE_[A-Z_]*[A-Z]\b", text)}
    assert {name for name in read if not name.startswith(doctor.PREFIXES)} == doctor.KNOWN
