"""Where things lie: the demo's models and the recipes that come with the project, and what belongs to the user.

In a checkout models/ and recipes/ stand beside the package; a wheel carries them inside it, under `_data`.
"""

import os
from pathlib import Path

from pada_local.errors import MissingError

PACKAGE = Path(__file__).resolve().parent.parent


def models_folder() -> Path:
    """The folder of catalog.toml and the demo's models. Raises MissingError."""
    return _shipped("models")


def recipes_folder() -> Path:
    """The folder of the recipes that come with the project. Raises MissingError."""
    return _shipped("recipes")


def user_folder() -> Path:
    """The user's own folder (registered models, own recipes); made when it is missing, readable by the user only."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG rules say that a relative path is invalid and to be ignored.
    base = Path(home) if os.path.isabs(home) else Path.home() / ".local" / "share"
    folder = base / "pada-local"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _shipped(name: str) -> Path:
    checkout = PACKAGE.parent
    # pyproject.toml tells a checkout from a site-packages folder in which somebody else put a `models`.
    candidates = [checkout / name] if (checkout / "pyproject.toml").is_file() else []
    candidates.append(PACKAGE / "_data" / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    looked = " and ".join(str(folder) for folder in candidates)
    raise MissingError(f"The folder {name}/ of PaDA Local is missing.", f"Looked for {looked}.", "Install pada-local again.")
