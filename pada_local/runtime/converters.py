"""Where llama.cpp's own converters lie: taken at installation out of the source archive that llama.cpp is built from."""

import os
from pathlib import Path

from pada_local.errors import MissingError

VERSION = "0.3.36"
"""Of llama-cpp-python, whose archive carries them: converters and the llama.cpp that reads what they wrote belong together."""


def find_converters() -> Path:
    """The folder of convert_hf_to_gguf.py, convert_lora_to_gguf.py and what they import. Raises MissingError."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if os.path.isabs(home) else Path.home() / ".cache"
    folder = base / "pada-local" / f"converters-{VERSION}"
    if not (folder / "convert_hf_to_gguf.py").is_file():
        fix = "Run 'make install' in a checkout of PaDA Local; after that nothing is downloaded."
        raise MissingError("llama.cpp's converters are not here.", f"Looked in {folder}.", fix)
    return folder
