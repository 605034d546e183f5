"""Foreign text meets a real terminal: what a project holds reaches the screen as characters and never as a command."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from pada_local.errors import StoreError
from pada_local.records import Setting
from pada_local.store.project import Project
from tests.terminal.hostile import ATTACKS, NEVER, fill
from tui import actions
from tui.app import SCREENS

FORBIDDEN = re.compile(
    "[\x00-\x06\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
"""What may never be in the output. Escape is looked at by the sequence that it begins; a bell is counted among them."""
ROWS = len(ATTACKS)
HOSTILE_NAME = "hostile\x1b]52;c;x\x07\u202e\x9b5;6m\x7f[bold]"
RAW_NAME = b"raw\x9b5;6m\xff\x1b]52;c;x\x07.duckdb"
"""A file name that is no UTF-8: Python holds lone surrogates for it."""
UNSEEN = {"Zstudent", "Zteacher", "Zjudge", "Ztask", "Zrname", "Zmetric", "Zreason", "Zerecipe", "Zrole"}
"""Fields that no screen shows yet, or only until the next event comes; they are in the file all the same."""


class Walk:
    """Every screen and dialog that shows data, every row marked once; `seen` is all that was ever on the screen."""

    def __init__(self, terminal) -> None:
        self.terminal, self.seen = terminal, set()

    def look(self) -> None:
        self.seen |= set(re.findall(r"Z[a-z]+\d\dq", self.terminal.screen.text))

    def until(self, holds) -> None:
        self.terminal.until(holds)
        self.look()

    def press(self, *keys: str) -> None:
        self.terminal.press(*keys)

    def rows(self, shown: str, count: int = ROWS) -> None:
        """Down the list; the marked row's marker (`shown` with its number) tells that it was drawn."""
        for number in range(count):
            self.until(f"Z{shown}{number % ROWS:02}q")
            self.press("down")

    def dialog(self, *keys: str, shows: str = "", there: str) -> None:
        """Open, look, close; the screen below is told by `there`."""
        self.press(*keys)
        self.until(lambda screen: "╭" in screen.text and shows in screen.text)
        self.press("escape")
        self.until(lambda screen: "╭" not in screen.text and there in screen.text)

    def home(self, file: Path) -> None:
        self.until("This machine")
        self.until("Zmodel05q")
        self.wizard()
        self.press("o")
        self.until("Path of the project file")
        self.press(str(file.parent / "Znone00q[bold]"), "enter")
        self.until("There is no project file")
        self.press("enter")  # the newest file; the one whose name is no text at all is refused
        if file.name != "hostile.duckdb":
            self.until("Rename it.")
            self.press("down", "enter")

    def wizard(self) -> None:
        """A file whose name, columns and rows are attacks: offered, chosen, read."""
        self.press("n")
        self.until("1 of 7")
        self.press("rows")
        self.until("rows-")  # offered; a name with control characters is not for typing
        self.until("The data file is not there.")
        self.press(*["backspace"] * 4)
        self.until("path of a file or folder")
        self.press("data")
        self.until(lambda screen: re.search(r"training +data", screen.text))
        self.press("tab")
        self.until("40 rows")
        self.press("ctrl+n")
        self.until("2 of 7")
        self.until("Zcolumn05q")
        self.press("escape")
        self.until("1 of 7")
        self.press("escape")
        self.until("This machine")

    def run(self) -> None:
        self.until("Zlast04q")
        self.dialog("f1", there="Zlast04q")
        self.press("l")
        self.until("The last events")
        self.press("end")
        self.until("Zwhat04q")
        self.until("Zover04q")
        self.press("escape")
        self.until(lambda screen: "╭" not in screen.text and "Zlast04q" in screen.text)
        self.press("n")
        self.until("Only the writing of samples")
        self.dialog("w", shows="hostile", there="Zlast04q")
        self.press(*["up"] * 6)
        for number in range(ROWS):
            self.until(f"Zstage{number:02}q")

    def patterns(self) -> None:
        self.press("3")
        self.rows("pat")
        self.press(*["up"] * ROWS)
        for number in range(ROWS):
            self.until(f"Zptext{number:02}q")
            self.until("1 of")
            self.press("j", "down")
        self.press(*["up"] * 12, "k")
        self.until("Zptext04q")
        self.dialog("e", shows="Zstrat04q", there="Zptext04q")
        self.dialog("m", shows="Zpat06q", there="Zptext04q")

    def samples(self) -> None:
        self.press("4")
        self.rows("cin")
        self.press(*["up"] * ROWS)
        self.press(*["down"] * 4)
        self.until(lambda screen: screen.text.count("Zcin04q") > 1)
        self.dialog("e", shows="Zcout04q", there="Zcin04q")
        self.dialog("f", shows="Zpat05q", there="Zcin04q")
        self.dialog("b", shows="What becomes of", there="Zcin04q")
        self.press("a")  # the samples are chosen already: an error that names one
        self.until("Zcin04q")
        self.press("ctrl+end")  # the last samples: their checks are the attacks
        for _ in range(4):
            self.until(lambda screen: re.search(r"Zcri\d\dq", screen.text))
            self.press("up")
        self.paste("Zpaste04q\x1b]52;c;Zpaste04q\x07\x9b7777;7777H\x00\u202e[bold]")
        self.until("0 to 0 of 0")
        self.press("/")
        self.until("Which word?")
        self.press(*["backspace"] * 100, "enter")
        self.until("1 to 28 of 28")

    def paste(self, text: str) -> None:
        """What a person pastes may come from anywhere."""
        self.press("/")
        self.until("Which word?")
        self.press("\x1b[200~", text, "\x1b[201~")
        self.until("Zpaste04q")
        self.press("enter")

    def compare(self) -> None:
        self.press("5")
        self.until("Zslice00q")
        for number in range(ROWS):
            self.until(f"Zpat{number:02}q")
        self.press("v")
        for number in range(1, 13):
            self.until(f"{number} of 12: b answers")
            self.press("j")
        self.press("v")
        self.until("No example of which")

    def data(self) -> None:
        self.press("6")
        self.rows("in")
        self.dialog("i", shows="Facts about", there="Zin05q")
        self.dialog("l", shows="Looked at", there="Zin05q")
        self.press("/")
        self.until("Which word?")
        self.press("Zin05q", "enter")
        self.until("1 to 2 of 2")
        self.press("o")
        self.until('answered "Zout05q')
        self.press("o")

    def recipes(self) -> None:
        self.press("9")
        self.until("hostile")
        self.until("cannot be used")
        self.press(*["down"] * 12)
        self.dialog("?", shows="Keys: recipes", there="hostile")

    def others(self) -> None:
        """Screens that this walk does not know by name: opened by their number, and gone down."""
        keys = {one.call: one.key for one in actions.ACTIONS}
        for name in sorted(SCREENS.keys() - {"home", "run", "patterns", "samples", "compare", "data", "recipes"}):
            if key := keys.get(f"go('{name}')"):
                self.press(key, "down", "down", "down")
                self.press("f1")
                self.until("What this")
                self.press("escape")
                self.until(lambda screen: "What this" not in screen.text)

    def everything(self, file: Path) -> None:
        self.home(file)
        for part in (self.run, self.patterns, self.samples, self.compare, self.data, self.others, self.recipes):
            part()
        self.press("1")
        self.until("This machine")


