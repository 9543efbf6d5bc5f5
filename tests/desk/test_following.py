"""The desk's reading of a log: copied, proven, judged; a log that forks or goes back is followed no more."""

from __future__ import annotations

import pytest

from sluicegate.desk.following import OTHER, STOPPED
from sluicegate.errors import Unreachable
from sluicegate_record.log import checkpoint, merkle, tiles
from sluicegate_record.log.merkle import Frontier
from tests import worlds
from tests.desk.conftest import Desk
from tests.plane import Plane, yes
from tests.worlds import LOG_2, OFFICER, ORIGIN, OTHER_OFFICER, private_key


def test_a_log_is_copied_and_judged_as_it_grows(desk: Desk) -> None:
    case = desk.asked()
    following = desk.following
    assert following.state.word == "followed"
    assert following.size == desk.plane.size
    assert list(following.open) == [case]
    desk.plane.say(case, "oncd")
    following.follow()
    assert following.record.cases[case].positions["oncd"].position == "approve"
    assert next(each.type for each in following.history(case)) == "position.recorded"


def test_what_was_copied_is_there_after_a_restart_without_the_instance(desk: Desk) -> None:
    case = desk.asked()
    desk.counterpart.is_gone = True
    again = desk.again()
    again.follow()
    assert again.state.word == "unreachable"
    assert list(again.open) == [case]


def test_a_copy_grows_past_a_bundle(desk: Desk) -> None:
    desk.plane.opened()
    for number in range(3):
        desk.plane.admit(name=f"Example {number}")
        desk.following.follow()
    grant = desk.plane.admit(name="Example Many")
    for number in range(300):
        desk.plane.credential(grant, f"key {number}")
        if number % 70 == 0:
            desk.following.follow()
    desk.following.follow()
    assert desk.following.size == desk.plane.size > tiles.TILE_WIDTH
    again = desk.again()
    again.follow()
    assert again.audited.root() == desk.plane.ledger.root(desk.plane.size)


def test_a_log_that_goes_back_is_followed_no_more(desk: Desk) -> None:
    desk.asked()
    note = desk.plane.ledger.checkpoint().encode()
    desk.plane.submit("rival", "Example Rival")
    desk.following.follow()
    desk.counterpart.served = lambda path, data: note if path == "checkpoint" else data
    desk.following.follow()
    assert desk.following.state.word == "stopped"
    assert "this desk has" in desk.following.state.why
    desk.counterpart.served = lambda _, data: data
    desk.following.follow()
    assert desk.following.state.word == "stopped"
    assert desk.again().state.word == "stopped"


