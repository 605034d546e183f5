"""A plan as the `pada new` line that makes the same project."""

import shlex

from pada_local.intake.plan import Plan

_TEXTS = {"input": "input", "template": "input-template", "output": "output", "messages": "messages", "join": "join",
          "metric": "metric", "task": "task", "system": "system", "student": "student", "teacher": "teacher",
          "judge": "judge"}  # fmt: skip


def command_line(plan: Plan) -> str:
    """The line as it can be pasted into a shell; what is as it would be without being said is left out."""
    words = ["pada", "new", _file(str(plan.file))]
    for name in ("train", "validation", "test"):
        if files := getattr(plan, name):
            words += [f"--{name}", *map(_file, files)]
    for name, value in plan.reading._asdict().items():
        if value and (name, value) != ("encoding", "utf-8"):
            words += _option(name, value)
    for field, name in _TEXTS.items():
        value = getattr(plan, field)
        if value and (field, value) != ("join", "\n") or (field == "join" and not value):
            words += _option(name, value)
    for tag in plan.tags:
        words += _option("tags", tag)
    words += _option("seed", str(plan.seed)) if plan.seed != 1 else []
    words += [f"--{name.replace('_', '-')}" for name in ("drop_overlap", "truncate") if getattr(plan, name)]
    return shlex.join(words)


def _option(name: str, value: str) -> list[str]:
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]


def _file(path: str) -> str:
    """A name that begins with a dash would be read as an option."""
    return f"./{path}" if path.startswith("-") else path
