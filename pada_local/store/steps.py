"""The steps that make the tables of a project, and bring those of an older file up to date."""

from importlib import resources


def migration_steps() -> list[tuple[int, str, str]]:
    """Version, name and SQL of every step, oldest first."""
    folder = resources.files("pada_local.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), name.removesuffix(".sql"), (folder / name).read_text(encoding="utf-8")) for name in names]
