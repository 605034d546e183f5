"""`python:FILE:FUNCTION`: a function of the user's own. It runs inside this program, because the user named its file.

The name that a project keeps ends in `@` and the start of the file's SHA-256, so that a score always says which function gave
it: a file that was changed since then is refused and not run.
"""

import hashlib
import math
import os
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

from pada_local.errors import MissingError, UsageError
from pada_local.metrics.registry import Metric, Score, family

DIGITS = 12
USE = "Name it as python:FILE.py:FUNCTION; the function takes answer and reference and returns a number from 0 to 1."


@family("python", "FILE.py:FUNCTION", "a function of your own: (answer, reference) -> number from 0 to 1, True or False")
def python_metric(named: str) -> Metric:
    """The metric for one function. Raises MissingError without the file, UsageError without the function or after a change."""
    named, _, expected_hash = named.partition("@")
    place, _, function_name = named.rpartition(":")
    file = Path(place).expanduser().absolute()
    if not place or not function_name:
        raise UsageError("The metric's function is not named.", named, USE)
    try:
        facts, source = file.stat(), file.read_bytes()
    except OSError as error:
        raise MissingError("The metric's file cannot be read.", f"{file}: {error.strerror}", USE) from None
    # A project may come from anybody, and names the file: it must not name one that others could put there.
    if facts.st_uid not in (0, os.getuid()) or facts.st_mode & stat.S_IWOTH:
        raise UsageError("The metric's file could be written by others, so it is not run.", str(file), f"chmod go-w {file}")
    digest = hashlib.sha256(source).hexdigest()[:DIGITS]
    if expected_hash and digest != expected_hash:
        fix = "Put the old file back, or make a new project with the new one."
        raise UsageError("The metric's file is not the one that this project was made with.", str(file), fix)
    function = _function(file, source, function_name)

    def compare(predicted: str, expected: str) -> Score:
        try:
            value = function(predicted, expected)
        except Exception as error:  # the user's code: whatever it raises is said and the item left unscored
            return Score(None, f"not scored: {function_name} raised {type(error).__name__}: {str(error)[:120]}")
        if not isinstance(value, bool | int | float) or not math.isfinite(value) or not 0 <= value <= 1:
            return Score(None, f"not scored: {function_name} returned {str(value)[:40]!r}, not a number from 0 to 1")
        return Score(float(value), f"{function_name} gave {float(value):g}")

    return Metric(f"python:{file}:{function_name}@{digest}", f"{function_name} in {file.name}", compare, lambda output: "")


def _function(file: Path, source: bytes, name: str) -> Any:
    module = ModuleType("pada_user_metric")
    module.__file__ = str(file)
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    except Exception as error:  # the user's code again
        raise UsageError("The metric's file cannot be run.", f"{file}: {type(error).__name__}: {error}") from None
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"There is no function {name} in the metric's file.", str(file), USE)
    return function