def surroundings(folder: Path, finished: Path, harmless: bool) -> tuple[Path, set[str]]:
    """Project file, user's recipes and models with hostile names in a folder with a hostile name; the file and its markers."""
    name = "hostile" if harmless else HOSTILE_NAME
    home = folder / name
    home.mkdir()
    file = Path(shutil.copy(finished, home / f"{name}.duckdb"))
    markers = fill(file, harmless)
    if not harmless:
        shutil.copy(file, os.path.join(os.fsencode(home), RAW_NAME))
    columns = ("Zcolumn05q", "Zvalue04q") if harmless else ("Zcolumn05q\x1b]52;c;x\x07[/]", "Zvalue04q\x9b5;6m\u202e[/]")
    row = json.dumps({columns[0]: columns[1], "answer": columns[1]})
    for file_name in (f"rows-{name}", "data" if harmless else "data[bold]"):
        (home / f"{file_name}.jsonl").write_text("\n".join([row] * 40))
    user = Path(os.environ["XDG_DATA_HOME"]) / "pada-local"
    recipes = user / "recipes"
    shutil.rmtree(user, ignore_errors=True)
    recipes.mkdir(parents=True)
    about = "hostile" if harmless else "hostile \\u001b]52;c;x\\u0007[/]"
    (recipes / f"{name}.toml").write_text(f'name = "{about}"\nabout = "{about}"\n')
    (recipes / f"broken-{name}.toml").write_text(f'name = "x"\n[train]\n"{about}" = 1\n')
    model = "Zmodel05q" if harmless else "Zmodel05q\\u001b]52;c;x\\u0007[/]"
    (user / "models.toml").write_text(f'[[model]]\nname = "{model}"\nrole = "student"\npath = "/{model}"\nabout = "{about}"\n')
    return file, markers


@pytest.mark.terminal
def test_no_data_steers_the_terminal(start, finished_file, tmp_path):
    kinds = []
    for harmless in (True, False):
        folder = tmp_path / str(harmless)
        folder.mkdir()
        file, markers = surroundings(folder, finished_file, harmless)
        terminal = start(cwd=file.parent, size=(300, 100))
        walk = Walk(terminal)
        walk.everything(file)
        terminal.press("q")
        terminal.until("The new project is not made yet.")  # what the walk typed into the wizard
        terminal.press("down", "enter")
        assert terminal.ended() == 0, terminal.screen.text
        kinds.append(set(terminal.screen.shapes))
        unharmed(terminal)
        fields = {re.sub(r"\d+q$", "", marker) for marker in markers}
        never_shown = fields - {re.sub(r"\d+q$", "", marker) for marker in walk.seen}
        assert never_shown <= UNSEEN, never_shown
    assert kinds[1] <= kinds[0], f"sequences that only hostile data brings: {kinds[1] - kinds[0]}"


def unharmed(terminal) -> None:
    """Nothing that was written to the terminal came from the data as a command."""
    output = terminal.raw.decode("utf-8")  # strict: no lone 8-bit control either
    found = FORBIDDEN.search(output)
    assert not found, ascii(output[max(0, found.start() - 60) :][:120])
    assert not [piece for piece in NEVER if piece in output]


def test_stored_text_is_unicode(finished):
    """Why no row is attacked with a lone surrogate."""
    with Project.open(finished) as project, pytest.raises(StoreError):
        project.put(Setting(key="x", value="\ud800"))


def test_a_file_whose_name_is_no_text_is_refused_in_words(start, finished_file, tmp_path):
    raw = os.path.join(os.fsencode(tmp_path), RAW_NAME)
    shutil.copy(finished_file, raw)
    for words in (("tui", raw), ("status", raw)):
        terminal = start(*map(os.fsdecode, words), cwd=tmp_path)
        terminal.until("Rename it.")
        if words[0] == "tui":
            terminal.press("q")
        assert terminal.ended() == (0 if words[0] == "tui" else 2)
        unharmed(terminal)