def _other_log(plane: Plane, size: int) -> dict[str, bytes]:
    """A log of the same key and size whose entries are others."""
    leaves = list(plane.store.log.leaves(0, size))
    leaves[size // 2] = leaves[size // 2].replace(b'"v":1', b'"v":1 ')
    grown = Frontier()
    for leaf in leaves:
        grown.append(merkle.leaf_hash(leaf))
    note = checkpoint.sign(ORIGIN, size, grown.root(), private_key("log")).encode()
    return {"checkpoint": note, tiles.entries_path(0, size): tiles.encode_entries(leaves)}


@pytest.mark.parametrize("more", [0, 1])
def test_a_log_with_another_past_is_followed_no_more(desk: Desk, more: int) -> None:
    desk.asked()
    for number in range(more):
        desk.plane.submit("rival", f"Example {number}")
    other = _other_log(desk.plane, desk.plane.size)
    had = desk.following.size
    desk.counterpart.served = other.get
    desk.following.follow()
    assert desk.following.state.word == "stopped"
    assert (desk.folder / STOPPED).read_text().strip() == desk.following.state.why
    assert desk.following.size == had
    assert (desk.folder / OTHER / "checkpoint").read_bytes() == other["checkpoint"]


def test_entries_that_no_head_is_over_count_for_nothing(desk: Desk) -> None:
    case = desk.asked()
    desk.plane.say(case, "oncd")
    size = desk.plane.size
    path = tiles.entries_path(0, size)
    forged = list(desk.plane.store.log.leaves(0, size))
    forged[-1] = forged[-1].replace(b"approve", b"object_")
    desk.counterpart.served = lambda at, data: tiles.encode_entries(forged) if at == path else data
    desk.following.follow()
    assert "oncd" not in desk.following.record.cases[case].positions


def test_a_head_of_another_key_changes_nothing(desk: Desk) -> None:
    desk.asked()
    size, root = desk.plane.size, desk.plane.ledger.root(desk.plane.size)
    note = checkpoint.sign(ORIGIN, size, root, private_key("mallory")).encode()
    desk.plane.submit("rival", "Example Rival")
    desk.counterpart.served = lambda path, data: note if path == "checkpoint" else data
    desk.following.follow()
    assert desk.following.state.word == "unreachable"
    assert desk.following.size == size


@pytest.mark.parametrize("signers", [("log",), (OFFICER, OTHER_OFFICER)])
def test_a_log_whose_key_was_replaced_is_followed(desk: Desk, signers: tuple[str, ...]) -> None:
    """By what the key before signed, or the officers, who are known here."""
    case = desk.asked()
    desk.plane.replace_log_key(LOG_2, *signers)
    desk.plane.say(case, "oncd")
    desk.following.follow()
    assert desk.following.state.word == "followed"
    again = desk.again()
    again.follow()
    assert (again.state.word, again.size) == ("followed", desk.plane.size)
    head = desk.following.head
    assert head is not None
    forged = checkpoint.sign(ORIGIN, head.size, head.root, private_key("log")).encode()
    desk.counterpart.served = lambda path, data: forged if path == "checkpoint" else data
    desk.following.follow()
    assert desk.following.state.word == "unreachable"


def test_what_cannot_be_read_ends_the_following_of_that_instance_alone(desk: Desk) -> None:
    desk.asked()
    desk.plane.submit("rival", "Example Rival")

    def broken(path: str, data: bytes) -> bytes:
        raise ZeroDivisionError

    desk.counterpart.served = broken
    desk.following.follow()
    assert desk.following.state.word == "unreachable"
    desk.counterpart.served = lambda _, data: data
    desk.following.follow()
    assert desk.following.state.word == "followed"


@pytest.mark.parametrize("replaced", [(), ("log",), (OFFICER, OTHER_OFFICER)])
def test_a_log_that_goes_on_after_a_loss_is_followed(desk: Desk, replaced: tuple[str, ...]) -> None:
    """Also if its key was replaced before: the desk knows the first one."""
    restored = Plane()
    for plane in (desk.plane, restored):
        plane.opened()
        desk.following.follow()
        if replaced:
            plane.replace_log_key(LOG_2, *replaced)
    lost = desk.asked()
    head, size = desk.following.head, restored.size
    assert head is not None
    epoch = worlds.epoch(worlds.head_of(restored.ledger.entries(0, size)), head, at_ms=restored.wall())
    yes(restored.ledger.execute(epoch, by="officers", command_id=restored.id()))
    desk.counterpart.plane = restored
    desk.following.follow()
    assert desk.following.state.word == "followed"
    assert desk.following.size == restored.size
    assert lost not in desk.following.record.cases
    assert not (desk.folder / OTHER).exists()
    assert desk.folder.with_name(f"{desk.folder.name}.abandoned.{head.size}").is_dir()


def test_a_fork_that_is_not_served_to_its_end_leaves_one_folder(desk: Desk) -> None:
    desk.asked()
    for number in range(2):
        desk.plane.submit("rival", f"Example {number}")
    other = _other_log(desk.plane, desk.plane.size)
    served = dict.fromkeys(other, 0)

    def fails(path: str, data: bytes) -> bytes:
        served[path] += 1
        if path != "checkpoint" and served[path] % 2 == 0:
            raise Unreachable("it does not go on")
        return other[path]

    desk.counterpart.served = fails
    for _ in range(3):
        desk.following.follow()
        assert desk.following.state.word == "unreachable"
    assert list(desk.folder.parent.iterdir()) == [desk.folder]
