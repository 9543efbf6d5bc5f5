"""What other customers of a gateway feel while one key's holder, or a stranger, does the worst to it.

Each attack is measured in turns with quiet, in one run, and comes from a process of its own that gives way to
the customers at once. With two cores or more the gateway has the first one, and all else the second: what is
measured is the gateway, not who gets a core.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any, TypeAlias

import jwt
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from bench import fleet, peers
from bench.fleet import FIRST_GATEWAY
from bench.load import OK, Connection, chat, post
from demo.cast import Customer, Place
from sluicegate.acts import providers
from sluicegate.acts.providers import ProviderRegistration

PLACE = Place("bench", "first", "api")
CUSTOMER = Customer("Example Utility", "utility", PLACE)
HOSTILE = Customer("Example Nuisance", "nuisance", PLACE)
ROUNDS, SECONDS, SETTLE_S = 3, 3.0, 2.0
CUSTOMERS, ASK_EVERY_S, LOOK_EVERY_S = 8, 0.08, 0.005
"""How many connections ask, how often each, and how often one looks whether the gateway is held."""
ATTACKERS, SLOW, SILENT = 8, 200, 2_000
"""Connections of an attack by bodies, streams that are not read, connections that say nothing."""
WHOLE = 32 * 1024 * 1024
ISSUER, AUDIENCE = "https://login.example.org/", "https://gateway.example.com/nuisance"
Attack: TypeAlias = Callable[["Target"], Coroutine[Any, Any, None]]
"""Goes on until it is cancelled."""


@dataclass(frozen=True, slots=True)
class Target:
    """The gateway, a customer's key, the hostile customer's key, and what its provider signs with (PEM)."""

    url: str
    key: str
    hostile: str
    signer: bytes


def measure() -> dict[str, float]:
    Path("build").mkdir(exist_ok=True)
    options = ("--chunks", "50", "--interval-ms", "10")
    with (
        tempfile.TemporaryDirectory(dir="build") as given,
        fleet.running(Path(given).absolute(), {"quick": (), "paced": options}) as running,
    ):
        running.start_gateways({FIRST_GATEWAY: PLACE.surface})
        running.release(fleet.plan(PLACE.release, PLACE.stage, {"quick": "quick", "paced": "paced"}, ["api"]))
        admitted = running.admit([CUSTOMER, HOSTILE])
        signer = ec.generate_private_key(ec.SECP384R1())
        papers = running.paperwork.customer(HOSTILE)
        papers.do(providers.REGISTER, _registration(admitted[HOSTILE].grant, signer))
        running.followed(running.paperwork.head().size)
        processes = running.processes
        if len(cores := sorted(os.sched_getaffinity(0))) > 1:
            peers.pin(processes.pid(FIRST_GATEWAY), cores[0])
            for pid in (os.getpid(), processes.pid("quick"), processes.pid("paced")):
                peers.pin(pid, cores[1])
        keys = admitted[CUSTOMER].key, admitted[HOSTILE].key
        pem = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return uvloop.run(_measured(Target(running.gateways[0].url, *keys, pem)))


def _registration(grant: str, signer: ec.EllipticCurvePrivateKey) -> ProviderRegistration:
    key = jwt.algorithms.ECAlgorithm.to_jwk(signer.public_key(), as_dict=True)
    return ProviderRegistration(
        grant=grant,
        issuer=ISSUER,
        audience=AUDIENCE,
        algorithms=("ES384",),
        jwks={"keys": [{**key, "kid": "one", "use": "sig"}]},
    )


async def _measured(target: Target) -> dict[str, float]:
    ratios: dict[str, list[float]] = {name: [] for name in ATTACKS}
    held: list[float] = []
    for _ in range(ROUNDS):
        for name in ATTACKS:
            quiet, _ = await _felt(target)
            async with _under(name, target):
                felt, waits = await _felt(target)
            ratios[name].append(_p99(felt) / _p99(quiet))
            held += waits
    values = {f"hostile_{name}_ratio": median(each) for name, each in ratios.items()}
    return {
        "hostile_p99_ratio": max(values.values()),
        **values,
        "hostile_hold_ms": quantiles(held, n=1_000)[-1],
    }


@asynccontextmanager
async def _under(attack: str, target: Target) -> AsyncIterator[None]:
    """Let an attack go on meanwhile; it must not end by itself."""
    going = multiprocessing.get_context("spawn").Process(target=_attack, args=(attack, target), daemon=True)
    going.start()
    await asyncio.sleep(SETTLE_S)
    try:
        yield
        assert going.is_alive(), f"the attack {attack!r} ended with {going.exitcode}"
    finally:
        going.kill()
        going.join()
        await asyncio.sleep(SETTLE_S)


def _attack(name: str, target: Target) -> None:
    """What the attacker's process does."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # a nice one keeps its core for a slice, 3 ms
    asyncio.run(ATTACKS[name](target))


