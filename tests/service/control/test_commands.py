"""The commands against a whole agent: what they print, and what they say when something is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from quietfill.cli.main import main
from quietfill.domain.records import KillSwitchEngaged, OrderAccepted, OrderCancelAsked, OrderDone
from quietfill.service.control.client import ControlClient, ControlError
from tests.service.control.port_desk import TOKEN, MoodyJournal, on_port, written

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.service.control.port_desk import PortDesk

Said = pytest.CaptureFixture[str]


def test_an_order_lives_by_its_commands(tmp_path: Path, capsys: Said) -> None:
    """Sent, shown, paused, resumed, amended and cancelled from the command line; the journal knows by whom."""

    async def play(desk: PortDesk) -> None:
        where = ("--config", str(written(tmp_path, desk)))

        async def run(*tokens: str) -> str:
            assert await desk.command(*tokens, *where) == 0, capsys.readouterr().err
            return capsys.readouterr().out

        sent = await run("send", desk.symbol, "BUY", "2000", "--limit", "8.50", "--minutes", "30", "--by", "anna")
        order_id = desk.records(OrderAccepted)[0].order_id
        assert sent == f"accepted: order {order_id}\n"
        assert order_id in await run("status")
        assert (await run("pause", order_id, "--reason", "news")).startswith(f"order {order_id} is paused")
        assert "paused" in await run("status", order_id)
        assert await run("resume", order_id) == f"order {order_id} goes on\n"
        amended = await run("amend", order_id, "--quantity", "1000", "--limit", "8.40")
        assert amended == f"order {order_id} is amended: limit_price, quantity\n"
        done = desk.next_record(OrderDone)
        assert "is being cancelled" in await run("cancel", order_id, "--reason", "enough", "--by", "berta")
        await done
        assert "ended: " in await run("status", order_id)
        assert [(one.by, one.reason) for one in desk.records(OrderCancelAsked)] == [("berta", "enough")]

    on_port(play)


def test_a_kill_and_its_release(tmp_path: Path, capsys: Said) -> None:
    """`kill` needs no word beside it; `release` needs two people; `status` shows what is in force between."""

    async def play(desk: PortDesk) -> None:
        where = ("--config", str(written(tmp_path, desk)))
        await desk.resting()
        assert await desk.command("kill", *where, "--by", "anna") == 0
        assert capsys.readouterr().out == "KILL engaged: 1 order with 1 live child is being cancelled\n"
        assert await desk.command("status", *where) == 0
        assert "KILLED by anna" in capsys.readouterr().out
        assert await desk.command("release", "--second", "anna", "--by", "anna", "--reason", "x", *where) == 2
        assert "two different people" in capsys.readouterr().err
        assert await desk.command("release", "--second", "berta", "--by", "anna", "--reason", "x", *where) == 0
        assert capsys.readouterr().out == "released: everything\n"
        assert await desk.command("kill", "--symbol", "AAPPL", "--json", *where) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["unknown_symbols"] == ["AAPPL"]
        assert said.err == "note: the agent knows no AAPPL\n"

    on_port(play)


def test_a_kill_that_is_not_durable_is_said_loudly(tmp_path: Path, capsys: Said) -> None:
    """A dead journal is a warning on standard error; the kill is engaged and the exit code 0."""
    journal = MoodyJournal()

    async def play(desk: PortDesk) -> None:
        await desk.resting()
        journal.fails = True
        assert await desk.command("kill", "--config", str(written(tmp_path, desk))) == 0
        said = capsys.readouterr()
        assert "KILL engaged" in said.out
        assert "not durable, a restart will not know of it: the journal failed: the disk is gone" in said.err

    on_port(play, journal=journal)


def test_a_broken_configuration_stops_no_kill(tmp_path: Path, capsys: Said) -> None:
    """A mistake elsewhere in the file does not matter, and without the file port and token are enough."""

    async def play(desk: PortDesk) -> None:
        path = written(tmp_path, desk)
        path.write_text(path.read_text() + "[limits]\nno_such_limit = 1\n")
        assert await desk.command("kill", "--config", str(path)) == 0
        path.write_text("[broker")
        assert await desk.command("kill", "--config", str(path)) == 2
        token = ("--token-file", str(tmp_path / "control.token"))
        assert await desk.command("kill", "--port", str(desk.port.port), *token) == 0
        assert len(desk.records(KillSwitchEngaged)) == 2
        capsys.readouterr()

    on_port(play)


def test_refusals_are_one_line_and_exit_code_2(tmp_path: Path, capsys: Said) -> None:
    """What the agent refuses is printed as it says it; nothing goes to standard output."""

    async def play(desk: PortDesk) -> None:
        where = ("--config", str(written(tmp_path, desk)))
        for tokens, problem in (
            (("send", desk.symbol, "hold", "200"), "side"),
            (("send", desk.symbol, "buy", "many"), "quantity must be a number, not 'many'"),
            (("send", desk.symbol, "buy", "-200"), "quantity"),
            (("send", desk.symbol, "buy", "1e400"), "quantity"),
            (("send", desk.symbol, "buy", "200", "--minutes", "soon"), "minutes must be a number"),
            (("send", desk.symbol, "buy", "200", "--param", "rate"), "KEY=VALUE"),
            (("send", "NOPE", "buy", "200"), "refused: "),
            (("cancel", "nope"), "no order nope is known here"),
            (("cancel", "../kill"), "not found"),
            (("status", "nope"), "no order nope is known here"),
            (("amend", "nope"), "nothing is to be changed"),
            (("resolve", "nope", "cancelled", "--reason", "x"), "in doubt or frozen"),
            (("release", "--second", "b", "--reason", "x"), "no kill of everything is engaged"),
        ):
            assert await desk.command(*tokens, *where) == 2, tokens
            said = capsys.readouterr()
            assert (said.out, len(said.err.splitlines()), problem in said.err) == ("", 1, True), said
        assert not desk.records(KillSwitchEngaged)

    on_port(play)


def test_a_wrong_token_is_said_to_be_wrong(tmp_path: Path, capsys: Said) -> None:
    """Another agent's token file is refused in one line that holds neither token."""

    async def play(desk: PortDesk) -> None:
        path = written(tmp_path, desk)
        (tmp_path / "control.token").write_text("wrong-" + "w" * 40)
        assert await desk.command("status", "--config", str(path)) == 2
        said = capsys.readouterr()
        assert said.err.startswith("error: the token is wrong: another agent may be at 127.0.0.1:")
        assert TOKEN not in said.err
        assert "wrong-www" not in said.err

    on_port(play)


