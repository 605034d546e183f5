"""The report as one HTML file that loads nothing. Takes the report's dict, so that file, screen and plots cannot disagree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pada_local.export import rates
from pada_local.export.glossary import glossary
from pada_local.export.panel import COLUMNS, label_of, shown
from pada_local.export.plots import Point, Series, bars, escaped, lines, number
from pada_local.export.study_html import study_parts
from pada_local.export.text import beside

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fff; --faint: #bbb; --a: #0b5cad; --b: #a8430d; --c: #2c7a2c;
        --d: #7b3fa0; --e: #555; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181b; --faint: #4a4d52; --a: #6cb2ff; --b: #ff9d66;
        --c: #7ed07e; --d: #d2a0f0; --e: #aaa; } }
@media print { :root { --ink: #000; --paper: #fff; --faint: #999; --a: #000; --b: #000; --c: #000; --d: #000; --e: #000; }
        figure, tr, li { break-inside: avoid; } h2 { break-after: avoid; } }
body { font: 15px/1.5 sans-serif; color: var(--ink); background: var(--paper); max-width: 52em; margin: 2em auto;
        padding: 0 1em; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2em .8em .2em 0; border-bottom: 1px solid var(--faint); }
figure { margin: 1em 0; } figcaption { font-weight: bold; }
svg { width: 100%; height: auto; font: 12px sans-serif; } svg text { fill: var(--ink); }
.grid { stroke: var(--faint); } .line { fill: none; stroke-width: 2; } .bar { fill: var(--a); }
.s0 { stroke: var(--a); } .s1 { stroke: var(--b); } .s2 { stroke: var(--c); } .s3 { stroke: var(--d); } .s4 { stroke: var(--e); }
"""


def render_html(report: dict[str, Any]) -> str:
    """The whole page; every text that came from data or a model is escaped."""
    project, runs = report["project"], report["runs"]
    counts = ", ".join(f"{count} {split}" for split, count in project["examples"].items())
    body = [
        "<h1>PaDA Local report</h1>",
        _definitions(),
        _paragraph(f"Task: {project['task']}") if project["task"] else "",
        _paragraph(f"Examples: {counts}. Student: {project['student']}. Teacher: {project['teacher']}. "
                   f"Judge: {project['judge'] or project['teacher']}."),
    ]  # fmt: skip
    body += [_results(project["metric"], runs), _comparisons(report), _rounds(runs)] if runs else [_paragraph("No run yet.")]
    body += [part for table in report["studies"] for part in study_parts(table, _table, _figure)]
    body += [part for run in runs for part in _run(run)]
    if runs:
        body.append(_cost(runs))
    if report["notes"]:
        body.append("<h2>Read this too</h2><ul>" + "".join(f"<li>{escaped(note)}</li>" for note in report["notes"]) + "</ul>")
    head = (
        f'<meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'
        '<meta name="viewport" content="width=device-width"/><meta name="referrer" content="no-referrer"/>'
        f"<title>PaDA Local report</title><style>{STYLE}</style>"
    )
    page = "\n".join(filter(None, body))
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{page}\n</body></html>\n'


def _results(metric: str, runs: list[dict[str, Any]]) -> str:
    rows = [(_name(run), run["state"], _interval(run["test"]), run["test"]["n"] if run["test"] else "-") for run in runs]
    tested = [run for run in runs if run["test"]]
    slices = sorted({name for run in tested for name in run["test"]["by_slice"]})
    parts = [(name, *(_figure_of(run["test"]["by_slice"].get(name)) for run in tested)) for name in slices]
    whole = f"<h2>Test, {escaped(metric)} (95% interval)</h2>" + _table(("run", "state", "mean", "examples"), rows)
    return whole + (_table(("slice", *(_name(run) for run in tested)), parts) if parts else "")


def _comparisons(report: dict[str, Any]) -> str:
    names = {run["id"]: _name(run) for run in report["runs"]}
    rows = [
        (f"{names[one['a_run']]} → {names[one['b_run']]}", f"{one['difference']:+.6g}",
         f"{one['low']:+.6g} to {one['high']:+.6g}", number(one["p"]), one["n"])
        for one in report["comparisons"]
    ]  # fmt: skip
    heads = ("second minus first", "difference", "95% interval", "p", "pairs")
    return "<h2>Paired differences</h2>" + _table(heads, rows) if rows else ""


def _rounds(runs: list[dict[str, Any]]) -> str:
    scores, failures = [], []
    for run in runs:
        scored = [(one["round"], one["validation"]) for one in run["rounds"] if one["validation"]]
        scores.append(Series(_name(run), [Point(at, one["mean"], one["low"], one["high"]) for at, one in scored]))
        told = [Point(one["round"], one["validation_failures"]) for one in run["rounds"] if one["validation_failures"]]
        failures.append(Series(_name(run), told))
    return (
        "<h2>Rounds</h2>"
        + _figure("Validation score per round, with 95% intervals", lines("Validation score per round", scores, "round", top=1.0))
        + _figure("Validation failures that were analysed, per round", lines("Failures per round", failures, "round"))
    )