def _p99(waits: Sequence[float]) -> float:
    return quantiles(waits, n=100)[-1]


async def _felt(target: Target) -> tuple[list[float], list[float]]:
    """How long customers wait for whole answers, and how long the loop makes a small question wait.

    Units: milliseconds.
    """
    ends_s = time.monotonic() + SECONDS
    felt: list[float] = []
    held: list[float] = []
    asked = chat("quick", target.key, stream=False)
    small = b"GET /healthz HTTP/1.1\r\nHost: gateway.example\r\n\r\n"
    asking = (_ask(target.url, asked, ASK_EVERY_S, ends_s, felt) for _ in range(CUSTOMERS))
    await asyncio.gather(_ask(target.url, small, LOOK_EVERY_S, ends_s, held), *asking)
    return felt, held


async def _ask(url: str, request: bytes, every_s: float, ends_s: float, waits: list[float]) -> None:
    drawn = Random(ends_s)
    connection = await Connection.to(url)
    try:
        while time.monotonic() < ends_s:
            await asyncio.sleep(every_s * drawn.uniform(0.5, 1.5))
            answer = await connection.ask(request)
            assert answer.data.startswith(OK), answer.data[:500]
            waits.append(1_000 * (answer.ended_s - answer.asked_s))
    finally:
        connection.close()


# The attacks


async def _repeated(target: Target, requests: Callable[[], bytes], connections: int = ATTACKERS) -> None:
    """Send bodies over some connections, each again as soon as it is answered, whatever the answer is."""

    async def send() -> None:
        while True:
            with suppress(OSError):
                connection = await Connection.to(target.url)
                while (await connection.ask(requests())).data:
                    pass
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as sending:
        for _ in range(connections):
            sending.create_task(send())


async def _deep(target: Target) -> None:
    """JSON as deep as its 512 KiB allow."""
    half = 256 * 1024
    body = b'{"model":"quick","messages":' + b"[" * half + b"]" * half + b"}"
    await _repeated(target, lambda: post(body, target.hostile))


async def _brackets(target: Target) -> None:
    """As many small lists as the largest body holds."""
    body = b'{"model":"quick","messages":[' + b"[]," * (WHOLE // 3 - 20) + b"[]]}"
    await _repeated(target, lambda: post(body, target.hostile, path="/v1/responses"), 2)


async def _bombs(target: Target) -> None:
    """Bodies that are a thousand times larger than they come."""
    body = gzip.compress(b'{"model":"quick","messages":"' + b" " * WHOLE + b'"}', 9)
    await _repeated(target, lambda: post(body, target.hostile, "Content-Encoding: gzip"))


async def _assertions(target: Target) -> None:
    """Each request with an assertion of its own, by the dearest algorithm."""
    numbers, signer = count(), load_pem_private_key(target.signer, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    body = json.dumps({"model": "quick", "messages": []}).encode()

    def signed() -> bytes:
        now_s = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"person-{next(numbers)}", "iat": now_s}
        token = jwt.encode({**claims, "exp": now_s + 60}, signer, "ES384", {"kid": "one"})
        return post(body, target.hostile, f"X-Sluicegate-Assertion: {token}")

    await _repeated(target, signed)


async def _unread(target: Target) -> None:
    """Streams that no one reads."""
    await _held(target, SLOW, chat("paced", target.hostile, stream=True))


async def _silent(target: Target) -> None:
    """Connections that say nothing."""
    await _held(target, SILENT, b"")


async def _held(target: Target, number: int, said: bytes) -> None:
    """Keep connections that say something and then do not read, and open others where they are ended."""
    host, _, port = target.url.removeprefix("http://").partition(":")
    kept: list[asyncio.StreamWriter] = []
    try:
        while True:
            kept = [each for each in kept if not each.is_closing()]
            for _ in range(min(50, number - len(kept))):
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(host, int(port), limit=1)
                    writer.write(said)
                    kept.append(writer)
            await asyncio.sleep(0.02)
    finally:
        for each in kept:
            each.close()


ATTACKS: dict[str, Attack] = {
    "deep": _deep,
    "brackets": _brackets,
    "bombs": _bombs,
    "assertions": _assertions,
    "unread": _unread,
    "silent": _silent,
}
