"""Group the analyses into patterns: sentence vectors, clusters of them, how many; then the teacher names each group."""

from collections import Counter
from collections.abc import Sequence

from pada_local import prompts
from pada_local.context import Context, Outcome
from pada_local.methods.elbow import accept_k, choose_k, k_max, widest_gap
from pada_local.records import Analysis, Embedding, Pattern, content_id
from pada_local.teacher.protocol import Answer, Ask
from pada_local.teacher.schemas import PatternName

VERSION = 2
USES = ("patterns", "teacher")
PROMPTS = ("summarise", "repair")


def run(context: Context) -> Outcome:
    """Write one pattern per cluster of the round's readable analyses."""
    analyses = context.rows.get(Analysis, run_id=context.run_id, round=context.round, state="ok")
    if not analyses:
        return Outcome({"analyses": 0, "patterns": 0})
    texts = [analysis_text(analysis) for analysis in analyses]
    vectors = embed(context, texts)
    groups = cluster(context, texts, vectors)
    members = [[analyses[index] for index in group] for group in groups]
    asks = [_ask(context, group) for group in members]

    def then(position: int, answer: Answer) -> list[Ask]:
        return context.ahead([_pattern(context, position + 1, members[position], answer)])

    answers = context.teacher.ask_all(asks, then=then)
    named = enumerate(zip(members, answers, strict=True), 1)
    rows = [_pattern(context, number, group, answer) for number, (group, answer) in named]
    counts = {"analyses": len(analyses), "patterns": len(rows), "unnamed": sum(row.state != "ok" for row in rows)}
    return Outcome(counts, put=rows)


def analysis_text(analysis: Analysis) -> str:
    """What is embedded and shown: the scenario and the root cause, never the example."""
    return f"{analysis.scenario}: {analysis.root_cause}"


def embed(context: Context, texts: Sequence[str]) -> list[list[float]]:
    """Sentence vectors in the order of the texts; each distinct text is embedded once in the project's life."""
    model = context.recipe.patterns.embedder
    ids = {text: content_id("embedding", model, text) for text in texts}
    known = {row.id: row.vector for row in context.rows.get(Embedding, id=list(set(ids.values())))}
    missing = [text for text in dict.fromkeys(texts) if ids[text] not in known]
    if missing:
        vectors = context.student.embed(model, missing)
        rows = [
            Embedding(id=ids[text], model=model, text_id=content_id("text", text), vector=vector)
            for text, vector in zip(missing, vectors, strict=True)
        ]
        context.rows.put(*rows)
        known |= {row.id: row.vector for row in rows}
    return [known[ids[text]] for text in texts]


def cluster(context: Context, texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> list[list[int]]:
    """Indexes of every cluster's members, nearest to the centre first; the largest cluster first."""
    settings = context.recipe.patterns
    most = min(k_max(len(texts), len(set(texts))), settings.k_max)
    asked = min(settings.k, len(set(texts))) if settings.k else 0
    found = context.student.cluster(vectors, max(most, asked), context.seed, settings.n_init, settings.clustering)
    k = asked or len(found.labels)
    if not asked and settings.clustering != "density":
        k = choose_k(found.inertia[:most]) if settings.clustering == "kmeans" else widest_gap(found.silhouette[:most])
        k = accept_k(k, found.silhouette[k - 1], len(texts), settings.silhouette_floor)
    labels, distances = found.labels[k - 1], found.distances[k - 1]
    groups: dict[int, list[int]] = {}
    for index in sorted(range(len(texts)), key=lambda index: (distances[index], index)):
        groups.setdefault(labels[index], []).append(index)
    return sorted(groups.values(), key=lambda group: (-len(group), min(group)))


def _ask(context: Context, group: list[Analysis]) -> Ask:
    shown = group[: context.recipe.patterns.shown]
    text = "\n".join(f"- {analysis_text(analysis)}" for analysis in shown)
    prompt = prompts.render("summarise", card=context.settings["task"], analyses=text)
    return Ask(purpose="summarise", prompt=prompt, schema=PatternName, max_tokens=context.recipe.teacher.analysis_tokens)


def _pattern(context: Context, number: int, group: list[Analysis], answer: Answer) -> Pattern:
    """The named pattern. Without a usable name the nearest analysis stands in, and the state says so."""
    ids = {"run_id": context.run_id, "round": context.round, "number": number}
    kept = {"failures": len(group), "members": [analysis.id for analysis in group], "call_key": answer.call_key}
    row_id = content_id("pattern", context.run_id, context.round, number, kept["members"])
    guard = context.scratch["guard"]
    if answer.value is not None and not guard.refuses_within(f"{answer.value.name}. {answer.value.pattern}"):
        return Pattern(id=row_id, **ids, **kept, name=answer.value.name, text=answer.value.pattern)
    name = Counter(analysis.scenario for analysis in group).most_common(1)[0][0]
    state = "unparsable" if answer.value is None else "leaked"
    return Pattern(id=row_id, **ids, **kept, name=name, text=group[0].root_cause, state=state)