def _shrinking(pattern: dict[str, Any]) -> str:
    """The failures behind a pattern, and how many of them are left after each later round: 12 → 3."""
    return " → ".join(str(count) for count in (pattern["failures"], *(after["failures"] for after in pattern["left"])))


def _shrunk(at: int, pattern: dict[str, Any]) -> Series:
    after = [Point(one["round"], one["failures"]) for one in pattern["left"]]
    return Series(f"round {at}: {pattern['name']}", [Point(at, pattern["failures"]), *after])


def _run(run: dict[str, Any]) -> Iterable[str]:
    yield f"<h2>Run {escaped(_name(run))}, {escaped(run['state'])}</h2>"
    champion = f"Champion: round {run['champion_round']}. " if run["champion_round"] else "No champion yet. "
    yield _paragraph(champion + f"Looks at the test set: {run['test_looks']}. {run['reason']}")
    yield from (_paragraph(told) for told in (beside(run["test"]) if run["test"] else []))
    found = [(one["round"], pattern) for one in run["rounds"] for pattern in one["patterns"]]
    failures = [(f"round {at}: {pattern['name']}", pattern["failures"]) for at, pattern in found]
    yield _figure("Patterns, by the failures behind them", bars("Patterns and their failures", failures))
    shrunk = [_shrunk(at, pattern) for at, pattern in found if pattern["left"]]
    yield _figure("Failures left of each pattern", lines("How patterns shrank", shrunk, "round")) if shrunk else ""
    told = [(at, pattern["name"], pattern["text"], _shrinking(pattern), rates.told(pattern["rate"]),
             ", ".join(pattern["rate"]["marks"]), pattern["strategy"]) for at, pattern in found]  # fmt: skip
    told += [
        (one["round"], "without a pattern", "", "", "", "", text)
        for one in run["rounds"]
        for text in one["strategies_without_pattern"]
    ]
    heads = ("round", "pattern", "what goes wrong", "failures", "rate", "marked by", "strategy")
    yield _table(heads, told) if told else ""
    states = ("round", "generated", "accepted", "selected", "rejected", "duplicate", "leaked", "unparsable", "pending")
    yield _table(states, [[one[name] for name in states] for one in run["rounds"]]) if run["rounds"] else ""
    reasons: Counter[str] = Counter()
    for one in run["rounds"]:
        reasons.update(one["reasons"])
    yield _figure("Why samples were refused", bars("Reasons for refusing samples", reasons.most_common(20)))
    if len(reasons) > 20:
        yield _paragraph(f"{len(reasons) - 20} rarer reasons are in the JSON report.")
    if run["quality"]:
        heads = ("data", *COLUMNS.values())
        yield "<h3>Data before and after each round</h3>"
        yield _table(heads, [(label_of(row), *(shown(row[name]) for name in COLUMNS)) for row in run["quality"]])
        for name in ("apen_1", "compression", "nearest"):
            points = [Point(row["round"], row[name]) for row in run["quality"] if not row["new"] and row[name] is not None]
            drawn = lines(COLUMNS[name], [Series("all training data", points)], "round")
            yield _figure(f"{COLUMNS[name]} of the training data", drawn)
    # A loss that is not finite is null in the report: the curve has a gap there.
    losses = [
        Series(f"round {one['round']}", [Point(step, loss) for step, loss in one["train"]["losses"] if loss is not None])
        for one in run["rounds"]
    ]
    yield _figure("Training loss", lines("Training loss", [one for one in losses if one.points], "step", marked=False))


def _cost(runs: list[dict[str, Any]]) -> str:
    rows, seconds = [], []
    for run in runs:
        training, teacher = sum(one["train"]["seconds"] for one in run["rounds"]), run["teacher"]
        asked = (teacher["calls"], teacher["tokens"], number(teacher["seconds"]))
        rows.append((_name(run), run["tokens_trained"], number(training), *asked))
        seconds += [(f"{_name(run)}: training", training), (f"{_name(run)}: teacher", teacher["seconds"])]
    heads = ("run", "tokens trained on", "training, s", "teacher calls", "teacher tokens", "teacher, s")
    return "<h2>Cost</h2>" + _figure("Seconds", bars("Seconds by run", seconds)) + _table(heads, rows)


def _definitions() -> str:
    """What the numbers mean, one click away."""
    items = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>" for name, text in glossary().items())
    return f"<details><summary>What each number means</summary><dl>{items}</dl></details>"


def _name(run: dict[str, Any]) -> str:
    return f"{run['recipe']}, seed {run['seed']} ({run['id'][:8]})"


def _interval(found: dict[str, Any] | None) -> str:
    return f"{number(found['mean'])} [{number(found['low'])}, {number(found['high'])}]" if found else "not scored"


def _figure_of(value: float | None) -> str:
    return "-" if value is None else number(value)


def _paragraph(text: str) -> str:
    return f"<p>{escaped(text)}</p>"


def _figure(title: str, drawing: str) -> str:
    return f"<figure><figcaption>{escaped(title)}</figcaption>{drawing}</figure>" if drawing else ""


def _table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escaped(cell)}</th>" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
