"""The command line: what it prints, what it keeps, and what it says when something is wrong."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from quietfill import __version__, bootstrap
from quietfill.cli.main import main
from tests.command_line import MESSAGES, CommandLine, write_market

FIGURES = {
    "filled", "avg_fill_price", "arrival_mid", "shortfall_bps", "fees_bps", "opportunity_bps", "total_shortfall_bps",
    "interval_vwap", "vs_vwap_bps", "interval_twap", "vs_twap_bps", "half_spread_paid_bps", "participation",
    "passive_pct", "children", "messages", "events", "wall_s", "journal_sha256",
    "symbol", "side", "algo", "quantity", "start", "end", "seed", "mode", "state",
}  # fmt: skip


@pytest.fixture
def quietfill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line, in a folder with the small market."""
    write_market(tmp_path)
    return CommandLine(tmp_path, capsys)


def files_of(folder: Path) -> set[str]:
    """Return everything in a folder but the market."""
    return {path.name for path in folder.iterdir()} - {MESSAGES}


def test_simulate_ends_with_one_line_of_figures(quietfill: CommandLine) -> None:
    """For people there is a table; the last line is one JSON object with every promised figure."""
    done = quietfill.simulate()

    assert done.code == 0
    assert len(done.out.splitlines()) > 3
    assert done.figures.keys() >= FIGURES
    assert (done.figures["filled"], done.figures["state"]) == (600, "filled")
    assert done.figures["start"] == "2023-07-11T09:31:00-04:00"
    assert "2,700 placements" in done.err


def test_json_prints_nothing_else(quietfill: CommandLine) -> None:
    """With --json standard output is one line."""
    done = quietfill.simulate("--json")

    assert len(done.out.splitlines()) == 1
    assert done.figures["filled"] == 600


@pytest.mark.parametrize("side", ["buy", "SELL"])
@pytest.mark.parametrize("algo", ["market", "limit", "twap", "vwap", "pov"])
def test_every_algo_runs(quietfill: CommandLine, algo: str, side: str) -> None:
    """Each built-in algo fills at most the order, and what it says adds up."""
    figures = quietfill.simulate("--json", algo=algo, side=side, limit="100.01" if side == "buy" else "100").figures

    assert 0 < figures["filled"] <= figures["quantity"] == 600
    assert 0 <= figures["passive_pct"] <= 100
    assert figures["children"] <= figures["messages"]


def test_nothing_filled_is_no_error(quietfill: CommandLine) -> None:
    """A limit far away fills nothing: exit code 0, prices and costs null."""
    done = quietfill.simulate("--json", algo="limit", limit="99.50")

    assert done.code == 0
    assert done.figures["filled"] == 0
    costs = ("avg_fill_price", "shortfall_bps", "vs_vwap_bps", "half_spread_paid_bps", "passive_pct")
    assert [done.figures[name] for name in costs] == [None] * 5


