"""Samples by what is known about them: state, pattern, failed check, judge's score, the training example behind them."""

from typing import Any

import msgspec

from pada_local.errors import UsageError
from pada_local.records import Candidate

LARGEST_PAGE = 200


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which samples are meant; empty fields ask nothing. `score_from` and `score_to` bound the judge's mean score."""

    run_id: str = ""
    round: int = 0
    state: str = ""
    pattern_id: str = ""
    failed: str = ""
    """A check that the sample did not pass: schema, format, leak, duplicate, judge, rederive."""
    score_from: float | None = None
    score_to: float | None = None
    example_id: str = ""
    """A training example with which in view the sample was written."""
    search: str = ""


def read_filter(words: Any) -> Filter:
    """Raises UsageError for a field that is unknown or of the wrong kind."""
    try:
        return msgspec.convert(words or {}, Filter)
    except msgspec.ValidationError as error:
        raise UsageError("The samples cannot be filtered like that.", str(error)) from None


def sample_ids(project: Any, wanted: Filter, limit: int | None = None, offset: int = 0) -> list[str]:
    """Ids of the samples that fit, in the order in which they were written."""
    condition, parameters = _condition(wanted)
    page = "" if limit is None else f" LIMIT {int(limit)} OFFSET {int(offset)}"
    rows = project.sql(f"SELECT c.id FROM candidates c{condition} ORDER BY c.row_order{page}", parameters)
    return [row[0] for row in rows]


def samples_page(project: Any, wanted: Filter, offset: int, limit: int) -> dict[str, Any]:
    """At most LARGEST_PAGE samples that fit, each with its judge's score, and how many there are."""
    condition, parameters = _condition(wanted)
    total = int(project.sql(f"SELECT count(*) FROM candidates c{condition}", parameters)[0][0])
    ids = sample_ids(project, wanted, min(LARGEST_PAGE, max(1, limit)), max(0, offset))
    found = {row.id: row for row in project.get(Candidate, id=ids)} if ids else {}
    judged = project.sql("SELECT candidate_id, value FROM verdicts WHERE criterion = 'judge' AND candidate_id IN "
                         "(SELECT unnest(?::VARCHAR[]))", [ids]) if ids else []  # fmt: skip
    scores = dict(judged)
    rows = [msgspec.to_builtins(found[one]) | {"score": scores.get(one)} for one in ids if one in found]
    return {"rows": rows, "total": total, "offset": max(0, offset)}


def nearest_training_example(project: Any, text: str) -> dict[str, Any] | None:
    """The training example that shares the most words with a text (Jaccard of the sets of words); None without any."""
    words = sorted(set(text.casefold().split()))
    rows = project.sql(
        """
        WITH t AS (SELECT id, input, output, list_distinct(string_split_regex(trim(lower(input)), '\\s+')) AS words
                   FROM examples WHERE split = 'train'),
             s AS (SELECT *, len(list_intersect(words, ?::VARCHAR[])) AS shared FROM t)
        SELECT id, input, output, shared / greatest(1, len(words) + ? - shared) AS overlap FROM s
        ORDER BY overlap DESC, id LIMIT 1
        """,
        [words, len(words)],
    )
    return dict(zip(("id", "input", "output", "overlap"), rows[0], strict=True)) if rows else None


def _condition(wanted: Filter) -> tuple[str, list[Any]]:
    tests, parameters = [], []

    def ask(test: str, *values: Any) -> None:
        tests.append(test)
        parameters.extend(values)

    for name in ("run_id", "round", "state", "pattern_id"):
        if value := getattr(wanted, name):
            ask(f"c.{name} = ?", value)
    if wanted.failed:
        ask("EXISTS (SELECT 1 FROM verdicts v WHERE v.candidate_id = c.id AND v.criterion = ? AND NOT v.passed)", wanted.failed)
    if wanted.score_from is not None or wanted.score_to is not None:
        low, high = wanted.score_from, wanted.score_to
        ask("EXISTS (SELECT 1 FROM verdicts v WHERE v.candidate_id = c.id AND v.criterion = 'judge' AND v.value BETWEEN ? AND ?)",
            -1e9 if low is None else low, 1e9 if high is None else high)  # fmt: skip
    if wanted.example_id:
        ask("list_contains(from_json(c.seed_examples, '[\"VARCHAR\"]'), ?)", wanted.example_id)
    if wanted.search:
        ask("(contains(lower(c.input), lower(?)) OR contains(lower(c.output), lower(?)))", wanted.search, wanted.search)
    return (f" WHERE {' AND '.join(tests)}" if tests else ""), parameters
