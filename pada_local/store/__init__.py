"""The project file: typed rows, adapters as blobs, one DuckDB file. The only room that imports duckdb."""

from pada_local.store.project import Project

__all__ = ["Project"]
