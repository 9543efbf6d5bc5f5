"""A look at a deployment from its control plane's machine: what is wrong, and what to do about it.

Rules:
- It only reads: files, the database, and what servers say to anyone. It needs no token.
- Each check gives findings; one that cannot be made says so, and does not count as good.
- What is given is checked: a feed, a gateway or an upstream that is not named is not looked for.
"""

from __future__ import annotations

import json
import os
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core.terms import document, trust
from sluicegate.errors import SluicegateError, StoreUnavailable
from sluicegate.gate.kept import Memory
from sluicegate.ports import log_keys
from sluicegate.recovery.backups import DATABASE, LISTING, narrowing_lines
from sluicegate.settings import CLOCK_BOUND_MS, RESERVE_BYTES
from sluicegate.store import logkeys, unsettled
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record import entries
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.entries import Body
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.entries.releases import KeyPinned
from sluicegate_record.log import merkle
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.epochs import TreeHead

Found = TypeVar("Found", bound=Body)
OK, WARNS, FAILS = "ok", "warning", "failure"
BACKUP_MS_MAX = DAY_MS
"""How old the newest backup may be."""
CERTIFICATE_DAYS_MIN = 14
ANSWER_S = 5
LAG_MAX = 100
"""By how many entries a gateway may be behind while the log grows."""
KNOWN = frozenset(
    f"SLUICEGATE_{name}"
    for name in (
        *("API_KEY", "BASE_URL", "CLIENT_CERT", "GATEWAYS", "JOURNAL", "JOURNAL_LEVEL", "MAIL_FROM"),
        *("PASSPHRASE", "PROFILE", "SIGNED_AT", "SMTP", "SMTP_PASSWORD", "SMTP_USER", "TOKEN", "URL"),
        "WEBHOOK_NETWORKS",
    )
)
"""The variables that some program of this build reads."""
PREFIXES = ("SLUICEGATE_UPSTREAM_KEY_",)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a check found; `do` is empty where nothing is to be done."""

    check: str
    state: str
    what: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What is looked at. `gateways` are state folders, `gateway_urls` where gateways listen."""

    state: Path
    trust: Path | None = None
    control: str = ""
    feed: str = ""
    gateway_urls: Sequence[str] = ()
    gateways: Sequence[Path] = ()
    gateway_trusts: Sequence[Path] = ()
    upstreams: Mapping[str, str] = field(default_factory=dict)
    certificates: Sequence[Path] = ()
    backups: Path | None = None
    reserve_bytes: int = RESERVE_BYTES
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LogAtHand:
    """What the log of the state folder says, as far as it could be read."""

    store: SqliteStore | None = None
    keys: LogKeys = field(default_factory=LogKeys)
    size: int = 0

    @property
    def vkey(self) -> str:
        """The log's first key, which is its name; empty if the log could not be read."""
        return self.keys.keys[0].vkey if self.keys.keys else ""


def examine(found: Site, wall_ms: Callable[[], int]) -> Iterator[Diagnosis]:
    """Every check, in the order in which one would mend."""
    if not found.state.is_dir():
        yield Diagnosis("state", FAILS, f"there is no folder {found.state}", "name it with --state")
        return
    yield from _modes(found.state)
    yield from _settled(found.state)
    known = LogAtHand()
    yield from _database(found.state / DATABASE, known)
    try:
        yield from _log_key(found.state, known)
        yield from _trust(found.trust, known)
        yield from _gateway_trusts(found.gateway_trusts, known)
        yield from _gateways(found, known)
    finally:
        if known.store is not None:
            known.store.close()
    yield from _disk(found)
    yield from _settings(found.environment)
    yield from _alive(found, known, wall_ms)
    yield from _upstreams(found.upstreams)
    yield from _certificates(found.certificates, wall_ms())
    yield from _backups(found.backups, wall_ms())


