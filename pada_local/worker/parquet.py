"""JSON lines as a Parquet file, for data sets that leave a project."""

import pyarrow.json
import pyarrow.parquet

from pada_local.student.protocol import WriteParquet
from pada_local.worker.problems import JobError


def write_parquet(job: WriteParquet) -> dict[str, float | int | str]:
    """Write the file; the columns are those of the lines."""
    try:
        whole = pyarrow.json.ReadOptions(block_size=64 * 2**20)  # a line must fit into a block
        table = pyarrow.json.read_json(job.rows, read_options=whole)
        pyarrow.parquet.write_table(table, job.to)
    except pyarrow.ArrowException as error:
        raise JobError("data", "The data set cannot be written as Parquet.", str(error)[:300], "Use the JSONL files.") from error
    return {"rows": table.num_rows}
