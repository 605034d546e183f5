"""The report as text for a terminal of 80 columns. Takes the report's dict, so that file and screen cannot disagree."""

import textwrap
from typing import Any

from pada_local.export import rates
from pada_local.export.panel import COLUMNS, label_of, shown
from pada_local.export.study import render_study

WIDTH = 80


def render_text(report: dict[str, Any]) -> str:
    """The whole report; foreign texts pass `safe` where it is printed."""
    project = report["project"]
    counts = project["examples"]
    lines = ["PaDA Local report", "=" * 17]
    lines += _wrapped(f"Task: {project['task']}") if project["task"] else []
    lines.append(f"Examples: {counts['train']} training, {counts['validation']} validation, {counts['test']} test")
    if not report["runs"]:
        return "\n".join([*lines, "", "No run yet. Start one with: pada run FILE"])
    lines += ["", f"Test, {project['metric']} (95% interval)", *_accuracy(report["runs"])]
    lines += _slices(report["runs"])
    if report["comparisons"]:
        lines += ["", "Paired differences on the same test examples (second minus first)"]
        lines += [_comparison_line(pair, _names(report["runs"])) for pair in report["comparisons"]]
    for table in report["studies"]:
        lines += ["", render_study(table)]
    for run in report["runs"]:
        lines += ["", *_run(run)]
    if report["notes"]:
        lines += ["", "Read this too"]
        for note in report["notes"]:
            lines += _wrapped(note, "  - ", "    ")
    return "\n".join(lines)


def render_comparison(pair: dict[str, Any]) -> str:
    """Two runs, whole and by slice."""
    a, b = pair["a_mean"], pair["b_mean"]
    lines = [
        f"{pair['metric']} on {pair['n']} test examples that both runs answered",
        f"  a  {_cut(pair['a'], 24):<24} {pair['a_run'][:8]}  {_with_interval(a)}",
        f"  b  {_cut(pair['b'], 24):<24} {pair['b_run'][:8]}  {_with_interval(b)}",
        f"  b - a  {_signed(pair)}",
        f"  better in b: {pair['only_b_better']}, better in a: {pair['only_a_better']}",
    ]
    if pair["by_slice"]:
        lines += ["By slice"]
        lines += [f"  {_cut(name, 24):<24} {_signed(one)}  n={one['n']}" for name, one in pair["by_slice"].items()]
    return "\n".join(lines)


def _names(runs: list[dict[str, Any]]) -> dict[str, str]:
    """A short name per run: the recipe, with the seed where a recipe was run with several."""
    recipes = [run["recipe"] for run in runs]
    return {run["id"]: run["recipe"] if recipes.count(run["recipe"]) == 1 else f"{run['recipe']} #{run['seed']}" for run in runs}


def _accuracy(runs: list[dict[str, Any]]) -> list[str]:
    names = _names(runs)
    lines = []
    for run in runs:
        test = _with_interval(run["test"]) + f"  n={run['test']['n']}" if run["test"] else f"not scored ({run['state']})"
        lines.append(f"  {_cut(names[run['id']], 26):<26} {test}")
    return lines


def _slices(runs: list[dict[str, Any]]) -> list[str]:
    """One column per run, as many as fit; the rest is in the JSON report."""
    tested = [run for run in runs if run["test"] and run["test"]["by_slice"]]
    if not tested:
        return []
    shown, names = tested[:4], _names(runs)
    heads = "".join(f"{_cut(names[run['id']], 13):>14}" for run in shown)
    lines = ["", "By slice", f"  {'':<20}{heads}"]
    for name in sorted({name for run in shown for name in run["test"]["by_slice"]}):
        cells = "".join(_cell(run["test"]["by_slice"].get(name)) for run in shown)
        lines.append(f"  {_cut(name, 19):<20}{cells}")
    if len(tested) > len(shown):
        lines.append(f"  ({len(tested) - len(shown)} more runs: pada report FILE --format json)")
    return lines


def _comparison_line(pair: dict[str, Any], names: dict[str, str]) -> str:
    title = f"{_cut(names[pair['a_run']], 18)} → {_cut(names[pair['b_run']], 18)}"
    return f"  {title:<39} {_signed(pair)}"


def beside(test: dict[str, Any]) -> list[str]:
    """How the test answers were computed, and what the metric says beyond its mean."""
    lines = []
    if how := test["decoding"]:
        lines.append("scored with " + ", ".join(f"{name} {value}" for name, value in how.items()))
    if "macro_f1" in test["details"]:
        lines.append(f"macro-F1: {test['details']['macro_f1']:.3f}")
    if fields := test["details"].get("fields"):
        lines.append("right by field: " + ", ".join(f"{name} {value:.3f}" for name, value in fields.items()))
    return lines