def _modes(state: Path) -> Iterator[Diagnosis]:
    named = (
        state,
        state / DATABASE,
        state / logkeys.NOW,
        state / logkeys.NEXT,
        state / logkeys.BEFORE,
        *state.glob("tokens/*"),
        *state.glob("feeds/*/feed.key"),
    )
    open_ = [path for path in named if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_:
        mode = 700 if path.is_dir() else 600
        yield Diagnosis("permissions", FAILS, f"others can read {path}", f"chmod {mode} {path}")
    foreign = [path for path in named if path.exists() and path.stat().st_uid != state.stat().st_uid]
    for path in foreign:
        yield Diagnosis(
            "permissions", FAILS, f"{path} has another owner than {state}", f"chown it to that of {state}"
        )
    if not open_ and not foreign:
        yield Diagnosis("permissions", OK, f"only their owner can read the secrets in {state}")


def _settled(state: Path) -> Iterator[Diagnosis]:
    try:
        unsettled.check(state)
    except SluicegateError as error:
        yield Diagnosis("restore", FAILS, error.message, error.remedy)


def _database(path: Path, known: LogAtHand) -> Iterator[Diagnosis]:
    try:
        store = known.store = SqliteStore(path, read_only=True)
        head, keys = store.log.head(), log_keys(store.log)
        if not keys.keys:
            yield Diagnosis("database", FAILS, f"{path} has no log yet", "start the control plane")
            return
        known.keys, known.size = keys, head.size
        signed = keys.open(head.checkpoint)
        fits = (signed.size, signed.root) == (head.size, merkle.root(head.size, store.log.nodes))
        if not fits:
            yield Diagnosis(
                "database", FAILS, f"{path}: the tree is not that of the signed head", "restore a backup"
            )
        else:
            yield Diagnosis("database", OK, f"{head.size} entries, the head signed")
    except SluicegateError as error:
        is_old = isinstance(error, StoreUnavailable) and "up to date" in error.message
        yield Diagnosis(
            "database", WARNS if is_old else FAILS, error.message, error.remedy or "restore a backup"
        )


def _log_key(state: Path, known: LogAtHand) -> Iterator[Diagnosis]:
    path = state / logkeys.NOW
    try:
        key, is_waiting = logkeys.of(path), logkeys.of(state / logkeys.NEXT) is not None
    except SluicegateError as error:
        yield Diagnosis("log key", FAILS, error.message, error.remedy)
        return
    if key is None and not is_waiting:
        yield Diagnosis("log key", FAILS, f"{path} is missing", logkeys.missing(state).remedy)
    elif key is not None and known.keys.keys and not is_waiting and not _signs(key, known):
        now = known.keys.current.vkey
        yield Diagnosis("log key", FAILS, f"{path} is not the key {now}, which signs the log", "put it back")
    else:
        yield Diagnosis("log key", OK, "present, and the log's")
    if (state / logkeys.BEFORE).exists():
        what = f"{state / logkeys.BEFORE} still signs, for who knows only the key before"
        yield Diagnosis(
            "log key", WARNS, what, "remove it when all have the new key, and a backup has the entry"
        )


def _signs(key: Ed25519PrivateKey, known: LogAtHand) -> bool:
    return key.public_key().public_bytes_raw() == known.keys.current.verifier.public


def _said(error: SluicegateError | OSError) -> str:
    """What is wrong with a file: its first place, where it has one."""
    if isinstance(error, SluicegateError) and error.at:
        return str(error.at[0])
    return str(error)


def _pinned(known: LogAtHand) -> list[KeyPinned]:
    """The keys that the log pins, also those that have ended."""
    return _bodies(known, KeyPinned)


def _bodies(known: LogAtHand, kind: type[Found]) -> list[Found]:
    """The entries of a type. Empty if the log could not be read."""
    if known.store is None or not known.vkey:
        return []
    query = "SELECT seq FROM entries WHERE instr(leaf, ?) > 0 ORDER BY seq"
    seqs = [seq for (seq,) in known.store.database.rows(query, (f'"type":"{kind.type}"'.encode(),))]
    bodies = [entries.read(*each).body for seq in seqs for each in known.store.log.tail(seq, 1)]
    return [body for body in bodies if isinstance(body, kind)]


def _trust(path: Path | None, known: LogAtHand) -> Iterator[Diagnosis]:
    if path is None:
        return
    try:
        given = {
            pin.owner: pin.public for pin in trust.read(document.read(path.read_bytes(), str(path))).pins
        }
    except (SluicegateError, OSError) as error:
        yield Diagnosis("trust file", FAILS, f"{path}: {_said(error)}", "mend it, or name the right file")
        return
    pinned = {body.owner: body.public_key for body in _pinned(known) if body.from_ == "configuration"}
    other = sorted(owner for owner, key in pinned.items() if given.get(owner) != key)
    for owner in other:
        what = f"{path} has another key for {owner} than the log, or none"
        yield Diagnosis("trust file", FAILS, what, "put that key back, or name the trust file of this log")
    if not other:
        yield Diagnosis("trust file", OK, f"has the keys with which the log began: {len(pinned)}")


def _gateway_trusts(paths: Sequence[Path], known: LogAtHand) -> Iterator[Diagnosis]:
    pinned = {body.public_key for body in _pinned(known)}
    for path in paths:
        try:
            found = trust.read_gateway(document.read(path.read_bytes(), str(path)))
        except (SluicegateError, OSError) as error:
            yield Diagnosis("gateway trust file", FAILS, f"{path}: {_said(error)}", "mend it")
            continue
        unknown = sorted(pin.owner for pin in found.pins if pinned and pin.public not in pinned)
        if known.vkey and found.log.strip() != known.vkey:
            yield Diagnosis(
                "gateway trust file", FAILS, f"{path} is for another log", f"write 'log: {known.vkey}'"
            )
        elif unknown:
            what = f"{path} trusts keys that the log does not pin: {', '.join(unknown)}"
            yield Diagnosis("gateway trust file", WARNS, what, "compare it with the agencies' published keys")
        else:
            yield Diagnosis("gateway trust file", OK, f"{path} is for this log")


def _gateways(found: Site, known: LogAtHand) -> Iterator[Diagnosis]:
    for folder in found.gateways:
        try:
            seen = Memory(folder).load()
        except SluicegateError as error:
            yield Diagnosis("gateway", FAILS, error.message, error.remedy)
            continue
        if known.store is None or not known.vkey:
            continue
        if seen.size <= known.size and merkle.root(seen.size, known.store.log.nodes) == seen.root:
            yield Diagnosis("gateway", OK, f"{folder} has seen {seen.size} of {known.size} entries")
        elif begun := [each for each in _bodies(known, EpochBegan) if each.restored.size < seen.size]:
            yield _left(folder, TreeHead(size=seen.size, root=seen.root), begun)
        elif seen.size > known.size:
            what = f"{folder} has seen {seen.size} entries, the log has {known.size}: the database is older"
            yield Diagnosis("gateway", FAILS, what, "stop, and see 'Back up, restore, go on after a loss'")
        else:
            what = f"{folder} has seen another log at size {seen.size}: it has forked"
            yield Diagnosis(
                "gateway",
                FAILS,
                what,
                "find out which is right: 'sluicegate ledger verify URL --key KEY' of both",
            )


def _left(folder: Path, seen: TreeHead, begun: Sequence[EpochBegan]) -> Diagnosis:
    """What a gateway is to do that has seen what epochs abandon, or something else."""
    named = next((each for each in begun if seen in each.abandoned), None)
    try:
        held = Memory(folder).entries((named or begun[0]).restored.size, seen.size)
    except SluicegateError as error:
        narrowed = f"what it narrowed cannot be read: {error.message}"
    else:
        if named is not None:
            what = f"{folder} has seen what an epoch abandons, and has not crossed yet"
            return Diagnosis("gateway", WARNS, what, "start it: it crosses by itself")
        narrowed = f"it narrows: {'; '.join(narrowing_lines(held)) or 'nothing'}"
    why = "no epoch names that head" if named is None else "it does not hold what the epoch abandons"
    what = f"{folder} has seen {seen.size} entries, and {why}, so it stays closed; {narrowed}"
    return Diagnosis("gateway", FAILS, what, "issue that again, then see 'A gateway that cannot cross'")


def _disk(found: Site) -> Iterator[Diagnosis]:
    disk = os.statvfs(found.state)
    free, wanted = disk.f_bavail * disk.f_frsize, found.reserve_bytes
    if free < wanted:
        what = f"{free >> 20} MiB are free, and {wanted >> 20} are to be kept: only what narrows is accepted"
        yield Diagnosis("disk", FAILS, what, "free space, or keep less: --reserve-mib")
    elif free < 2 * wanted:
        yield Diagnosis(
            "disk", WARNS, f"{free >> 20} MiB are free, {wanted >> 20} are kept", "free space soon"
        )
    else:
        yield Diagnosis("disk", OK, f"{free >> 20} MiB are free")


def _settings(environment: Mapping[str, str]) -> Iterator[Diagnosis]:
    given = sorted(name for name in environment if name.startswith("SLUICEGATE_"))
    unknown = [name for name in given if name not in KNOWN and not name.startswith(PREFIXES)]
    for name in unknown:
        yield Diagnosis(
            "settings",
            FAILS,
            f"this build does not read the variable {name}",
            "correct its name, or take it out",
        )
    sends, says = environment.get("SLUICEGATE_SMTP"), environment.get("SLUICEGATE_MAIL_FROM")
    if bool(sends) != bool(says):
        what = "SLUICEGATE_SMTP and SLUICEGATE_MAIL_FROM go together, and one is set"
        yield Diagnosis("settings", FAILS, what, "set both, or neither")
    elif not unknown:
        yield Diagnosis("settings", OK, f"{len(given)} variables, all known")


def _alive(found: Site, known: LogAtHand, wall_ms: Callable[[], int]) -> Iterator[Diagnosis]:
    named = [("control plane", found.control, "/readyz"), ("feed", found.feed, "/healthz")]
    named += [("gateway", url, "/readyz") for url in found.gateway_urls]
    for name, url, path in named:
        if not url:
            continue
        answer = _asked(f"{url.rstrip('/')}{path}")
        if isinstance(answer, str):
            yield Diagnosis(
                name, FAILS, f"{url} does not answer: {answer}", "start it, or correct its address"
            )
            continue
        status, date, body = answer
        if status != 200:
            yield Diagnosis(name, FAILS, f"{url} is not ready: status {status}", "read its log: it says why")
        elif name == "gateway":
            yield from _lag(url, body, known)
        else:
            yield Diagnosis(name, OK, f"{url} answers")
        yield from _clock(name, url, date, wall_ms())


def _lag(url: str, body: bytes, known: LogAtHand) -> Iterator[Diagnosis]:
    try:
        behind = known.size - int(json.loads(body)["size"]) if known.vkey else 0
    except (ValueError, KeyError, TypeError):
        yield Diagnosis("gateway", FAILS, f"{url} does not answer as a gateway", "correct its address")
        return
    if behind > LAG_MAX:
        yield Diagnosis("gateway", FAILS, f"{url} is {behind} entries behind", "look at its line to the feed")
    else:
        yield Diagnosis("gateway", OK, f"{url} is ready, {max(0, behind)} entries behind")


def _clock(name: str, url: str, date: str, wall_ms: int) -> Iterator[Diagnosis]:
    try:
        theirs_ms = parsedate_to_datetime(date).astimezone(UTC).timestamp() * 1_000
    except (TypeError, ValueError):
        return
    differs_ms = abs(theirs_ms - wall_ms)
    if differs_ms > CLOCK_BOUND_MS / 2:
        what = f"the clock of the {name} at {url} differs by {differs_ms / 1_000:.0f} s from this machine's"
        yield Diagnosis("clock", FAILS, what, "synchronize both (NTP); then start the gateways again")


def _asked(url: str) -> tuple[int, str, bytes] | str:
    """The status, date and body that a server answers with; or why it does not."""
    if urlsplit(url).scheme not in {"http", "https"}:
        return "its address does not begin with http:// or https://"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ANSWER_S) as answer:
            return answer.status, answer.headers.get("date", ""), answer.read(65_536)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("date", ""), error.read(65_536)
    except (OSError, ValueError, ssl.SSLError) as error:
        return str(getattr(error, "reason", error))


