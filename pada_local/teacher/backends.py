"""Which backend runs a model: the native server, or llama.cpp inside this process where the server was not built."""

from pathlib import Path

from pada_local.errors import MissingError
from pada_local.teacher.inprocess import InProcess
from pada_local.teacher.launch import find_server
from pada_local.teacher.protocol import Backend
from pada_local.teacher.server import LlamaServer
from pada_local.teacher.settings import Settings


def open_backend(model: str, settings: Settings | None = None, folder: Path | None = None) -> Backend:
    """A backend for a model file; nothing is loaded before the first question. Raises MissingError."""
    file = Path(model).expanduser()
    try:
        binary = find_server()
    except MissingError:
        return InProcess(file, settings)
    return LlamaServer(file, settings, folder, binary)
