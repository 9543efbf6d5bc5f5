"""Which machines that someone else names may be reached, and which mail addresses are valid.

Rules:
- A machine may be reached only if its address is public on the Internet, or is in a network that the operator
  allowed. An address that leads to another address (IPv4 in IPv6, NAT64, 6to4, Teredo) is not public.
- A webhook is https on port 443 or on a port above 1023. Plain http and other ports are only for allowed
  networks.
- Keys are always fetched by https: anyone between could have written what comes by plain http.
- The URL itself is checked when it is given. The address is checked at every connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from sluicegate.errors import InvalidInput

Address: TypeAlias = IPv4Address | IPv6Address
Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]
TARGET_MAX = 1_024
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


def networks(text: str) -> Networks:
    """Networks as written in a setting, separated by commas, such as `10.1.0.0/16, fd00::/8`.

    Raises: InvalidInput.
    """
    try:
        return tuple(ip_network(item.strip()) for item in text.split(",") if item.strip())
    except ValueError as error:
        raise InvalidInput(f"{error}; expected networks such as 10.1.0.0/16, separated by commas") from error


_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC = networks("192.0.0.0/24, 192.88.99.0/24, 2001::/23, 2002::/16, 3fff::/20")
"""Protocol assignments, 6to4 and Teredo, documentation: older tables say that some of these are global."""


def may_reach(address: Address, port: int, allowed: Networks, *, encrypted: bool) -> bool:
    """Whether a connection to an address and port may be made."""
    if any(each in network for each in _unwrapped(address) for network in allowed):
        return True
    return encrypted and _is_port(port) and _is_public(address)


def check_webhook(url: str, allowed: Networks) -> None:
    """Check a webhook's URL, as far as the URL itself shows.

    Raises: InvalidInput: a URL that we never send to.
    """
    _check(url, allowed, plain=bool(allowed))


def check_jwks(url: str, allowed: Networks) -> None:
    """Check the URL of a JWK Set, as far as the URL itself shows.

    Raises: InvalidInput: a URL that we never fetch from.
    """
    _check(url, allowed, plain=False)


def is_this_machine(host: str) -> bool:
    """Whether a name is always one of the machine that uses it."""
    return host == "localhost" or host.endswith(".localhost") or host in {"127.0.0.1", "::1"}


def is_mail(address: str) -> bool:
    """Whether it is a mail address that letters can go to."""
    return _MAIL.fullmatch(address) is not None and ".." not in address


def check_mail(address: str) -> None:
    """Check a mail address. Raises: InvalidInput."""
    if not is_mail(address):
        raise InvalidInput(
            f"the address {address[:80]!r}, expected one such as name@example.org", code="target_invalid"
        )


def mailbox(address: str) -> str:
    """Whose mailbox an address is, as most servers see it: in lower case, without a tag after `+`."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _check(url: str, allowed: Networks, *, plain: bool) -> None:
    """Check a URL, which may be plain http if `plain`."""
    parts, port = _split(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (parts.scheme == "http" and plain):
        raise _unfit(url, "expected https://…")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _unfit(url, "expected no user, password or fragment in it")
    if not _HOST.fullmatch(host):
        raise _unfit(url, "expected the name of a host")
    literal = _literal(host)
    if literal is None and not allowed and not _is_port(port):
        raise _unfit(url, "expected port 443 or one above 1023")
    if literal is not None and not may_reach(literal, port, allowed, encrypted=parts.scheme == "https"):
        raise _unfit(url, "expected a public address", "target_private")


def _split(url: str) -> tuple[SplitResult, int]:
    if len(url) > TARGET_MAX or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _unfit(url, f"expected at most {TARGET_MAX} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _unfit(url, "expected a URL") from error
    return parts, port if port is not None else 443 if parts.scheme == "https" else 80


def _unfit(url: str, expected: str, code: str = "target_invalid") -> InvalidInput:
    return InvalidInput(f"the url {url[:80]!r}: {expected}", code=code)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_port(port: int) -> bool:
    return port == 443 or port > 1023


def _unwrapped(address: Address) -> Iterator[Address]:
    """An address; also the IPv4 address, if the kernel treats it as one."""
    yield address
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        yield address.ipv4_mapped


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address.scope_id is not None):
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NOT_PUBLIC)
    )