def _upstreams(upstreams: Mapping[str, str]) -> Iterator[Diagnosis]:
    for name, url in upstreams.items():
        answer = _asked(url)
        if isinstance(answer, str):
            yield Diagnosis(
                "upstream",
                FAILS,
                f"{name} at {url} does not answer: {answer}",
                "correct --upstream, or start it",
            )
        else:
            yield Diagnosis("upstream", OK, f"{name} at {url} answers")


def _certificates(paths: Sequence[Path], now_ms: int) -> Iterator[Diagnosis]:
    for path in paths:
        try:
            found = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            yield Diagnosis("certificate", FAILS, f"{path} cannot be read: {error}", "name a PEM file")
            continue
        days = (found.not_valid_after_utc.timestamp() * 1_000 - now_ms) / DAY_MS
        if days < 0:
            yield Diagnosis(
                "certificate", FAILS, f"{path} ended {-days:.0f} days ago", "renew it, then send SIGHUP"
            )
        elif days < CERTIFICATE_DAYS_MIN:
            yield Diagnosis(
                "certificate", WARNS, f"{path} ends in {days:.0f} days", "renew it, then send SIGHUP"
            )
        else:
            yield Diagnosis("certificate", OK, f"{path} is good for {days:.0f} days")


def _backups(folder: Path | None, now_ms: int) -> Iterator[Diagnosis]:
    if folder is None:
        yield Diagnosis("backup", WARNS, "no folder with backups is named", "name it with --backups")
        return
    made = []
    for path in folder.glob(f"*/{LISTING}"):
        try:
            made.append(int(json.loads(path.read_bytes())["madeAt"]))
        except (OSError, ValueError, KeyError, TypeError):
            yield Diagnosis(
                "backup",
                WARNS,
                f"{path} cannot be read",
                "'sluicegate backup verify FOLDER' says what is wrong",
            )
    if not made:
        yield Diagnosis(
            "backup", FAILS, f"there is no backup in {folder}", f"sluicegate backup make -o {folder}/NAME"
        )
    elif now_ms - max(made) > BACKUP_MS_MAX:
        hours = (now_ms - max(made)) / 3_600_000
        what = f"the newest backup in {folder} is {hours:.0f} hours old"
        yield Diagnosis("backup", FAILS, what, "make one, and look at what should have made it")
    else:
        yield Diagnosis("backup", OK, f"the newest is {(now_ms - max(made)) / 60_000:.0f} minutes old")
