"""Every error a person may meet: what happened, where, and what to do. Caught by type at the edges only."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the `pada` command returns."""

    DONE = 0
    USAGE = 2
    MISSING = 3
    STOPPED = 4
    FAILED = 5


class PadaError(Exception):
    """A sentence for a person. `title` says what happened, `detail` where and why, `fix` the command or key that helps."""

    exit_code = ExitCode.FAILED

    def __init__(self, title: str, detail: str = "", fix: str = "") -> None:
        super().__init__(title, detail, fix)
        self.title, self.detail, self.fix = title, detail, fix

    def __str__(self) -> str:
        return "\n".join(part for part in (self.title, self.detail, self.fix) if part)


class UsageError(PadaError):
    """The command, the recipe or an option is wrong."""

    exit_code = ExitCode.USAGE


class DataError(UsageError):
    """A data file cannot be taken as it is; `detail` names file and line."""


class MissingError(PadaError):
    """Something that is needed is not there: a model, a program, a package, a file."""

    exit_code = ExitCode.MISSING


class StoreError(PadaError):
    """The project file cannot be opened, read or written."""


class BusyError(StoreError):
    """Another process owns the project file; `detail` holds its process id where it is known."""


class LockedError(StoreError):
    """The project file is encrypted, and there is no key for it or one that does not fit."""

    exit_code = ExitCode.MISSING


class StudentError(PadaError):
    """The worker could not train, evaluate or embed."""


class WorkerLost(StudentError):
    """The worker was killed in the middle of a job; the run pauses and can be resumed."""


class TeacherError(PadaError):
    """The teacher could not be started or stopped answering; the run pauses and can be resumed."""


class Interrupted(PadaError):
    """The run was asked to pause or stop; everything committed so far is kept."""

    exit_code = ExitCode.STOPPED