def test_packed_files_are_read(quietfill: CommandLine) -> None:
    """A gzip of the data gives the same journal as the data but for the file's name."""
    plain = quietfill.folder / MESSAGES
    packed = quietfill.folder / (MESSAGES + ".gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    figures = quietfill.simulate("--json", data=str(packed)).figures

    assert figures["avg_fill_price"] == quietfill.simulate("--json").figures["avg_fill_price"]


def test_the_journal_is_kept_and_proved(quietfill: CommandLine) -> None:
    """--journal writes a file whose head is the one printed, and which verify accepts with that head."""
    path = quietfill.folder / "run.journal"
    figures = quietfill.simulate("--json", journal=str(path)).figures

    assert files_of(quietfill.folder) == {"run.journal"}
    proved = quietfill("journal", "verify", str(path), "--head", figures["journal_sha256"], "--json")
    assert proved.figures == {
        "records": figures["journal_records"], "head": figures["journal_sha256"],
        "noted_at": figures["journal_records"], "sound": True,
    }  # fmt: skip


def test_the_journal_names_no_place(quietfill: CommandLine) -> None:
    """The same file in another folder gives the same journal: no path gets into it."""
    other = quietfill.folder / "elsewhere"
    other.mkdir()
    write_market(other)

    heads = {quietfill.simulate("--json", data=str(place / MESSAGES)).figures["journal_sha256"]
             for place in (quietfill.folder, other)}  # fmt: skip

    assert len(heads) == 1


def test_the_seed_and_every_option_are_in_the_journal(quietfill: CommandLine) -> None:
    """Another seed, another latency or another fee gives another journal."""
    changes: list[dict[str, str]] = [
        {},
        {"seed": "8"},
        {"latency_ms": "2"},
        {"taker_fee_bps": "0.3"},
        {"mode": "displacing"},
    ]

    heads = {quietfill.simulate("--json", **change).figures["journal_sha256"] for change in changes}

    assert len(heads) == len(changes)


def test_fees_are_charged_by_liquidity(quietfill: CommandLine) -> None:
    """A market order pays the taker's fee on all it trades, and a maker's rebate is no business of its."""
    figures = quietfill.simulate("--json", algo="market", taker_fee_bps="2", maker_fee_bps="-5").figures

    assert figures["fees_bps"] == pytest.approx(2 * figures["avg_fill_price"] / figures["arrival_mid"])


def test_a_report_is_one_file_that_asks_for_nothing(quietfill: CommandLine) -> None:
    """--report writes a page without any outside request, there completely or not at all."""
    path = quietfill.folder / "cost.html"
    assert quietfill.simulate("--json", report=str(path)).code == 0

    assert files_of(quietfill.folder) == {"cost.html"}
    page = path.read_text(encoding="utf-8")
    assert "twap" in page
    assert not [word for word in ('src="http', 'href="http', "@import") if word in page]


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "unknown feed": ({"feed": "nyse"}, "unknown feed 'nyse'"),
    "missing file": ({"data": "nowhere_2023-07-11_message.csv"}, "nowhere_2023-07-11_message.csv: no such file"),
    "book for a feed without": ({"feed": "sse", "book": "b.csv"}, "b.csv"),
    "side": ({"side": "hold"}, "'hold'"),
    "quantity zero": ({"quantity": "0"}, "quantity must be positive, not 0"),
    "quantity negative": ({"quantity": "-100"}, "-100"),
    "quantity nan": ({"quantity": "nan"}, "'nan'"),
    "quantity infinite": ({"quantity": "inf"}, "'inf'"),
    "quantity no number": ({"quantity": "many"}, "'many'"),
    "quantity too fine": ({"quantity": "100.0000000001"}, "100.0000000001"),
    "quantity too large": ({"quantity": "1e30"}, "1e30"),
    "quantity off the lot": ({"quantity": "150", "lot": "100"}, "quantity 150 is not a whole number of lots of 100"),
    "quantity off the share": ({"quantity": "0.5"}, "quantity 0.5"),
    "unknown algo": ({"algo": "sniff"}, "known: adaptive, close, iceberg, is, limit, market"),
    "missing algo file": ({"algo": "mine.py:Mine"}, "mine.py"),
    "unknown parameter": ({"param": "speed=3"}, "unknown parameter 'speed'"),
    "parameter's value": ({"param": "urgency=7"}, "urgency = '7'"),
    "parameter's form": ({"param": "urgency"}, "'urgency' is not of the form KEY=VALUE"),
    "limit algo without limit": ({"algo": "limit"}, "limit"),
    "limit off the tick": ({"limit": "100.005"}, "100.005"),
    "limit no number": ({"limit": "cheap"}, "'cheap'"),
    "end before start": ({"end": "09:30:30"}, "end 09:30:30 is not after start 09:31:00"),
    "end at start": ({"end": "09:31:00"}, "end 09:31:00 is not after start 09:31:00"),
    "start no time": ({"start": "9 o'clock"}, "start \"9 o'clock\" is not a time of day"),
    "end no time": ({"end": "25:00:00"}, "end '25:00:00' is not a time of day"),
    "window before the data": ({"start": "08:00:00", "end": "08:30:00"}, "08:00:00 to 08:30:00 holds no data"),
    "window after the data": ({"start": "11:00:00", "end": "11:30:00"}, "end 11:30:00 is more than 60 s after"),
    "window ends late": ({"end": "09:41:30"}, "end 09:41:30 is more than 60 s after the last row at 09:39:59"),
    "date no date": ({"date": "yesterday"}, "'yesterday'"),
    "date differs": ({"date": "2024-01-01"}, "2024-01-01"),
    "tick no number": ({"tick": "small"}, "'small'"),
    "tick zero": ({"tick": "0"}, "tick must be positive"),
    "lot negative": ({"lot": "-1"}, "lot must be positive"),
    "mode": ({"mode": "haunted"}, "'haunted'"),
    "latency": ({"latency_ms": "-1"}, "latency_ms must not be negative"),
    "fee": ({"taker_fee_bps": "much"}, "'much'"),
    "seed": ({"seed": "one"}, "one"),
    "journal's folder": ({"journal": "nowhere/run.journal"}, "nowhere"),
    "report's folder": ({"report": "nowhere/run.html"}, "nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_line_that_names_it(
    quietfill: CommandLine, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, one line that names the value, no traceback, and no journal or report half-written."""
    monkeypatch.chdir(quietfill.folder)
    changes, named = WRONG[case]

    complaint = quietfill.simulate("--json", **{"journal": "run.journal", "report": "run.html"} | changes).complaint

    assert named in complaint
    assert files_of(quietfill.folder) == set()


def broken(folder: Path, row: int, line: str) -> None:
    """Replace one row of the market, counted from 1."""
    path = folder / MESSAGES
    lines = path.read_text().splitlines()
    lines[row - 1] = line
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "line",
    [
        "34200.1,1,99,100,1000000",
        "34200.1,1,99,many,1000000,1",
        "34200.1,9,99,100,1000000,1",
        "nan,1,99,100,1000000,1",
        "34200.1,1,99,100,1000000,2",
        "34100.0,1,99,100,1000000,1",
        "34200.1,1,99,100,1000050,1",
    ],
)
def test_a_wrong_row_is_named(quietfill: CommandLine, line: str) -> None:
    """A torn row, a word for a number, an unknown code, a time that goes back: the line names file and row."""
    broken(quietfill.folder, 15, line)

    assert f"{MESSAGES} row 15" in quietfill.simulate(journal=str(quietfill.folder / "run.journal")).complaint
    assert files_of(quietfill.folder) == set()


def test_an_existing_journal_is_left_alone(quietfill: CommandLine) -> None:
    """--journal on a file that exists is refused, and the file stays as it was."""
    path = quietfill.folder / "run.journal"
    path.write_bytes(b"precious")

    assert quietfill.simulate(journal=str(path)).complaint == f"error: {path}: exists already"
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        (["simulate"], "--side"),
        (["algos", "--what", "x"], "--what"),
        (["simulat"], "simulat"),
        (["journal", "shew"], "shew"),
        (["journal", "show"], "PATH"),
        (["journal", "show", "missing.journal"], "missing.journal: no such file"),
        (["journal", "verify", "missing.journal"], "missing.journal: no such file"),
        (["journal", "export", "missing.journal", "--out", "x.jsonl"], "missing.journal: no such file"),
        (["gateway", "--account", ""], "account must be a code of letters and digits, like DU1234567, not ''"),
        (["gateway", "--account", "DU1 "], "account must be a code of letters and digits, like DU1234567, not 'DU1 '"),
        (["algos", "sniff"], "sniff"),
        (["demo", "--speed", "slow"], "'slow'"),
        (["demo", "--speed", "-1"], "-1"),
        (["demo", "--seed", "x"], "x"),
        (["demo", "--algo", "sniff"], "sniff"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    quietfill: CommandLine, tokens: list[str], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be parsed or found is refused like all other wrong input, and nothing is left behind."""
    monkeypatch.chdir(quietfill.folder)

    assert named in quietfill(*tokens).complaint
    assert files_of(quietfill.folder) == set()


def test_help_and_version_are_no_errors(quietfill: CommandLine) -> None:
    """--help lists the commands, --version names the program."""
    asked = quietfill("--help")

    assert (asked.code, quietfill("--version").out.split()[0]) == (0, "quietfill")
    assert {"demo", "simulate", "journal", "algos"} <= set(asked.out.split())


def test_the_installed_command_is_this_program() -> None:
    """The console script of the distribution starts `main`, and `python -m quietfill` is the same program."""
    (script,) = entry_points(group="console_scripts", name="quietfill")
    done = subprocess.run([sys.executable, "-m", "quietfill", "--version"], capture_output=True, text=True, check=True)

    assert script.load() is main
    assert done.stdout == f"quietfill {__version__}\n"


def test_a_reader_that_leaves_is_no_error(quietfill: CommandLine, journal: Path) -> None:
    """`quietfill journal show ... | head` ends quietly when head has seen enough."""
    command = [sys.executable, "-m", "quietfill", "journal", "show", str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as show:
        assert show.stdout is not None
        assert show.stderr is not None
        show.stdout.close()
        complaint = show.stderr.read()

    assert (show.wait(), complaint) == (0, "")


def test_algos_lists_parameters_from_their_schema(quietfill: CommandLine) -> None:
    """Each algo comes with its own parameters and those that all have; one can be asked for alone."""
    listed = quietfill("algos", "--json").figures["algos"]

    assert set(listed) >= {"market", "limit", "twap", "vwap", "pov"}
    names = {row["name"] for row in listed["twap"]["parameters"]}
    assert names >= {"slice_seconds", "jitter", "discretion", "limit_price", "participation_cap", "urgency", "rest"}
    assert set(quietfill("algos", "twap", "--json").figures["algos"]) == {"twap"}


def test_a_users_algo_runs_by_its_file(quietfill: CommandLine) -> None:
    """`--algo FILE.py:CLASS` works an order with a class from a file."""
    file = Path(__file__).parents[2] / "examples" / "patient.py"

    figures = quietfill.simulate("--json", "--param", "patience=0.5", algo=f"{file}:Patient").figures

    assert (figures["algo"], figures["filled"]) == ("patient", 600)


@pytest.fixture
def journal(quietfill: CommandLine) -> Path:
    """The journal of one run."""
    path = quietfill.folder / "run.journal"
    assert quietfill.simulate(journal=str(path)).code == 0
    return path


def test_show_prints_what_is_asked_for(quietfill: CommandLine, journal: Path) -> None:
    """Records come one a line, by kind, by order or child, and the newest of them."""
    everything = quietfill("journal", "show", str(journal)).out.splitlines()
    fills = quietfill("journal", "show", str(journal), "--kind", "child_filled").out.splitlines()
    last = quietfill("journal", "show", str(journal), "--last", "2").out.splitlines()
    order = json.loads(quietfill("journal", "show", str(journal), "--kind", "order_accepted", "--json").out)
    order_id = order["records"][0]["record"]["order_id"]
    one = quietfill("journal", "show", str(journal), "--order", order_id).out.splitlines()

    assert fills == [line for line in everything if " child_filled " in line]
    assert last == everything[-2:]
    assert everything[0].split()[2] == "run_started"
    assert one == [line for line in everything if " run_" not in line]


def test_export_is_complete(quietfill: CommandLine, journal: Path) -> None:
    """An export has every record with its digest, and never overwrites the journal."""
    out = quietfill.folder / "run.jsonl"

    assert quietfill("journal", "export", str(journal), "--out", str(out)).code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    head = quietfill("journal", "verify", str(journal), "--json").figures["head"]
    assert rows[-1]["digest"] == head
    before = journal.read_bytes()
    itself = ("journal", "export", str(journal), "--out", str(journal), "--force")
    assert "is the journal itself" in quietfill(*itself).complaint
    assert journal.read_bytes() == before


def test_an_export_writes_over_nothing_unless_told(quietfill: CommandLine, journal: Path) -> None:
    """A file that is there stays what it is; `--force` writes over it."""
    out = quietfill.folder / "run.jsonl"
    out.write_text("precious")
    words = ("journal", "export", str(journal), "--out", str(out))

    assert "is there already: --force writes over it" in quietfill(*words).complaint
    assert out.read_text() == "precious"
    assert quietfill(*words, "--force").code == 0
    assert out.read_text() != "precious"


def test_a_kind_that_no_record_has_is_refused(quietfill: CommandLine, journal: Path) -> None:
    """A misspelt kind is no empty journal: the kinds are listed."""
    complaint = quietfill("journal", "show", str(journal), "--kind", "nope").complaint

    assert "kind must be one of alert_raised, " in complaint
    assert ", not nope" in complaint


def test_a_damaged_journal_is_named(quietfill: CommandLine, journal: Path) -> None:
    """Verify and show refuse a journal in which one record was changed, and name the record."""
    content = journal.read_bytes()
    place = content.index(b'"order_done"')
    journal.write_bytes(content[:place] + b'"order_gone"' + content[place + 12 :])

    for command in ("verify", "show"):
        done = quietfill("journal", command, str(journal))
        assert done.code == 2
        assert done.err.startswith(f"error: {journal}: damaged at record")
        assert len(done.err.splitlines()) == 1


def test_interrupting_is_one_line(quietfill: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with exit code 130 and one word, and leaves nothing half-written."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "simulate", interrupted)
    done = quietfill.simulate(journal=str(quietfill.folder / "run.journal"))

    assert (done.code, done.out, done.err) == (130, "", "interrupted\n")
    assert files_of(quietfill.folder) == set()


def test_a_bug_of_ours_is_not_dressed_up(quietfill: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the user got wrong becomes one line; an assertion of ours keeps its traceback."""

    def failing(*_: object, **__: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr(bootstrap, "simulate", failing)
    with pytest.raises(AssertionError, match="ours"):
        main(["simulate", "--feed", "lobster", "--data", "x", "--symbol", "X", "--side", "buy", "--quantity", "1",
              "--algo", "twap", "--start", "10:00", "--end", "11:00"])  # fmt: skip
