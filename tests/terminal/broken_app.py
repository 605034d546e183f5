"""The app with two screens that break, for tests: `python -m tests.terminal.broken_app FILE`."""

import sys
from pathlib import Path

from pada_local.cli.talk import complain
from pada_local.errors import PadaError
from tests.host import fake_host  # noqa: F401  (its hosts run the fake loop)
from tui import actions, app
from tui.screens.compare import CompareScreen
from tui.screens.patterns import PatternsScreen


class BreaksAtOnce(CompareScreen):
    """Raises where Textual calls it."""

    def on_screen_resume(self) -> None:
        secret = "SECRET-LOCAL"
        raise ZeroDivisionError("injected") if secret else None


class BreaksOnItsAnswer(PatternsScreen):
    """Raises where an answer is shown."""

    def reload(self) -> None:
        self.ask(lambda: {}, lambda answer: answer["not there"])


class BrokenApp(app.PadaApp):
    """Opens at the data screen."""

    CSS_PATH = Path(app.__file__).with_name("pada.tcss")
    FIRST = actions.DATA


if __name__ == "__main__":
    app.SCREENS |= {actions.COMPARE: BreaksAtOnce, actions.PATTERNS: BreaksOnItsAnswer}
    try:
        sys.exit(BrokenApp(Path(sys.argv[1])).stay())
    except PadaError as error:
        complain(error)
        sys.exit(int(error.exit_code))
