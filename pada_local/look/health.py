"""`pada check`: everything that has a hash is hashed again, what refers to something finds it, counts add up, the chain holds."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pada_local.errors import PadaError, StoreError
from pada_local.recipe import Recipe
from pada_local.records import Adapter, Manifest, RecipeRow, Stage
from pada_local.store import seals
from pada_local.store.tables import NAMES, table_of

# (table, expression for what it refers to, table referred to, its column); an empty reference means none.
LINKS = (
    ("runs", "recipe_id", "recipes", "id"),
    ("rounds", "run_id", "runs", "id"),
    ("rounds", "adapter_id", "adapters", "id"),
    ("stages", "run_id", "runs", "id"),
    ("training_steps", "adapter_id", "adapters", "id"),
    ("predictions", "adapter_id", "adapters", "id"),
    ("predictions", "example_id", "examples", "id"),
    ("scores", "prediction_id", "predictions", "id"),
    ("scores", "call_key", "teacher_calls", "key"),
    ("teacher_calls", "prompt_id", "prompts", "id"),
    ("analyses", "example_id", "examples", "id"),
    ("analyses", "prediction_id", "predictions", "id"),
    ("analyses", "call_key", "teacher_calls", "key"),
    ("patterns", "run_id", "runs", "id"),
    ("patterns", "unnest(CAST(members AS VARCHAR[]))", "analyses", "id"),
    ("patterns", "call_key", "teacher_calls", "key"),
    ("strategies", "pattern_id", "patterns", "id"),
    ("strategies", "call_key", "teacher_calls", "key"),
    ("candidates", "run_id", "runs", "id"),
    ("candidates", "pattern_id", "patterns", "id"),
    ("candidates", "strategy_id", "strategies", "id"),
    ("candidates", "parent_id", "candidates", "id"),
    ("candidates", "unnest(CAST(seed_examples AS VARCHAR[]))", "examples", "id"),
    ("candidates", "call_key", "teacher_calls", "key"),
    ("verdicts", "candidate_id", "candidates", "id"),
    ("verdicts", "unnest(CAST(calls AS VARCHAR[]))", "teacher_calls", "key"),
    ("judge_audits", "unnest(CAST(calls AS VARCHAR[]))", "teacher_calls", "key"),
    ("test_looks", "adapter_id", "adapters", "id"),
    ("decisions", "run_id", "runs", "id"),
)
# What a done stage counted, and the rows that it made.
COUNTS = (("analyse", "failures", "analyses"), ("group", "patterns", "patterns"), ("draft", "strategies", "strategies"),
          ("generate", "generated", "candidates"))  # fmt: skip


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it should be. With table and key it is one row, which --repair can take out."""

    what: str
    table: str = ""
    key: str = ""


def check(project: Any) -> dict[str, Any]:
    """Look at everything; what was looked at, and what was found."""
    found = list(_findings(project))
    looked = {"adapters": project.count(Adapter), "links": project.count(Manifest), "references": len(LINKS)}
    looked["rows"] = sum(project.count(kind) for kind in seals.SEALED)
    return {"sound": not found, "looked": looked, "found": [msgspec.to_builtins(finding) for finding in found]}


def repair(project: Any) -> dict[str, Any]:
    """Take damaged rows into quarantine, then vouch for the rest. Rows that are missing stay missing, and are told.

    Raises StoreError when a part of the file cannot be read: then only a copy helps.
    """
    found = list(_findings(project))
    if unreadable := [one.what for one in found if one.what.startswith(UNREADABLE)]:
        fix = "Nothing was changed. Go on from your last good copy ('pada backup' makes them)."
        raise StoreError("A part of the file cannot be read, so it cannot be repaired.", unreadable[0], fix)
    rows = {(one.table, one.key): one.what for one in found if one.key}
    if any(one.table == "manifest" for one in found):  # a broken chain is kept, and a new one begun
        rows |= {("manifest", str(link.seq)): "The chain was broken." for link in project.get(Manifest)}
    runs = project.quarantine((table, key, what) for (table, key), what in rows.items())
    if found:
        project.renew("repair")
    return {"found": [msgspec.to_builtins(one) for one in found], "quarantined": len(rows), "runs": runs,
            "left": check(project)["found"]}  # fmt: skip


UNREADABLE = "Cannot be read"


def _findings(project: Any) -> Iterator[Finding]:
    seen = set()
    for part in (_adapters, _recipes, _chain, _changed, _links, _counts):
        try:
            for finding in part(project):
                if not finding.key or (finding.table, finding.key) not in seen:
                    seen.add((finding.table, finding.key))
                    yield finding
        except StoreError as error:
            yield Finding(f"{UNREADABLE}: {error.detail or error.title}")


def _adapters(project: Any) -> Iterator[Finding]:
    for row in project.get(Adapter):
        try:
            project.adapter_files(row.id)
        except PadaError as error:
            yield Finding(f"Adapter {row.id}: {error.title} {error.detail}", "adapters", row.id)
    steps = "SELECT id FROM adapters WHERE steps != (SELECT count(*) FROM training_steps WHERE adapter_id = id) ORDER BY id"
    for (adapter_id,) in project.sql(steps):
        yield Finding(f"Adapter {adapter_id}: its training steps are not all there.", "adapters", adapter_id)


