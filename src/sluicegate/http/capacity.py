"""The open connections of a server, and which of them go first when there are too many.

Rules:
- A connection is idle while it waits for a request: also before its first one, and while a
  head arrives. One that has shown a token is a holder's; all others are strangers'.
- Who comes last is let in. For it goes the one of its own address that has been idle longest, if that address
  has all it may have; else the stranger of any address that has been idle longest, else the holder.
- A stranger who does not take what was written goes first of all, also while it has more to be answered: to
  leave answers unread must not hold a place.
- If all are busy, the newcomer is turned away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain
from typing import Protocol

_Idle = dict["OpenConnection", None]
"""Connections, the longest idle first."""


class OpenConnection(Protocol):
    """A connection, as its server sees it."""

    address: str
    """Whose it is, for the limit of one address; empty for one that no such limit is for."""
    is_holder: bool
    """Whether a token that is known has been shown on it."""

    def evict(self) -> None:
        """End it: it is idle, and another one needs the room."""

    def stop(self) -> None:
        """Answer what is being answered, and end."""

    def reset(self) -> None:
        """End it now."""


class Capacity:
    """How many connections may be open, and those that are."""

    def __init__(self, most: int, most_of_address: int) -> None:
        self._most = most
        self._most_of_address = most_of_address
        self._members: dict[OpenConnection, None] = {}
        self._of_address: dict[str, _Idle] = {}
        self._strangers: _Idle = {}
        self._holders: _Idle = {}
        self._unread: _Idle = {}
        """Those that do not take what was written to them."""

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[OpenConnection]:
        return iter(list(self._members))

    def admit(self, newcomer: OpenConnection) -> bool:
        """Let a connection in, in place of an idle one if need be; False if there is no room."""
        if not self._make_room(newcomer.address):
            return False
        self._members[newcomer] = None
        if newcomer.address:
            self._of_address.setdefault(newcomer.address, {})[newcomer] = None
        self.idle(newcomer)
        return True

    def idle(self, member: OpenConnection) -> None:
        """A connection has become idle, as the last one."""
        if member in self._members:
            self.busy(member)
            (self._holders if member.is_holder else self._strangers)[member] = None
            if member.address:
                of_address = self._of_address[member.address]
                del of_address[member]
                of_address[member] = None

    def busy(self, member: OpenConnection) -> None:
        """A connection has a request to answer."""
        self._strangers.pop(member, None)
        self._holders.pop(member, None)

    def unread(self, member: OpenConnection) -> None:
        """A connection's client does not take what was written."""
        if member in self._members:
            self._unread[member] = None

    def read(self, member: OpenConnection) -> None:
        """It has taken everything."""
        self._unread.pop(member, None)

    def leave(self, member: OpenConnection) -> None:
        """A connection has ended."""
        if member not in self._members:
            return
        del self._members[member]
        self.busy(member)
        self.read(member)
        if member.address:
            of_address = self._of_address[member.address]
            del of_address[member]
            if not of_address:
                del self._of_address[member.address]

    def _make_room(self, address: str) -> bool:
        of_address = self._of_address.get(address, {})
        if len(of_address) >= self._most_of_address:
            idle = (each for kind in (self._strangers, self._holders) for each in of_address if each in kind)
            return self._evict(chain(self._hoarding(of_address), idle))
        if len(self._members) >= self._most:
            return self._evict(chain(self._hoarding(self._unread), self._strangers, self._holders))
        return True

    def _hoarding(self, among: Iterable[OpenConnection]) -> Iterator[OpenConnection]:
        """The strangers that leave unread what was written."""
        return (each for each in among if each in self._unread and not each.is_holder)

    def _evict(self, idle: Iterable[OpenConnection]) -> bool:
        """Evict the first of some idle ones; False if all are busy."""
        found = next(iter(idle), None)
        if found is None:
            return False
        self.leave(found)
        found.evict()
        return True


def address_key(host: str) -> str:
    """What counts as one address: an address of IPv4, or 64 bits of IPv6, which one customer has."""
    try:
        found: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
