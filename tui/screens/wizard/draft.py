"""What was typed so far, and the plan that it makes: the same one that the options of `pada new` make."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pada_local.intake.plan import Plan

SEPARATOR = ";"
"""Between several files or columns in one line."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Every field as its text; names are those of `pada_local.intake.plan.Plan`, and of its `Reading`."""

    train: str = ""
    validation: str = ""
    test: str = ""
    records: str = ""
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    input: str = ""
    template: str = ""
    output: str = ""
    messages: str = ""
    tags: str = ""
    join: str = r"\n"
    metric: str = "exact_match"
    word: str = ""
    task: str = ""
    system: str = ""
    student: str = "demo-student"
    teacher: str = "demo-teacher"
    judge: str = ""
    recipe: str = "pada"
    file: str = ""
    seed: str = "1"
    drop_overlap: bool = False
    truncate: bool = False

    @property
    def metric_name(self) -> str:
        """The metric with the word behind its colon, where it takes one."""
        return f"{self.metric}:{self.word}" if self.metric in ("regex", "python") else self.metric

    def plan(self) -> "Plan":
        """Raises UsageError for a format, an encoding or a seed that is none; everything else is checked where it is used."""
        from pada_local.data.formats import FORMATS
        from pada_local.data.text_files import ENCODINGS
        from pada_local.errors import UsageError
        from pada_local.intake.plan import plan_of

        if self.encoding and self.encoding not in ENCODINGS:
            raise UsageError(f"There is no encoding {self.encoding!r} here.", "Known: " + ", ".join(ENCODINGS) + ".")
        if self.format and self.format not in FORMATS:
            raise UsageError(f"There is no format {self.format!r} here.", "Known: " + ", ".join(FORMATS) + ".")
        if not self.seed.strip().isdecimal() or len(self.seed.strip()) > 9:
            raise UsageError("The seed is a whole number of at most nine digits.", "", "1 is as good as any.")
        if not self.train.strip():
            raise UsageError("No file with training examples is named yet.", "", "Type its path; Tab completes it.")
        lists = {name: files_in(getattr(self, name)) for name in ("train", "validation", "test")}
        given = {name: getattr(self, name) for name in (*_TEXTS, "drop_overlap", "truncate")}
        models = {name: _home(getattr(self, name).strip()) for name in ("student", "teacher", "judge")}
        reading = {name: getattr(self, name) for name in ("format", "encoding", "delimiter")} | {"records": self.records.strip()}
        named = {"file": Path(_home(self.file)), "metric": self.metric_name, "tags": parts(self.tags), "seed": int(self.seed)}
        join = "\n" if self.join == r"\n" else self.join
        return plan_of(given | lists | models | reading | named | {"join": join})


_TEXTS = ("input", "template", "output", "messages", "task", "system")


def files_in(text: str) -> list[str]:
    """The paths in a line. A file whose own name holds the separator is that file."""
    whole = _home(text)
    if os.path.lexists(whole):
        return [whole]
    return [_home(part) for part in parts(text)]


def parts(text: str) -> list[str]:
    """What stands between separators, without the spaces around it."""
    return [part.strip() for part in text.split(SEPARATOR) if part.strip()]


def project_name(draft: Draft) -> str:
    """The name for the project file that goes with the training file."""
    files = files_in(draft.train)
    stem = Path(files[0].partition("#")[0]).stem if files else ""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in stem).strip("-.")
    return f"{kept or 'project'}.duckdb"


def _home(path: str) -> str:
    return os.path.expanduser(path) if path.startswith("~") else path
