"""`quietfill`: parses the command line, loads the one command that was asked for, and turns errors into exit codes.

| exit code | meaning |
|---|---|
| 0 | done; that nothing was filled is no error |
| 2 | the user's input was wrong: one line on standard error says what |
| 130 | interrupted |

Anything else is a bug of ours and shows its traceback.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cyclopts import App, CycloptsError

from quietfill import __version__
from quietfill.domain.errors import QuietfillError

if TYPE_CHECKING:
    from collections.abc import Sequence

WRONG_INPUT = 2
INTERRUPTED = 130

_SIMULATE = "Work one order against recorded market data, the packaged hour unless --feed is given; print what it cost."

app = App(
    name="quietfill",
    help="An execution desk: works orders into the market at the least cost, and proves what it did.",
    version=f"quietfill {__version__}",
    print_error=False,
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
# Named by text, so that only the command that is run is imported; listing them needs their help here.
app.command("quietfill.cli.demo:demo", help="Work real orders against a recorded hour, live, and explain the cost.")
app.command("quietfill.cli.simulate:simulate", help=_SIMULATE)
app.command("quietfill.cli.gateway:gateway", help="Serve the simulated venue to clients of the TWS API.")
app.command("quietfill.cli.run:run", help="Run the agent as a service, from one configuration file.")
app.command("quietfill.cli.control_orders:send", help="Send a decision to a running agent.")
app.command("quietfill.cli.control_status:status", help="Show what a running agent is doing, or one order.")
app.command("quietfill.cli.control_orders:cancel", help="Cancel an order of a running agent.")
app.command("quietfill.cli.control_orders:amend", help="Change terms of a live order.")
app.command("quietfill.cli.control_orders:pause", help="Withdraw the children of an order for the time being.")
app.command("quietfill.cli.control_orders:resume", help="Go on with a paused order.")
app.command("quietfill.cli.control_house:kill", help="Stop a running agent's trading: bar new orders, cancel all.")
app.command("quietfill.cli.control_house:release", help="Lift a kill; two people must agree.")
app.command("quietfill.cli.control_house:resolve", help="Say what became of an order that is in doubt or frozen.")
app.command("quietfill.cli.report:report", help="Explain what the orders of a journal cost.")
app.command("quietfill.cli.algos:algos", help="List the algos and their parameters.")

_journal = App(name="journal", help="Look at a journal, prove it, or copy it out.")
_journal.command("quietfill.cli.journal:show", help="Print the records of a journal, one a line.")
_journal.command("quietfill.cli.journal:verify", help="Check every record against the chain, and the file itself.")
_journal.command("quietfill.cli.journal:export", help="Copy a journal out as JSON lines.")
app.command(_journal)

_profile = App(name="profile", help="Learn from bars how volume is spread over a day, and look at what was learned.")
_profile.command("quietfill.cli.profile:learn", help="Learn a volume profile from minute bars.")
_profile.command("quietfill.cli.profile:show", help="Show a volume profile and how well it fits.")
app.command(_profile)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    Args:
        arguments: what follows the program's name; None takes the process's own.
    """
    try:
        outcome = app(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except (QuietfillError, CycloptsError) as error:
        return _complain(f"error: {_one_line(error)}", WRONG_INPUT)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader (a pager, head) went away. Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return outcome if isinstance(outcome, int) else 0


def _complain(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
