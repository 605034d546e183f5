"""Whether a file's tables are exactly those that a version of this program makes, told from the catalog before a row is read.

A project file may come from anybody. A view, a macro, a computed column or a default of its own would run the sender's SQL in the
middle of a harmless question; so nothing may be there that the migrations did not put there.
"""

import re
from functools import cache

import duckdb

from pada_local.store.attach import PROJECT
from pada_local.store.steps import migration_steps

VERSIONS = "migrations"
_OWN = {
    "adapter_": 'CREATE TABLE {}("name" VARCHAR PRIMARY KEY, "data" BLOB NOT NULL);',
    "quarantined_": 'CREATE TABLE {}("name" VARCHAR, "data" BLOB);',
}
"""Tables of which there is one for each adapter, and how DuckDB writes their making."""
_FOREIGN = (
    ("a view", "SELECT view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal"),
    ("a macro", "SELECT function_name FROM duckdb_functions() WHERE database_name = ? AND NOT internal"),
    ("a type", "SELECT type_name FROM duckdb_types() WHERE database_name = ? AND NOT internal"),
    ("an index", "SELECT index_name FROM duckdb_indexes() WHERE database_name = ?"),
    ("a schema", "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND NOT internal AND schema_name != 'main'"),
)


def version_table_is_ours(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether there is the table of versions, and nothing but a table: only then may it be asked."""
    return _tables(connection, PROJECT).get(VERSIONS) == _made_by(1)[VERSIONS]


def differences(connection: duckdb.DuckDBPyConnection, version: int) -> list[str]:
    """What is missing, of another make, or has no business in a file of this version; nothing when all is well."""
    wanted, found = dict(_made_by(version)), _tables(connection, PROJECT)
    wrong = [f"table '{name}' is missing" for name in wanted if name not in found]
    for name, sql in found.items():
        if name in wanted:
            wrong += [] if sql == wanted[name] else [f"table '{name}' is of another make"]
        elif not _of_adapter(name, sql):
            wrong.append(f"table '{name}' does not belong here")
    for what, query in _FOREIGN:
        wrong += [f"{what} '{name}' does not belong here" for (name,) in connection.execute(query, [PROJECT]).fetchall()]
    query = "SELECT sequence_name FROM duckdb_sequences() WHERE database_name = ? ORDER BY ALL"
    sequences = [name for (name,) in connection.execute(query, [PROJECT]).fetchall()]
    return wrong + ([] if sequences == ["row_order"] else [f"the sequences are {', '.join(sequences) or 'missing'}"])


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, str]:
    query = "SELECT table_name, sql FROM duckdb_tables() WHERE database_name = ? ORDER BY table_name"
    return dict(connection.execute(query, [database]).fetchall())


def _of_adapter(name: str, sql: str) -> bool:
    written = name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'
    return any(name.startswith(start) and sql == made.format(written) for start, made in _OWN.items())


@cache
def _made_by(version: int) -> dict[str, str]:
    """Every table as DuckDB writes it after the migrations up to a version."""
    with duckdb.connect(":memory:") as connection:
        for number, _, statements in migration_steps():
            if number <= version:
                connection.execute(statements)
        return _tables(connection, "memory")
