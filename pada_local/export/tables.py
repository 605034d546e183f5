"""JSON lines of a folder once more as Parquet, written by the worker: pyarrow is loaded nowhere else."""

import tempfile
from pathlib import Path

from pada_local.student.client import StudentClient
from pada_local.student.protocol import WriteParquet


def add_parquet(folder: Path) -> None:
    """A .parquet file beside each .jsonl file that holds rows. Raises StudentError."""
    with tempfile.TemporaryDirectory(prefix="pada-export-") as private, StudentClient(Path(private) / "worker") as client:
        for file in sorted(folder.glob("*.jsonl")):
            if file.stat().st_size:
                client.export(WriteParquet(rows=str(file), to=str(file.with_suffix(".parquet"))))
