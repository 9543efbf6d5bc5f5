"""Tables fit the terminal, and say no more than their cells do."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import termios
from fcntl import ioctl

import pytest

from sluicegate.cli.tables import WIDTH_UNSEEN, table

COLUMNS = ["case", "about"]


def test_columns_are_as_wide_as_their_cells():
    shown = table("log size 3", COLUMNS, [["case_1", "first"], ["c", None]], "No case.")
    assert shown == "log size 3\ncase    about\ncase_1  first\nc"


def test_without_rows_there_is_a_sentence():
    assert table("log size 3", COLUMNS, [], "No case.") == "No case."


def test_a_long_cell_goes_on_in_its_own_column():
    words = " ".join(f"word{number:03d}" for number in range(40))
    head, *lines = table("", COLUMNS, [["case_1", words]], "").splitlines()
    assert head == "case    about"
    assert len(lines) == 3
    assert all(len(line) <= WIDTH_UNSEEN for line in lines)
    assert [line[:8] for line in lines] == ["case_1  ", " " * 8, " " * 8]
    assert " ".join(line[8:] for line in lines) == words


def test_the_widest_column_gives_way_to_the_others():
    short, long = "y" * 60, "x" * 400
    _, first, *_ = table("", COLUMNS, [[short, long]], "").splitlines()
    assert first == f"{short}  {'x' * (WIDTH_UNSEEN - 62)}"


def test_letters_that_take_two_places_are_counted_so():
    assert table("", COLUMNS, [["東京", "a"], ["e\u0301", "b"]], "").splitlines() == [
        "case  about",
        "東京  a",
        "e\u0301     b",
    ]


@pytest.mark.parametrize("cell", ["two\nlines", "two\r\nlines", "two\u2028lines"])
def test_a_cell_is_one_line(cell):
    assert table("", COLUMNS, [[cell, "a"]], "").splitlines()[1] == "two lines  a"


@pytest.mark.parametrize("places", [60, 100])
def test_on_a_terminal_a_table_is_as_wide_as_that_and_plain(places):
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, places, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    environment["TERM"] = "xterm-256color"
    command = [sys.executable, "-m", "sluicegate", "preset", "list"]
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        read = bytearray()
        try:
            while chunk := os.read(ours, 4_096):
                read += chunk
        except OSError:  # how a terminal ends when nobody writes to it any more
            pass
        finally:
            os.close(ours)
        assert process.wait() == 0
    lines = read.decode().split("\r\n")
    assert lines[0] == "presets"
    assert lines[1].split() == ["preset", "about"]
    assert places - 10 < max(map(len, lines)) <= places
    assert "\x1b" not in read.decode()
    assert "\\x1b" not in read.decode()
