"""`python -m tests.faults.dump FILE`: every row of a project file as JSON, read by a process that changes nothing.

Each adapter is also read back and held against its hashes: a torn one ends this program with a sentence and status 1.
"""

import json
import sys

import msgspec

from pada_local.records import Adapter
from pada_local.store.project import Project
from pada_local.store.tables import NAMES


def main(path: str) -> None:
    """Print {table: {key: row}}; keys are the primary keys, joined."""
    tables = {}
    with Project.open(path, read_only=True) as project:
        for kind, (name, key) in NAMES.items():
            rows = [msgspec.to_builtins(row) for row in project.get(kind)]
            tables[name] = {" ".join(str(row[part]) for part in key): row for row in rows}
        for adapter in project.get(Adapter):
            project.adapter_files(adapter.id)
    json.dump(tables, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
