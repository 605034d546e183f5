"""From words to a command, and from errors to a sentence and an exit code: the edge where PadaErrors are caught."""

import os
import sys
from importlib import import_module

from pada_local.cli.locks import ask_for_keys
from pada_local.cli.parser import make_parser
from pada_local.cli.talk import complain, say
from pada_local.errors import ExitCode, PadaError
from pada_local.runtime.private import be_private


def call(words: list[str]) -> int:
    """Parse the words and run the command. Returns the exit code; argparse itself leaves with 2 on wrong words."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape and not a traceback.
        stream.reconfigure(errors="backslashreplace")
    be_private()
    parser = make_parser()
    options = parser.parse_args(words)
    module, function = options.does.split(":")
    try:
        ask_for_keys(options)
        return int(getattr(import_module(f"pada_local.cli.{module}"), function)(options) or 0)
    except PadaError as error:
        complain(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        say("Interrupted.")
        return int(ExitCode.STOPPED)
    except BrokenPipeError:
        # The reader of our output left (`pada report | head`): nothing is wrong, and nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
    except OSError as error:
        complain(PadaError("The system refused something.", str(error), "Check the path, its permissions and the free space."))
        return int(ExitCode.FAILED)
