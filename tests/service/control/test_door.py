"""Who comes in at the control port: by token, name, page and size, over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from quietfill.domain.events import EventType
from quietfill.service.control.door import Limits
from quietfill.service.control.wrong_tokens import WrongTokens
from tests.service.control.port_desk import TOKEN, Answer, on_port

if TYPE_CHECKING:
    from tests.service.control.port_desk import PortDesk

WRONG = "Bearer " + "w" * 47
GETS = ("/v1/ready", "/v1/status", "/v1/orders", "/v1/orders/none")
ORDER_ACTS = ("cancel", "amend", "pause", "resume")
POSTS = ("/v1/decisions", "/v1/kill", "/v1/release", "/v1/resolve", *(f"/v1/orders/none/{act}" for act in ORDER_ACTS))
ROUTES = [("GET", path) for path in GETS] + [("POST", path) for path in POSTS]


async def asked(desk: PortDesk, method: str, path: str, **headers: str) -> Answer:
    """Ask any route, with an empty object as the body of an act."""
    return await desk.ask(method, path, b"{}" if method == "POST" else None, **headers)


def test_every_route_is_in_these_lists() -> None:
    """A route that is added is tested with and without a token too."""

    async def play(desk: PortDesk) -> None:
        routes: Any = desk.port._routes().application().routes
        there = {(method, route.path.replace("{order_id}", "none")) for route in routes for method in route.methods}
        assert there - {("HEAD", path) for _, path in there} == {*ROUTES, ("GET", "/v1/alive")}

    on_port(play)


def test_every_route_wants_the_token() -> None:
    """Without a token, with a wrong one, an empty one, another scheme or two of them: 401, and nothing is done."""
    bad = ["", WRONG, "Bearer ", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xff"]

    async def play(desk: PortDesk) -> None:
        before = desk.agent.runtime.engine.state.sequence
        for method, path in ROUTES:
            for header in bad:
                answer = await asked(desk, method, path, authorization=header)
                assert (answer.status, list(answer.body)) == (401, ["error"]), (method, path, header)
        twice = await desk.say(
            f"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Authorization: {WRONG}\r\n\r\n".encode()
        )
        assert twice.status == 401
        assert desk.agent.runtime.engine.state.sequence == before
        assert not desk.agent.runtime.engine.state.kills

    on_port(play, limits=Limits(wrong_tokens=10_000))


def test_every_route_answers_with_the_token() -> None:
    """With the right token each route does its work or says what is wrong with the body, never 401."""

    async def play(desk: PortDesk) -> None:
        for method, path in ROUTES:
            answer = await asked(desk, method, path)
            assert answer.status == {"/v1/orders/none": 404}.get(path, 200 if method == "GET" else 400), path
            assert answer.status == 200 or answer.error

    on_port(play)


def test_being_alive_is_told_to_everybody_and_nothing_else() -> None:
    """Liveness needs no token and tells nothing; it is a question, not an act."""

    async def play(desk: PortDesk) -> None:
        answer = await desk.get("/v1/alive", authorization="")
        assert (answer.status, answer.body) == (200, {"alive": True})
        assert {"server", "date", "x-powered-by"}.isdisjoint(answer.headers)
        for method, path in (("POST", "/v1/alive"), ("GET", "/v1/alive/"), ("GET", "/v1/alive/../status")):
            assert (await asked(desk, method, path, authorization="")).status == 401

    on_port(play)


def test_the_token_is_never_taken_from_the_address() -> None:
    """A token in the path or the query opens nothing."""

    async def play(desk: PortDesk) -> None:
        for path in (f"/v1/status?token={TOKEN}", f"/v1/status?access_token={TOKEN}", f"/{TOKEN}/v1/status"):
            answer = await desk.get(path, authorization="")
            assert answer.status == 401
            assert TOKEN not in answer.text

    on_port(play)


def test_what_is_nowhere_is_told_to_nobody_without_a_token() -> None:
    """Unknown paths and methods are 401 for strangers, 404 and 405 for others, with a bare word."""

    async def play(desk: PortDesk) -> None:
        assert (await desk.get("/v1/nowhere", authorization="")).status == 401
        for method, path, status in (
            ("GET", "/v1/nowhere", 404),
            ("GET", "/v1/status/", 404),
            ("GET", "/", 404),
            ("DELETE", "/v1/status", 405),
            ("GET", "/v1/kill", 405),
        ):
            answer = await desk.ask(method, path, None)
            assert (answer.status, len(answer.error.split()) <= 3) == (status, True)

    on_port(play)


def test_names_of_this_machine_are_served() -> None:
    """`Host` may be any loopback name; the port may be a tunnel's."""

    async def play(desk: PortDesk) -> None:
        for host in ("127.0.0.1", "localhost", "LOCALHOST:7440", "127.0.0.1:9", "[::1]", "[::1]:7440"):
            assert (await desk.get("/v1/ready", host=host)).status == 200, host

    on_port(play)


