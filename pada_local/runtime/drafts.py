"""A draft model: found as any teacher is, and refused when it has other words than the teacher that is to check its guesses."""

from pathlib import Path

from pada_local.errors import UsageError
from pada_local.runtime import examine
from pada_local.runtime.catalog import resolve

PADDING = 128
"""Words by which two vocabularies of one family may differ in length: what llama.cpp allows, too."""


def draft_of(named: str, teacher: Path) -> Path:
    """The file of a named draft model. Raises MissingError, and UsageError when its vocabulary is not the teacher's."""
    # llama.cpp finds that out as well, but only logs it and goes on without a draft.
    file = resolve(named, "teacher")
    theirs, own = examine.gguf_words(teacher), examine.gguf_words(file)
    common = min(theirs, own)
    alike = common and abs(theirs - own) <= PADDING and examine.gguf_digest(teacher, common) == examine.gguf_digest(file, common)
    if not alike:
        detail = f"{file.name} has {own:,} words and {teacher.name} {theirs:,}; they must be the same ones."
        raise UsageError(
            "The draft model's vocabulary is not the teacher's.", detail, "Name a smaller model of the same family, or none."
        )
    return file
