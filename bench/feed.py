"""The feed: how soon an answer follows a commit, and how soon a feed that was killed gives leases again.

The second is measured with a million entries in the log. They are put into the database, and the control
plane folds them before the feed is killed.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import fleet
from bench.fleet import Fleet
from demo.cast import Customer, Place
from demo.paperwork import Credential
from demo.site import ORIGIN
from sluicegate.core.access import feed, versions
from sluicegate.store import keyfile
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record import entries
from sluicegate_record.entries import Draft
from sluicegate_record.entries.credentials import CredentialRevoked
from sluicegate_record.log import acknowledgement, checkpoint, merkle
from sluicegate_record.log.merkle import Frontier

RELEASE, STAGE, MODEL, SURFACE = "bench", "first", "model-1", "api"
CUSTOMER = Customer("Example Utility", "utility", Place(RELEASE, STAGE, SURFACE))
COMMANDS = 300
ENTRIES, CHUNK = 1_000_000, 20_000
WAIT_MS, LOOK_EVERY_S = 1_500, 0.0002
KILLS = 5
LONGEST_S, FOLDED_S = 60.0, 600.0


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir="build") as folder,
        fleet.running(Path(folder).absolute(), {"demo": ()}) as running,
    ):
        running.start_gateways({fleet.FIRST_GATEWAY: SURFACE})
        running.release(fleet.plan(RELEASE, STAGE, {MODEL: "demo"}, [SURFACE]))
        credential = running.admit([CUSTOMER])[CUSTOMER]
        run = _Run(running)
        delays_ms = list(_delays_ms(running, run, credential))
        run.folded(_fill(running, credential.id))
        ready_ms = [_ready_ms(running, run) for _ in range(KILLS)]
    return {
        "feed_answer_p50_ms": median(delays_ms),
        "feed_answer_p99_ms": quantiles(delays_ms, n=100)[-1],
        "feed_ready_ms": median(ready_ms),
    }


class _Run:
    """One run of a gateway, which polls and folds nothing."""

    def __init__(self, running: Fleet) -> None:
        name = fleet.FIRST_GATEWAY
        self._host = urlsplit(running.feed_url).netloc
        token = (running.folder / "control" / "tokens" / f"{name}.token").read_text().strip()
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._log = checkpoint.parse_vkey(running.vkey)
        self._key = Ed25519PrivateKey.generate()
        self._run = {"gateway": name, "incarnation": secrets.token_hex(16), "surface": SURFACE}
        self.size, self._root = 0, Frontier().root()

    def poll(self, wait_ms: int) -> feed.FeedAnswer:
        """Ask once, over a connection of its own. Raises: OSError, http.client.HTTPException: no answer."""
        asked = {
            **self._run,
            "after": self.size,
            "nonce": secrets.token_hex(16),
            "waitMs": wait_ms,
            "report": {"streamsCut": {}},
            "root": self._root.hex(),
            "fold": versions.FOLD_VERSION,
        }
        with closing(http.client.HTTPConnection(self._host, timeout=LONGEST_S)) as connection:
            body = json.dumps(acknowledgement.signed(asked, self._key))
            connection.request("POST", "/fleet/v1/poll", body, self._headers)
            answer = connection.getresponse()
            data = answer.read()
        if answer.status != http.client.OK:
            raise http.client.HTTPException(data)
        found = feed.open_answer(data, asked, self._log)
        self.size, self._root = found.size, found.root
        return found

    def folded(self, frontier: Frontier) -> None:
        """Have folded so much."""
        self.size, self._root = frontier.size, frontier.root()

    def follow(self) -> None:
        """Poll until a lease comes."""
        while not self.poll(0).lease_ms:
            pass


def _delays_ms(running: Fleet, run: _Run, credential: Credential) -> Iterator[float]:
    """How long after a commit can be read from the file its answer is here, command by command."""
    run.follow()
    command = partial(running.paperwork.issue, CUSTOMER, credential.grant)
    with closing(sqlite3.connect(running.folder / "control" / "ledger.db")) as file:
        for _ in range(COMMANDS):
            answered_s: list[float] = []

            def wait(told: Callable[[float], None] = answered_s.append) -> None:
                run.poll(WAIT_MS)
                told(time.monotonic())

            before = run.size
            waiting = threading.Thread(target=wait)
            commanding = threading.Thread(target=command)
            waiting.start()
            commanding.start()
            while file.execute("SELECT size FROM head").fetchone()[0] <= before:
                time.sleep(LOOK_EVERY_S)
            committed_s = time.monotonic()
            commanding.join()
            waiting.join()
            if run.size > before:
                yield 1_000 * max(0.0, answered_s[0] - committed_s)
            run.follow()


def _fill(running: Fleet, credential: str) -> Frontier:
    """Put entries into the log while the control plane is stopped, and start it again; the tree's edge."""
    running.processes.end("control", signal.SIGTERM)
    folder = running.folder / "control"
    key = keyfile.load_ed25519(folder / "log.key")
    with closing(SqliteStore(folder / "ledger.db")) as store:
        frontier = Frontier.at(store.log.size(), store.log.nodes)
        at_ms = store.log.entries(frontier.size - 1, 1)[0].at_ms
        draft = Draft(credential, CredentialRevoked(credential=credential))
        while frontier.size < ENTRIES:
            placed = [
                entries.place(draft, seq=frontier.size + i, at_ms=at_ms, by="bench", command="bench")
                for i in range(min(CHUNK, ENTRIES - frontier.size))
            ]
            nodes = [node for entry in placed for node in frontier.append(merkle.leaf_hash(entry.leaf))]
            store.log.append(placed, nodes, checkpoint.sign(ORIGIN, frontier.size, frontier.root(), key))
    port = urlsplit(running.feed_url).port
    fleet.start_control(running.processes, running.cast, running.folder, 0, port or 0)
    running.processes.ready("control", FOLDED_S)
    return frontier


def _ready_ms(running: Fleet, run: _Run) -> float:
    """How long after the feed's process was killed a lease comes again."""
    pid = _pid_of_feed(running)
    began_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while time.monotonic() < began_s + LONGEST_S:
        try:
            if run.poll(0).lease_ms:
                return 1_000 * (time.monotonic() - began_s)
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
    raise TimeoutError("the feed gives no lease again")


def _pid_of_feed(running: Fleet) -> int:
    (name,) = (running.folder / "control" / "feeds").glob("*/*.pid")
    return int(name.read_text().split()[0])
