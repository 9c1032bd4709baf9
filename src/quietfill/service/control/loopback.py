"""Which names mean this machine only."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address

from quietfill.domain.errors import BadInput

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s/@]+)(?::[0-9]{1,5})?")


def is_loopback(name: str) -> bool:
    """Say whether a host name or address, without a port, means this machine only."""
    if name.lower() in {"localhost", "localhost."}:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def names_loopback(header: str) -> bool:
    """Say whether a `Host` header names this machine. A name of a stranger's may resolve to it: it is refused."""
    found = _HOST.fullmatch(header.strip())
    return found is not None and is_loopback(found[1].strip("[]"))


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 takes a free one.

    Raises:
        BadInput: when *host* is reachable from elsewhere, or the port cannot be had.
    """
    if not is_loopback(host):
        raise BadInput(f"control.host must be this machine only, such as 127.0.0.1, not {host!r}")
    address = "127.0.0.1" if host.lower().startswith("localhost") else host
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=64)
    except OSError as error:
        raise BadInput(
            f"control port {host}:{port} cannot be had ({error.strerror or error}): is this agent running already?"
            " Another port is set with control.port"
        ) from None