FOREIGN = (
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example:7440", "10.0.0.1", "0.0.0.0",
    "[::]", "[::ffff:10.0.0.1]", "user@127.0.0.1", "127.0.0.1,evil.example", "127.1", "2130706433",
    "localhost evil.example", "127.0.0.1:7440:1", "127.0.0.1/",
)  # fmt: skip


def test_other_names_are_misdirected() -> None:
    """A name of a stranger's that resolves to this machine is refused before anything is routed, token or not."""

    async def play(desk: PortDesk) -> None:
        for host in FOREIGN:
            for path in ("/v1/alive", "/v1/status"):
                answer = await desk.get(path, host=host)
                assert (answer.status, "Host" in answer.error) == (421, True), host

    on_port(play)


def test_a_request_without_a_host_is_no_request() -> None:
    """HTTP/1.0 without `Host` is refused; HTTP/1.1 without it, or with two, is not even HTTP."""

    async def play(desk: PortDesk) -> None:
        rest = f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
        assert (await desk.say(b"GET /v1/status HTTP/1.0\r\n" + rest)).status == 421
        assert (await desk.say(b"GET /v1/status HTTP/1.1\r\n" + rest)).status == 400
        two = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n"
        assert (await desk.say(two + rest)).status == 400

    on_port(play)


def test_pages_of_others_may_not_speak() -> None:
    """A foreign `Origin` is 403, with a right token too, and the kill it carries is not engaged."""

    async def play(desk: PortDesk) -> None:
        for origin in ("http://evil.example", "null", "https://127.0.0.1", "http://localhost:1", "file://"):
            for path in ("/v1/alive", "/v1/status"):
                assert (await desk.get(path, origin=origin)).status == 403, origin
            assert (await desk.post("/v1/kill", {"by": "page"}, origin=origin)).status == 403, origin
        assert not desk.agent.runtime.engine.state.kills

    on_port(play)


def test_a_page_of_our_own_may_speak() -> None:
    """`Origin` of this port itself is let in, by each of its names."""

    async def play(desk: PortDesk) -> None:
        for name in ("127.0.0.1", "localhost", "[::1]"):
            assert (await desk.get("/v1/ready", origin=f"http://{name}:{desk.port.port}")).status == 200
            assert (await desk.get("/v1/ready", origin=f"http://{name}:{desk.port.port + 1}")).status == 403

    on_port(play)


NOT_JSON = (
    ("", ""), ("text/plain", ""), ("application/x-www-form-urlencoded", ""), ("multipart/form-data", ""),
    ("application/jsonp", ""), ("text/json", ""), ("application/json", "gzip"), ("application/json", "deflate"),
)  # fmt: skip


