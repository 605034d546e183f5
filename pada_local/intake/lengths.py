"""How long examples are in the student's tokens: what does not fit its context is refused, or cut when that is wanted."""

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from pada_local.data.chat import prompt_and_answer
from pada_local.data.columns import RawExample
from pada_local.data.formats import Source
from pada_local.errors import DataError
from pada_local.recipe import Train
from pada_local.runtime.safe import safe_line
from pada_local.student.client import JobFailed, StudentClient

_TRIES = 6


class Lengths:
    """Measures rows as they come; `finish` raises when some were too long."""

    def __init__(self, client: StudentClient, base: str, chat: str, system: str, truncate: bool) -> None:
        self._client, self._base, self._chat, self._system, self._truncate = client, base, chat, system, truncate
        self._totals, self._answers = array("L"), array("L")
        self._context = self._too_long = self._cut = 0
        self._first = self._unknown = ""

    def look(self, source: Source, rows: Sequence[RawExample]) -> list[RawExample]:
        """The rows, cut where they were too long and cutting is allowed. Raises DataError for what cannot be learned from."""
        if self._unknown:
            return list(rows)
        try:
            return self._measured(source, list(rows))
        except JobFailed as problem:
            if self._truncate or problem.kind != "model":
                raise
            self._unknown = str(problem.title)
            return list(rows)

    def finish(self) -> None:
        """Raises DataError with the number of examples that are longer than the student's context, and the first."""
        if self._too_long:
            raise DataError(
                f"Examples are longer than the student's context of {self._context:,} tokens.",
                f"{self._too_long:,} of {len(self._totals):,}, such as {self._first}",
                "Shorten or remove them, choose a student with a longer context, or add --truncate to cut their inputs.",
            )

    def facts(self) -> dict[str, Any]:
        """Median, 95th percentile and longest of prompt and answer together; {"unknown": why} when nothing was measured."""
        if self._unknown:
            return {"unknown": self._unknown}
        ordered = sorted(self._totals)
        limit = Train().max_length
        return {
            "median": ordered[len(ordered) // 2], "p95": ordered[min(len(ordered) * 95 // 100, len(ordered) - 1)],
            "longest": ordered[-1], "longest_answer": max(self._answers), "context": self._context, "truncated": self._cut,
            "max_length": limit, "over_max_length": sum(total > limit for total in ordered),
        }  # fmt: skip

    def _measured(self, source: Source, rows: list[RawExample]) -> list[RawExample]:
        totals, answers = self._count(rows)
        for number, row in enumerate(rows):
            where = source.at(row.line)
            if not answers[number]:
                raise DataError(
                    "An answer has no token, so there is nothing to learn from it.",
                    f"{where}: {safe_line(row.output, 60)}. All of its labels would be masked.", "Correct or remove that row.",
                )  # fmt: skip
            if self._context and totals[number] > self._context:
                if self._truncate:
                    rows[number], totals[number] = self._shortened(where, row, totals[number])
                else:
                    self._too_long += 1
                    self._first = self._first or f"{where}: {totals[number]:,} tokens."
        self._totals.extend(totals)
        self._answers.extend(answers)
        return rows

    def _count(self, rows: Sequence[RawExample]) -> tuple[list[int], list[int]]:
        """Tokens of prompt and answer together, and of the answer, for each row."""
        pairs = [prompt_and_answer(self._chat, self._system or row.system, row.input, row.output) for row in rows]
        counted = self._client.count_tokens(self._base, [text for pair in pairs for text in pair])
        self._context = counted.context
        prompts, answers = counted.tokens[::2], counted.tokens[1::2]
        return [prompt + answer for prompt, answer in zip(prompts, answers, strict=True)], answers

    def _shortened(self, where: str, row: RawExample, total: int) -> tuple[RawExample, int]:
        """The row with the end of its input cut off, so that prompt and whole answer fit: a cut answer teaches to stop early."""
        room = self._client.count_tokens(self._base, [row.input]).tokens[0]
        for _ in range(_TRIES):
            room -= total - self._context
            if room < 1:
                break
            input = self._client.shorten(self._base, [row.input], [room])[0]
            if not input.strip():
                break
            cut = msgspec.structs.replace(row, input=input)
            total = self._count([cut])[0][0]
            if total <= self._context:
                self._cut += 1
                return cut, total
        raise DataError(
            "An example is too long for the student even without its input.",
            f"{where}: the answer and what stands around it leave no room in {self._context:,} tokens.",
            "Shorten or remove it, or choose a student with a longer context.",
        )
