"""What stops a job, as a sentence for a person; `main` turns it into the message `Failed`."""


class JobError(Exception):
    """`kind` is one of data, memory, nan, model, other."""

    def __init__(self, kind: str, title: str, detail: str = "", fix: str = "") -> None:
        super().__init__(title)
        self.kind, self.title, self.detail, self.fix = kind, title, detail, fix


MEMORY_SIGNS = ("out of memory", "not enough memory", "can't allocate memory", "defaultcpuallocator")


def is_out_of_memory(error: BaseException) -> bool:
    """True for a CUDA out-of-memory error and for the plain RuntimeError that the CPU allocator raises."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in MEMORY_SIGNS)
