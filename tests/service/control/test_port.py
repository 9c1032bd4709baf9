"""The port itself: where it listens, and that it takes nothing from the loop it lives in."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest

from quietfill.domain.errors import BadInput
from quietfill.service.control.door import Limits
from quietfill.service.control.port import ControlPort
from tests.service.control.port_desk import TOKEN, PortDesk, on_port, parsed


def other(desk: PortDesk, host: str, port: int) -> ControlPort:
    """Return a second port of the same agent."""
    return ControlPort(desk.agent, desk.bus, host=host, port=port, token=TOKEN, facts=dict)


def test_a_port_in_use_is_named() -> None:
    """A second agent on the same port hears which one it is and how to choose another; the first goes on."""

    async def play(desk: PortDesk) -> None:
        with pytest.raises(BadInput, match=f"127.0.0.1:{desk.port.port} cannot be had .*control.port"):
            await other(desk, "127.0.0.1", desk.port.port).start()
        assert (await desk.get("/v1/ready")).status == 200

    on_port(play)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", "", "127.0.0.1.example.org"])
def test_only_this_machine_is_served(host: str) -> None:
    """An address that others reach is refused before anything listens."""

    async def play(desk: PortDesk) -> None:
        with pytest.raises(BadInput, match=r"control\.host must be this machine only"):
            await other(desk, host, 0).start()

    on_port(play)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_every_loopback_address_is_served(host: str) -> None:
    """IPv4, IPv6 and the name; port 0 takes a free one, which is told."""

    async def play(desk: PortDesk) -> None:
        port = other(desk, host, 0)
        if host == "::1" and not socket.has_dualstack_ipv6():
            pytest.skip("a machine without IPv6")
        await port.start()
        reader, writer = await asyncio.open_connection("127.0.0.1" if host == "localhost" else host, port.port)
        writer.write(b"GET /v1/alive HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        await port.stop()

    on_port(play)


def test_signals_stay_with_whoever_runs_the_loop() -> None:
    """Opening and closing a port changes no signal handler."""

    def handlers() -> list[object]:
        return [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    async def play(desk: PortDesk) -> None:
        before, port = handlers(), other(desk, "127.0.0.1", 0)
        await port.start()
        during = handlers()
        await port.stop()
        assert before == during == handlers()

    on_port(play)


def test_a_stopped_port_lets_go() -> None:
    """After `stop` nobody listens, silent connections are closed, and the port can be taken again."""

    async def play(desk: PortDesk) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port.port)
        await desk.get("/v1/alive")
        await desk.port.stop()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", desk.port.port)
        again = other(desk, "127.0.0.1", desk.port.port)
        await again.start()
        await again.stop()
        await again.stop()

    on_port(play)


def test_a_request_in_hand_is_answered_when_the_port_stops() -> None:
    """Who asked before the end gets an answer."""

    async def play(desk: PortDesk) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", desk.port.port)
        head = f"POST /v1/kill HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")  # it is in hand
        await desk.port.stop()
        assert parsed(await reader.read()).status == 408
        writer.close()

    on_port(play, limits=Limits(body_seconds=0.2))


def test_stopping_before_starting_does_nothing() -> None:
    """A port that never listened can be stopped."""

    async def play(desk: PortDesk) -> None:
        port = other(desk, "127.0.0.1", 0)
        await port.stop()
        assert port.port == 0

    on_port(play)


def test_a_listener_is_not_inherited_by_children() -> None:
    """A program that the agent starts does not get the socket."""

    async def play(desk: PortDesk) -> None:
        from quietfill.service.control.loopback import listening

        listener = listening("127.0.0.1", 0)
        assert not listener.get_inheritable()
        assert listener.family is socket.AF_INET
        listener.close()
        assert (await desk.get("/v1/alive")).status == 200

    on_port(play)
