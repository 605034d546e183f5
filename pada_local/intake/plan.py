"""What a person asked for when a project is made, and the files that this names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pada_local.data.columns import Taker
from pada_local.data.folders import splits_of
from pada_local.data.formats import Reading, Source, sources_of
from pada_local.data.gather import SPLITS
from pada_local.errors import UsageError
from pada_local.session import check_new_path

Tell = Callable[[str, int, float], None]
"""Progress: what is being done, rows so far, and the share from 0 to 1 that is done (0 when it is not known)."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A new project as it was asked for. Files may carry a path behind `#`; empty texts mean that nothing was said."""

    file: Path
    train: list[str]
    validation: list[str] = []
    test: list[str] = []
    reading: Reading = Reading()
    input: str = ""
    output: str = ""
    template: str = ""
    messages: str = ""
    join: str = "\n"
    tags: list[str] = []
    metric: str
    task: str = ""
    system: str = ""
    student: str
    teacher: str
    judge: str = ""
    seed: int = 1
    truncate: bool = False
    drop_overlap: bool = False
    mask: bool = False

    def taker(self) -> Taker:
        """Raises UsageError when it is not clear what is to be taken."""
        return Taker(
            self.input, self.output, self.tags, template=self.template, messages=self.messages, join=self.join
        )  # fmt: skip


def plan_of(options: Mapping[str, Any]) -> Plan:
    """The plan that the options of `pada new` make; options that are None were not given."""
    fields = {name: value for name, value in options.items() if name in Plan.__struct_fields__ and value is not None}
    reading = {name: options[name] for name in Reading._fields if options.get(name)}
    return Plan(**fields, reading=Reading(**reading))


def check_file(path: Path) -> None:
    """Raises UsageError for a name that is taken or is no project's, MissingError without its folder."""
    if path.suffix != ".duckdb":
        raise UsageError(f"A project file's name ends in .duckdb, and {path} does not.", "", f"Name it {path}.duckdb")
    check_new_path(path)


class Given(NamedTuple):
    """A file and the split that it was given for (its place in SPLITS)."""

    side: int
    source: Source


def files_of(plan: Plan) -> list[Given]:
    """All files, those of the training split first. Raises MissingError, DataError, UsageError.

    A data-set folder given for training brings the validation and test splits that it holds, unless others were given.
    """
    texts = {"train": plan.train, "validation": plan.validation, "test": plan.test}
    if len(plan.train) == 1 and Path(plan.train[0]).is_dir():
        there = splits_of(Path(plan.train[0]))
        texts |= {split: plan.train for split in SPLITS[1:] if not texts[split] and split in there}
    found = [(split, sources_of(texts[split], plan.reading, split)) for split in SPLITS]
    return [Given(SPLITS.index(split), source) for split, sources in found for source in sources]