def test_only_plain_json_is_read() -> None:
    """What a form of a foreign page can say, or what would have to be unpacked, is 415."""

    async def play(desk: PortDesk) -> None:
        for kind, packing in NOT_JSON:
            answer = await desk.post("/v1/kill", {"by": "form"}, content_type=kind, content_encoding=packing)
            assert answer.status == 415, (kind, packing)
        assert not desk.agent.runtime.engine.state.kills

    on_port(play)


def test_json_may_name_its_letters() -> None:
    """`application/json; charset=utf-8` is plain JSON."""

    async def play(desk: PortDesk) -> None:
        answer = await desk.post("/v1/kill", {"by": "anna"}, content_type="Application/JSON; charset=utf-8")
        assert answer.status == 200

    on_port(play)


def test_a_body_has_a_limit() -> None:
    """64 KiB are read, a byte more is 413: stated, sent in pieces without a length, or only stated."""

    async def play(desk: PortDesk) -> None:
        head = f"POST /v1/kill HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += "Content-Type: application/json"
        piece = b"1000\r\n" + b" " * 4096 + b"\r\n"

        assert (await desk.ask("POST", "/v1/kill", b" " * 65_536)).status == 400
        assert (await desk.ask("POST", "/v1/kill", b" " * 65_537)).status == 413
        chunked = f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        assert (await desk.say(chunked + 16 * piece + b"0\r\n\r\n")).status == 400
        assert (await desk.say(chunked + 17 * piece + b"0\r\n\r\n")).status == 413
        stated = f"{head}\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n".encode()
        assert (await desk.say(stated)).status == 413

    on_port(play)


def test_an_endless_body_ends() -> None:
    """Who sends on and on is answered and cut off, and the port serves others meanwhile."""

    async def play(desk: PortDesk) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", desk.port.port)
        writer.write(
            f"POST /v1/kill HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        piece, sent = b"10000\r\n" + b" " * 65_536 + b"\r\n", 0
        with suppress(ConnectionError):
            while sent < 1_000:
                writer.write(piece)
                await writer.drain()
                sent += 1
        assert sent < 1_000
        writer.close()
        assert (await desk.get("/v1/ready")).status == 200

    on_port(play)


def test_a_slow_body_is_not_waited_for() -> None:
    """A body that does not come in time is 408."""

    async def play(desk: PortDesk) -> None:
        answer = await desk.ask("POST", "/v1/kill", b'{"by"', content_length="100")
        assert (answer.status, "0.05 s" in answer.error) == (408, True)

    on_port(play, limits=Limits(body_seconds=0.05))


def test_a_silent_connection_is_closed() -> None:
    """Who connects and says nothing, or half a request, is hung up on."""

    async def play(desk: PortDesk) -> None:
        for half in (b"", b"GET /v1/st", b"GET /v1/status HTTP/1.1\r\nHost: local"):
            reader, writer = await asyncio.open_connection("127.0.0.1", desk.port.port)
            writer.write(half)
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

    on_port(play, limits=Limits(head_seconds=0.05))


def test_nobody_is_kept_out_by_silent_connections() -> None:
    """One connection too many closes the oldest that says nothing, so a kill gets through whoever sits there."""

    async def play(desk: PortDesk) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", desk.port.port) for _ in range(4)]
        assert (await desk.post("/v1/kill", {"by": "anna"})).status == 200
        assert len(desk.agent.runtime.engine.state.kills) == 1
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await silent[0][0].readexactly(1)
        for _, writer in silent:
            writer.close()

    on_port(play, limits=Limits(connections=4))


def test_a_flood_of_wrong_tokens_is_told_of_and_keeps_the_right_one_in() -> None:
    """After ten in a minute the answer is 429 and one alert is on the bus; the right token kills all the same."""
    heard: list[Any] = []

    async def hear(event: Any) -> None:
        heard.append(event)

    async def play(desk: PortDesk) -> None:
        desk.bus.subscribe(EventType.RISK_ALERT, hear)
        statuses = [(await desk.get("/v1/status", authorization=WRONG)).status for _ in range(14)]
        assert statuses == [401] * 10 + [429] * 4
        assert (await desk.post("/v1/kill", {"by": "anna"})).status == 200
        assert (await desk.get("/v1/status")).body["service"]["wrong_tokens"] == 14

    on_port(play)
    assert ["wrong tokens" in event.message and "127.0.0.1" in event.message for event in heard] == [True]


def test_wrong_tokens_are_counted_by_address_and_minute() -> None:
    """A minute later mistakes are forgiven, other addresses are not blamed, and the alarm rings once a minute."""
    now = [0.0]
    rang: list[str] = []
    wrong = WrongTokens(2, lambda: now[0], rang.append)

    assert [wrong.is_flood("a") for _ in range(4)] == [False, False, True, True]
    assert not wrong.is_flood("b")
    now[0] = 61.0
    assert [wrong.is_flood("a") for _ in range(3)] == [False, False, True]
    assert (rang, wrong.total) == (["a", "a"], 8)


def test_addresses_are_forgotten_in_the_end() -> None:
    """However many addresses try, the memory of them has a bound."""
    wrong = WrongTokens(2, lambda: 0.0, lambda _address: None)
    for number in range(5_000):
        wrong.is_flood(str(number))

    assert len(wrong._heard) == 1_000


def test_a_header_cannot_choose_the_address_that_is_blamed() -> None:
    """`X-Forwarded-For` changes nothing: the socket says who it is."""

    async def play(desk: PortDesk) -> None:
        for number in range(3):
            await desk.get("/v1/status", authorization=WRONG, x_forwarded_for=f"10.0.0.{number}")
        assert (await desk.get("/v1/status", authorization=WRONG)).status == 429

    on_port(play, limits=Limits(wrong_tokens=2))


GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\x00" * 100, b"GET / HTTP/1.1\r\nHost: \x00\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000, b"GET /" + b"a" * 100_000,
)  # fmt: skip