def _recipes(project: Any) -> Iterator[Finding]:
    for row in project.get(RecipeRow):
        try:
            fits = msgspec.json.decode(row.body, type=Recipe).id == row.id
        except msgspec.MsgspecError:
            fits = False
        if not fits and not _older_recipe(row.body):
            yield Finding(f"Recipe {row.name}: its text does not fit its hash.", "recipes", row.id)


def _older_recipe(body: str) -> bool:
    """Whether the text lacks fields that recipes have now: its hash was made without them and cannot be made again."""
    try:
        stored = msgspec.json.decode(body)
        now = msgspec.to_builtins(msgspec.convert(stored, Recipe))
    except msgspec.MsgspecError:
        return False
    return any(set(now[name]) != set(stored.get(name, {})) for name in now if isinstance(now[name], dict))


def _chain(project: Any) -> Iterator[Finding]:
    """Every link has its own hash and that of the one before, and the rows that it names are as they were."""
    links, previous = project.get(Manifest), ""
    for number, link in enumerate(sorted(links, key=lambda link: link.seq), 1):
        if link.seq != number or link.previous != previous or seals.link_hash(link) != link.sha256:
            yield Finding(f"The manifest is broken at link {number} ({link.name}): a link was changed or is missing.", "manifest")
            break
        previous = link.sha256
    standing = _standing(links)
    for link in standing:
        for kind in seals.SEALED:
            table = NAMES[kind][0]
            now = seals.listed(project.sql, kind, link.low, link.high)
            for row_order, how in seals.differences(link.rows.get(table, ""), now):
                yield _row(project, table, row_order, how, link)
    vouched = {(link.run_id, link.stage_key) for link in links}
    low = standing[0].high if standing and standing[0].name in seals.RENEWED else 0
    query = 'SELECT "key", run_id, "name" FROM stages WHERE state = \'done\' AND row_order > ? ORDER BY row_order'
    for key, run_id, name in project.sql(query, [low]):
        if (run_id, key) not in vouched:
            yield Finding(f"Stage {name} of run {run_id[:10]} is called done, but the manifest does not know of it.",
                          "stages", f"{key} {run_id}")  # fmt: skip


def _standing(links: list[Manifest]) -> list[Manifest]:
    """The links that count: from the last one that vouched for everything."""
    renewed = [at for at, link in enumerate(links) if link.name in seals.RENEWED]
    return links[renewed[-1] :] if renewed else links


def _row(project: Any, table: str, row_order: int, how: str, link: Manifest) -> Finding:
    where = f"{table}, row {row_order}"
    said = {"missing": "is missing", "changed": "was changed", "new": "was put in"}[how]
    key = ""
    if how != "missing":
        kind = next(kind for kind, (name, _) in NAMES.items() if name == table)
        key = project.sql(f'SELECT {seals.key_of(table_of(kind))} FROM "{table}" WHERE row_order = ?', [row_order])[0][0]
        where = f"{table} {key[:24]}"
    return Finding(f"{where}: {said} after it was vouched for (link {link.seq}, {link.name}).", table if key else "", key)


def _changed(project: Any) -> Iterator[Finding]:
    for kind in seals.CHANGING:
        for key in seals.changed_rows(project.sql, kind):
            table = NAMES[kind][0]
            yield Finding(f"{table} {key[:24]}: was changed by another program.", table, key)


def _links(project: Any) -> Iterator[Finding]:
    kinds = {name: kind for kind, (name, _) in NAMES.items()}
    for table, column, other, name in LINKS:
        key = seals.key_of(table_of(kinds[table]))
        query = (
            f'SELECT DISTINCT k, r FROM (SELECT {key} AS k, {column} AS r FROM "{table}")'
            f' WHERE r != \'\' AND r NOT IN (SELECT "{name}" FROM "{other}")'
            f' AND r NOT IN (SELECT "key" FROM quarantine WHERE "table" = \'{other}\') ORDER BY k, r'
        )
        for row_key, missing in project.sql(query):
            yield Finding(f"{table} {row_key[:24]}: refers to {other} {missing[:24]}, which is not there.", table, row_key)


def _counts(project: Any) -> Iterator[Finding]:
    standing = _standing(project.get(Manifest))
    low = standing[0].high if standing and standing[0].name in seals.RENEWED else 0
    for stage, said, table in COUNTS:
        of_wave = " AND wave = ?" if stage == "generate" else ""
        for row in project.get(Stage, name=stage, state="done"):
            parameters = [row.run_id, row.round] + ([row.wave] if of_wave else [])
            [(count,)] = project.sql(f'SELECT count(*) FROM "{table}" WHERE run_id = ? AND round = ?{of_wave}', parameters)
            number = project.sql('SELECT row_order FROM stages WHERE "key" = ? AND run_id = ?', [row.key, row.run_id])[0][0]
            if row.counts.get(said, 0) != count and number > low:
                place = f"Stage {stage} of run {row.run_id[:10]}, round {row.round}"
                yield Finding(f"{place}: counted {row.counts.get(said, 0)} {said}, and {count} rows are there.")
