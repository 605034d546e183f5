"""What the teacher's tests share: a question, and rows in memory."""

from pada_local.teacher.protocol import Ask
from pada_local.teacher.schemas import Solution


def question(text: str, **more) -> Ask:
    return Ask(**{"purpose": "solve", "prompt": text, "schema": Solution, "max_tokens": 200, **more})


class MemoryRows:
    """`context.Rows` in a dictionary; `batches` are the sizes of what was put."""

    def __init__(self):
        self.tables, self.batches = {}, []
        self.fail = False

    def put(self, *rows):
        if self.fail:
            raise OSError("disk full")
        self.batches.append(len(rows))
        for row in rows:
            self.tables.setdefault(type(row), {}).setdefault(getattr(row, "key", None) or row.id, row)

    def get(self, kind, **where):
        def fits(row):
            return all(getattr(row, name) in (value if isinstance(value, list) else [value]) for name, value in where.items())

        return [row for row in self.tables.get(kind, {}).values() if fits(row)]