def test_what_is_no_http_is_400() -> None:
    """Garbage, a TLS greeting, endless headers: a bare 400, and the port lives."""

    async def play(desk: PortDesk) -> None:
        for content in GARBAGE:
            with suppress(ConnectionResetError):  # cut off in the middle of what it sent
                answer = await desk.say(content)
                assert (answer.status, answer.text) == (400, "Invalid HTTP request received."), content[:40]
        assert (await desk.get("/v1/ready")).status == 200

    on_port(play)


def test_an_error_of_ours_tells_a_stranger_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A handler that raises is a bare 500; the log has the trace, and not the token."""

    def broken() -> dict[str, Any]:
        raise RuntimeError("secret inside")

    async def play(desk: PortDesk) -> None:
        answer = await desk.get("/v1/status")
        assert answer.body == {"error": "an internal error: the agent's log has it"}
        assert answer.status == 500

    on_port(play, facts=broken)
    said = capsys.readouterr()
    assert "secret inside" in said.out + said.err
    assert TOKEN not in said.out + said.err


def test_the_token_is_in_no_output(capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever is asked, rightly or wrongly, no answer, log line or record holds the token."""
    texts: list[str] = []

    async def play(desk: PortDesk) -> None:
        heads: tuple[dict[str, str], ...] = (
            {},
            {"authorization": f"Bearer {TOKEN}x"},
            {"host": "evil.example"},
            {"origin": "null"},
        )
        for method, path in [*ROUTES, ("GET", "/v1/alive"), ("PUT", "/v1/kill")]:
            texts.extend([(await asked(desk, method, path, **headers)).text for headers in heads])
        texts.append((await desk.ask("POST", "/v1/kill", TOKEN.encode())).text)
        texts.extend(repr(entry.record) for entry in desk.journal.read())
        texts.append(repr(desk.port))

    on_port(play)
    said = capfd.readouterr()
    assert len(texts) > 50
    assert not [text for text in (*texts, said.out, said.err) if TOKEN in text]