def test_nobody_listens(tmp_path: Path, capsys: Said) -> None:
    """A port without an agent is said to have none, and what to look at."""
    token = tmp_path / "control.token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (tmp_path / "quietfill.toml").write_text(f'[control]\nport = {port}\ntoken_file = "control.token"\n')

    assert main(["status", "--config", str(tmp_path / "quietfill.toml")]) == 2
    assert capsys.readouterr().err == (
        f"error: no agent answers at 127.0.0.1:{port}: is `quietfill run` running with this configuration?\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is missing; `quietfill run` makes it"),
        ("[control]\nport = 70000\n", "70000|<= 65535"),
        ("[control]\ntoken = 'x'\n", "unknown field `token`"),
        ("[control]\nport = 0\n", "is missing"),
        ("[control", "quietfill.toml"),
    ],
)
def test_a_configuration_that_leads_nowhere_is_named(tmp_path: Path, capsys: Said, text: str, problem: str) -> None:
    """The one line says which file and what is wrong with it."""
    (tmp_path / "quietfill.toml").write_text(text)
    assert main(["kill", "--config", str(tmp_path / "quietfill.toml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert any(part in line for part in problem.split("|"))


def test_a_missing_configuration_is_named(tmp_path: Path, capsys: Said) -> None:
    """Without a file there is no telling which agent is meant."""
    assert main(["status", "--config", str(tmp_path / "none.toml")]) == 2
    assert "none.toml: No such file or directory" in capsys.readouterr().err


def test_a_free_port_must_be_said() -> None:
    """A configuration with port 0 cannot tell a client where to go."""
    with pytest.raises(Exception, match="--port"):
        ControlClient("127.0.0.1", 0, TOKEN)


@pytest.fixture
def stranger() -> Generator[tuple[int, list[bytes]]]:
    """Something else on a port: it answers the next connection with the bytes it is given, none for silence."""
    answers: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _ = server.accept()
        with line:
            said = b""
            while not said.endswith(b"}"):
                said += line.recv(65_536)
            if answers[0]:
                line.sendall(answers[0])
            else:
                line.recv(1)  # until the client gives up

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1], answers
    thread.join(10)
    server.close()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "gave no answer within 0.05 s; whether it was done is not known"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "is no Quietfill agent"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "is no Quietfill agent"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", "broke"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", "HTTP 302"),
    ],
)
def test_strangers_at_the_port_are_recognised(stranger: tuple[int, list[bytes]], answer: bytes, problem: str) -> None:
    """Silence, another protocol, another program or half an answer: said as it is, and not followed."""
    port, answers = stranger
    answers.append(answer)
    with pytest.raises(ControlError, match=problem):
        ControlClient("127.0.0.1", port, TOKEN, seconds=0.05).post("/v1/kill", {"by": "anna"})


def test_a_client_of_its_own_reads_status() -> None:
    """The client is a library too: it returns what the port tells."""

    async def play(desk: PortDesk) -> None:
        told = await asyncio.to_thread(desk.client.get, "/v1/status")
        assert (told["name"], told["running"], told["orders"]) == ("Desk", True, [])

    on_port(play)


def test_a_kill_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """The client of a kill starts without numbers, engines and servers: seconds count."""
    (tmp_path / "quietfill.toml").write_text("[control]\nport = 1\n")
    heavy = ["altair", "ib_async", "numba", "numpy", "quietfill.agent", "quietfill.engine", "starlette", "uvicorn"]
    code = (
        "import sys; from quietfill.cli.main import main;"
        f"code = main(['kill', '--config', {str(tmp_path / 'quietfill.toml')!r}]);"
        f"print(code, [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "2 []\n", done
