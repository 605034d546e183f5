"""Puts models/ (but not the scripts that build them) and recipes/ into the wheel, under pada_local/_data."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS, LEFT_OUT = ("models", "recipes"), {"training", "__pycache__"}


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable install finds both folders in the checkout; a copy would only grow stale."""
        if version == "editable":
            return
        root = Path(self.root)
        for folder in FOLDERS:
            for file in sorted((root / folder).rglob("*")):
                inside = file.relative_to(root)
                if file.is_file() and not LEFT_OUT & set(inside.parts):
                    build_data["force_include"][str(file)] = f"pada_local/_data/{inside.as_posix()}"
