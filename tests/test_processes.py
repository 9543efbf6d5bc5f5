"""What a process asks of its kernel."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack
from io import RawIOBase

import pytest

from sluicegate.processes import is_readable


@pytest.fixture
def pipe() -> Iterator[tuple[int, RawIOBase]]:
    """A pipe whose reading end is a high descriptor, as in a process with many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as ends:
        if soft < 2_048:
            resource.setrlimit(resource.RLIMIT_NOFILE, (2_048, hard))
            ends.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        low, writing = os.pipe()
        reading = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 1_100)
        os.close(low)
        ends.callback(os.close, reading)
        yield reading, ends.enter_context(os.fdopen(writing, "wb", buffering=0))


def test_a_descriptor_over_1_023_can_be_asked_whether_there_is_something_to_read(pipe):
    reading, writing = pipe
    assert not is_readable(reading)
    writing.write(b"x")
    assert is_readable(reading)


def test_an_end_is_something_to_read(pipe):
    reading, writing = pipe
    writing.close()
    assert is_readable(reading, 30)
