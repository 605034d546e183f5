"""Two arms in words: which can be chosen, what the paired test allows to say, bars, one changed example at a time."""

from typing import Any

from rich.text import Text

from tui.charts import bar
from tui.plain import block, difference, number

VIEWS = ("summary", "fixed", "broken")
NAME = 26


def arms_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Every scored round of every run, with the run's cost."""
    return [
        {
            "key": (run["id"], one["round"]), "recipe": run["recipe"], "seed": run["seed"], "validation": one["validation"],
            "test": run["test"]["mean"] if run["test"] and one["round"] == run["champion_round"] else None,
            "champion": one["round"] == run["champion_round"],
            "cost": {"tokens": run["teacher"]["tokens"], "seconds": run["teacher"]["seconds"], "trained": run["tokens_trained"]},
        }
        for run in report["runs"]
        for one in run["rounds"]
        if one["validation"]
    ]  # fmt: skip


def first_choice(arms: list[dict[str, Any]]) -> tuple[tuple[str, int] | None, tuple[str, int] | None]:
    """What is compared before anybody chose: the student that was trained once, and the champion of the last other run."""
    if not arms:
        return None, None
    once = next((arm for arm in arms if "vanilla" in arm["recipe"]), None)
    others = [arm for arm in arms if once is None or arm["key"][0] != once["key"][0]] or arms
    last = [arm for arm in others if arm["key"][0] == others[-1]["key"][0]]
    champion = next((arm for arm in last if arm["champion"]), last[-1])
    return (once or last[0])["key"], champion["key"]


def in_words(pair: dict[str, Any]) -> str:
    """What the interval and the test allow to say."""
    if pair["low"] <= 0 <= pair["high"]:
        return "no difference that can be told from chance"
    return "b is better" if pair["difference"] > 0 else "a is better"


def summary(found: dict[str, Any], width: int) -> Text:
    """The test in words, then bars by slice and by pattern."""
    pair, text = found["difference"], Text()
    p = "below 0.001" if pair["p"] < 0.001 else f"{pair['p']:.3f}"
    text.append(in_words(pair).capitalize() + ".\n", "bold")
    text.append(
        f"b minus a: {pair['difference']:+.3f}, 95% interval [{pair['low']:+.3f}, {pair['high']:+.3f}], p {p}, "
        f"on {pair['n']} examples that both answered.\nb fixes {len(found['fixed'])} and breaks {len(found['broken'])}.\n"
    )
    for title, bars in (("by slice", found["by_slice"]), ("by pattern of the first round with any", found["by_pattern"])):
        text.append(f"\n{title}\n" if bars else "", "bold")
        for name, sides in bars.items():
            text.append(block(f"{_name(name)} a {bar(sides['a'], width // 2)} {number(sides['a'])}\n"))
            text.append(f"{sides['n']:>{NAME}} b {bar(sides['b'], width // 2)} {number(sides['b'])}\n")
    return text


def _name(name: str) -> str:
    return f"{name[: NAME - 1] + '…' if len(name) > NAME else name:<{NAME}}"


def in_full(found: dict[str, Any], view: str, step: int, width: int) -> Text:
    """The view that was chosen."""
    if view == "summary":
        return summary(found, width)
    ids = found[view]
    told = "b answers it better than a" if view == "fixed" else "a answered it better than b"
    if not ids:
        return block(f"No example of which {told.replace('it ', '')}.")
    item = found["items"][ids[step]]
    text = Text.assemble((f"{step + 1} of {len(ids)}: {told}\n\n", "bold"), block(item["input"]), "\n\n")
    for side in ("a", "b"):
        text.append(f"answer of {side}\n", "bold").append(difference(item["expected"], item[side])).append("\n")
    return text
