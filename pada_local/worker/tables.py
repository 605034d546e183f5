"""Rows of Parquet and Arrow files, some at a time. The files are foreign: sizes are looked at before anything is unpacked."""

import datetime
import decimal
import json
import math
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from pada_local.student.protocol import ReadTable, TableOpened, TableRows
from pada_local.worker.problems import JobError

MAX_GROUP_BYTES = 2**30
"""Unpacked bytes of the wanted columns in one row group: a few kilobytes of Parquet can unpack to terabytes."""
MAX_MESSAGE_BYTES = 16 * 2**20
MORE_MEMORY_BYTES = 3 * 2**30
"""What reading may take on top of what the process has: a value that is stored once can stand in a million rows."""
_ROWS = 256


def read_table(job: ReadTable, send: Callable[[Any], None]) -> None:
    """Send what the table is, then its rows. Raises JobError of kind data, naming file and row."""
    done = 0
    try:
        with _opened(job) as source:
            schema, rows, batches = _parts(job, source)
            names = _label_names(schema)
            if twice := [name for name in schema.names if _is_wanted(job, name) and schema.names.count(name) > 1]:
                raise _refused(job, 1, f"the column {twice[0][:60]!r} occurs twice")
            send(TableOpened(columns=list(schema.names), rows=rows))
            for batch in batches:
                for piece in _pieces(batch):
                    if piece.num_rows == 1 and piece.nbytes > MAX_MESSAGE_BYTES:
                        raise _refused(job, done + 1, f"the row is longer than {MAX_MESSAGE_BYTES:,} bytes")
                    values = piece.to_pylist()
                    send(TableRows(rows=[_row(job, done + number, row, names) for number, row in enumerate(values, 1)]))
                    done += len(values)
    except (pyarrow.ArrowException, OSError, OverflowError, UnicodeDecodeError) as error:
        what = f"{job.path}, after row {done}: {str(error)[:300]}"
        raise JobError("data", f"The {job.format} file cannot be read.", what, "Write it again, or give it as JSONL.") from error


def limit_memory() -> None:
    """Let this process fail where it would fill the machine. For a process that reads tables and does nothing else."""
    statistics = Path("/proc/self/statm")
    if statistics.exists():
        now = int(statistics.read_text().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = now + MORE_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _opened(job: ReadTable) -> Any:
    return pyarrow.parquet.ParquetFile(job.path) if job.format == "parquet" else pyarrow.OSFile(job.path)


def _parts(job: ReadTable, source: Any) -> tuple[Any, int, Iterator[Any]]:
    """Schema, number of rows (0: not known), and the batches with the wanted columns that are there."""
    if job.format == "parquet":
        schema = source.schema_arrow
        wanted = [name for name in schema.names if _is_wanted(job, name)]
        _check_groups(job, source.metadata, wanted)
        return schema, source.metadata.num_rows, source.iter_batches(batch_size=_ROWS, columns=wanted)
    try:
        reader = pyarrow.ipc.open_stream(source)
        batches = iter(reader)
    except pyarrow.ArrowInvalid:
        source.seek(0)
        reader = pyarrow.ipc.open_file(source)
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
    wanted = [name for name in reader.schema.names if _is_wanted(job, name)]
    return reader.schema, 0, (batch.select(wanted) for batch in batches)


def _is_wanted(job: ReadTable, name: str) -> bool:
    return job.everything or name in job.columns


def _check_groups(job: ReadTable, metadata: Any, wanted: list[str]) -> None:
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        unpacked = sum(one.total_uncompressed_size for one in columns if one.path_in_schema.split(".")[0] in _first(wanted))
        if unpacked > MAX_GROUP_BYTES:
            raise JobError(
                "data", "The Parquet file would unpack to too much at once.",
                f"{job.path}: row group {number + 1} unpacks to {unpacked:,} bytes, and {MAX_GROUP_BYTES:,} are allowed.",
                "Write it with smaller row groups.",
            )  # fmt: skip


def _first(names: list[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def _pieces(batch: Any) -> Iterator[Any]:
    """The batch in parts that make messages of a bounded size."""
    rows = _ROWS
    if batch.num_rows and batch.nbytes > MAX_MESSAGE_BYTES:
        rows = max(1, min(_ROWS, MAX_MESSAGE_BYTES * batch.num_rows // batch.nbytes))
    for start in range(0, batch.num_rows, rows):
        piece = batch.slice(start, rows)
        if piece.num_rows > 1 and piece.nbytes > MAX_MESSAGE_BYTES:
            yield from (piece.slice(row, 1) for row in range(piece.num_rows))
        else:
            yield piece


def _label_names(schema: Any) -> dict[str, list[str]]:
    """Columns whose numbers stand for names, as the datasets library notes it in the schema."""
    try:
        said = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = said["info"]["features"]
        labels = {name: one["names"] for name, one in features.items() if one.get("_type") == "ClassLabel"}
        return {name: list(map(str, names)) for name, names in labels.items() if isinstance(names, list)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # no such note, or one that cannot be read: the numbers stay numbers


def _row(job: ReadTable, number: int, row: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    plain = {}
    for column, value in row.items():
        if column in names and isinstance(value, int):
            plain[column] = names[column][value] if 0 <= value < len(names[column]) else None
        else:
            plain[column] = _plain(job, number, column, value)
    return plain


def _plain(job: ReadTable, number: int, column: str, value: Any) -> Any:
    """The value as JSON knows it."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise _refused(job, number, f"the column {column[:60]!r} holds {value}, which is not a value")
            return value
        case dict():
            return {str(key): _plain(job, number, column, inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(job, number, column, inner) for inner in value]
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case decimal.Decimal() | datetime.timedelta():
            return str(value)
    raise _refused(job, number, f"the column {column[:60]!r} holds {type(value).__name__}, which is no text")


def _refused(job: ReadTable, number: int, problem: str) -> JobError:
    where = f"{job.path}, row {number}: {problem}."
    return JobError("data", "A row of the data file cannot be taken.", where, "Correct or remove that row.")