def _run(run: dict[str, Any]) -> list[str]:
    title = f"Run {run['id'][:10]}: {run['recipe']}, seed {run['seed']}, {run['state']}"
    lines = [title, "-" * min(len(title), WIDTH)]
    if run["champion_round"]:
        looks = run["test_looks"]
        lines.append(f"  champion: round {run['champion_round']}; looks at the test set: {looks}")
    if run["reason"]:
        lines += _wrapped(run["reason"], "  ", "  ")
    use = run["teacher"]
    if use["calls"]:
        independent = "independent judge" if run["judge_independent"] else "judge not independent"
        repaired = f", {use['repaired']} repaired" if use["repaired"] else ""
        lines.append(f"  teacher: {use['calls']} calls{repaired}, {use['tokens']} tokens, {use['seconds']:.0f} s; {independent}")
    how = sorted({f"{one['train']['backend']}, base in {one['train']['base_precision']}" for one in run["rounds"]
                  if one["train"]["base_precision"]})  # fmt: skip
    lines.append(f"  tokens trained on: {run['tokens_trained']}" + (f" ({'; '.join(how)})" if how else ""))
    for told in beside(run["test"]) if run["test"] else []:
        lines += _wrapped(told, "  ", "    ")
    for audit in run["judge_audits"]:
        used = "used" if audit["used"] else "not used"
        text = (
            f"judge audit ({audit['kind']}): AUC {audit['auc']:.2f}, threshold {audit['threshold']:.2f}, n={audit['n']}, {used}"
        )
        lines += _wrapped(text, "  ", "    ")
    for one in run["rounds"]:
        lines += _round(one)
    return [*lines, *_quality(run["quality"])]


def _quality(panel: list[dict[str, Any]]) -> list[str]:
    """The data-quality panel, the most telling columns of it; the others are in the JSON and HTML reports."""
    if not panel:
        return []
    columns = ("texts", "words", "apen_1", "compression", "distinct_2", "nearest", "near_copies", "balance")
    lines = ["  Data (meaning of each column: pada explain NAME)", f"    {'':<18}" + "".join(f"{COLUMNS[n]:>7}" for n in columns)]
    return lines + [f"    {label_of(row):<18}" + "".join(f"{shown(row[name]):>7}" for name in columns) for row in panel]


def _round(one: dict[str, Any]) -> list[str]:
    validation = _with_interval(one["validation"]) if one["validation"] else "not scored"
    lines = [f"  Round {one['round']}: {one['train']['examples']} training examples, validation {validation}"]
    for pattern in one["patterns"]:
        left = "".join(f", {after['failures']} left after round {after['round']}" for after in pattern["left"])
        lines += _wrapped(f"{pattern['name']} ({pattern['failures']} failures{left})", "    * ", "      ")
        lines += _wrapped(rates.told(pattern["rate"]), "      ", "      ")
        lines += _wrapped(f"strategy: {pattern['strategy']}", "      ", "      ")[:4] if pattern["strategy"] else []
    for strategy in one["strategies_without_pattern"]:
        lines += _wrapped(f"strategy without a pattern: {strategy}", "    * ", "      ")[:3]
    if one["generated"]:
        lines += _wrapped(
            f"samples: {one['generated']} generated, {one['accepted']} accepted ({one['selected']} selected), "
            f"{one['rejected']} rejected, {one['duplicate']} duplicate, {one['leaked']} leaked, {one['unparsable']} unparsable"
            + (f", {one['pending']} pending" if one["pending"] else ""), "    ", "      ")  # fmt: skip
    if one["reasons"]:
        why = "; ".join(f"{count} {reason}" for reason, count in one["reasons"].items())
        lines += _wrapped(f"why not: {why}", "    ", "      ")[:8]
    return lines


def _with_interval(found: dict[str, Any]) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _signed(pair: dict[str, Any]) -> str:
    p = "p<0.001" if pair["p"] < 0.001 else f"p={pair['p']:.3f}"
    return f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}] {p}"


def _cell(value: float | None) -> str:
    return f"{'-':>14}" if value is None else f"{value:>14.3f}"


def _cut(text: str, width: int) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    line = " ".join(str(text).split())
    return textwrap.wrap(line, WIDTH, initial_indent=first, subsequent_indent=rest) or [first.rstrip()]
