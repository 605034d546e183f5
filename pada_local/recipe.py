"""A recipe: everything that decides how a run goes, as data. TOML in, a frozen struct out; unknown keys are refused.

Every field is followed by what it means, in plain English; `pada recipes show` and the terminal app print these words.
Values that the paper does not give are this project's own and are called so.
"""

import ast
import inspect
import math
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from pada_local.errors import UsageError
from pada_local.records import content_id

AUGMENT = ("patterns", "random", "none", "analyses", "failures", "errors", "rephrase")
SEE_FIELDS = "See 'pada recipes show pada' for all fields."


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the recipe's sections."""


class Loop(Section):
    """How often the loop goes round and when it stops."""

    rounds: int = 3
    """Fine-tunings in a run. The first uses the training data alone; each later one adds what the round before it selected."""
    augment: str = "patterns"
    """What new samples come from: patterns (of failures), random (strategies invented without looking at failures), none; for
    comparisons: analyses (one strategy per failure), failures (shown raw), errors (LLM2LLM), rephrase (AugGPT)."""
    train_size: float = 0.0
    """Training examples used: 0 all, below 1 a share, from 1 on a number; drawn by the seed, smaller sets in larger ones."""
    min_failures: int = 8
    """Stop when fewer validation examples than this fail (project's choice)."""
    failure_below: float = 1.0
    """A validation example counts as failed when its score is below this (matters for metrics between 0 and 1)."""
    rollback: bool = False
    """Drop the samples of a round that did not beat the best round so far (project's choice: keep them)."""
    patience: int = 0
    """Stop after this many rounds without a new best validation score; 0 never stops for that."""
    reproducible: bool = False
    """One teacher slot, no prompt cache, fixed threads: slower, but a repeated run gives the same tables."""


class Train(Section):
    """Fine-tuning of the student: LoRA, loss on the answer only, from the base in every round."""

    lora_rank: int = 16
    """Rank of the LoRA update matrices: more rank, more capacity and memory."""
    lora_alpha: int = 32
    """LoRA scale; the update is multiplied by alpha / rank."""
    lora_dropout: float = 0.0
    """Dropout on the LoRA input."""
    learning_rate: float = 2e-4
    """Peak learning rate; LoRA wants about ten times that of full fine-tuning."""
    warmup_share: float = 0.05
    """Share of the steps over which the learning rate rises from zero."""
    weight_decay: float = 0.01
    """AdamW weight decay on the LoRA weights."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are scaled down to it."""
    steps: int = 300
    """Optimizer steps of every fine-tuning: the same for all rounds and recipes, so that arms differ in data only."""
    tokens_per_step: int = 1024
    """Tokens in one optimizer step, prompt and answer together: examples are drawn until this many are reached."""
    micro_batch: int = 16
    """Examples in one forward pass; halved when memory runs out, with the same tokens per step."""
    max_length: int = 512
    """Longest example in tokens; longer ones are refused before training."""
    dtype: str = "auto"
    """Arithmetic of the forward pass: auto, float32, bfloat16."""
    backend: str = "auto"
    """auto (unsloth on a CUDA card where it is installed, else peft), unsloth, or peft (any machine)."""
    base_bits: int = 0
    """Bits of the frozen base while peft trains: 4 (bitsandbytes nf4), 16 (or 32 on a processor), 0 for 4 on a CUDA card."""
    held_out_share: float = 0.0
    """Share of the training examples that is kept out to watch the loss and stop early; 0 trains all steps on everything."""
    check_every: int = 25
    """Steps between two looks at the held-out loss."""
    patience: int = 3
    """Looks without a lower held-out loss after which training stops; the adapter of the lowest one is kept."""


class Evaluate(Section):
    """Greedy answers of the student to training, validation and test examples."""

    max_new_tokens: int = 64
    """Longest answer in tokens."""
    tokens_per_batch: int = 0
    """Tokens in one batch, padding and answers counted; 0 fits it to the memory that is free beside the loaded student."""
    dtype: str = "float32"
    """Arithmetic of evaluation. In float32 the batch size does not change greedy answers; in bfloat16 it can."""
    backend: str = "auto"
    """auto (unsloth for bfloat16 on a CUDA card where it is installed, else peft), unsloth, or peft (any machine)."""


class Patterns(Section):
    """How failures become patterns and patterns become strategies."""

    clustering: str = "linkage"
    """How analyses are grouped: linkage (average linkage, as many groups as have the highest silhouette: the project's choice,
    found the best of the three), density (HDBSCAN), or kmeans with the elbow rule, as in the paper."""
    k: int = 0
    """Number of patterns; 0 chooses it by the highest silhouette (linkage) or the elbow rule (kmeans; project's form of it)."""
    k_max: int = 10
    """Most patterns that may be chosen (project's choice)."""
    silhouette_floor: float = 0.15
    """Below this silhouette the failures are one pattern (project's choice)."""
    n_init: int = 10
    """Starts of k-means; the best is kept."""
    shown: int = 15
    """Analyses nearest to the centre that the teacher sees when it names a pattern (project's choice)."""
    embedder: str = "minilm"
    """Sentence embedder: minilm (packaged) or the path of a sentence-transformers folder. The paper uses all-mpnet-base-v2."""


class Generate(Section):
    """How many new samples are written, from what, and how."""

    budget: int = 150
    """Accepted samples wanted in each round."""
    share_pattern: float = 0.7
    """Share of the budget written from strategies (project's choice; the paper's split is not known)."""
    share_train_error: float = 0.3
    """Share of the budget written near training examples that the student gets wrong (project's choice)."""
    per_train_error: int = 4
    """Most samples written near one training error in a round; what is left over goes to strategies (project's choice)."""
    items_per_call: int = 4
    """Items asked for in one teacher call."""
    anchors: int = 2
    """Training examples shown as format examples; never validation examples."""
    max_waves: int = 4
    """Times that generation is asked again for what the gate refused, before the budget is left unfilled."""
    oversample: float = 1.15
    """How many more items than still wanted are asked for in a wave, since some will be refused."""
    temperature: float = 0.7
    """Sampling temperature of generation; 1.0 gives more variety and more wrong answers."""
    per_example: int = 6
    """Rephrasings of each training example (augment = rephrase; six in AugGPT's released data)."""
    random_strategies: int = 8
    """Strategies invented per round by the control recipe."""


class Gate(Section):
    """What a new sample must pass before the student learns from it."""

    judge: bool = True
    """Ask the judge for scores on relevance, adherence, utility and correctness."""
    mean_at_least: float = 7.0
    """Smallest mean of the four scores (project's choice)."""
    min_at_least: int = 5
    """Smallest single score (project's choice)."""
    regenerations: int = 2
    """Times that a refused sample goes back to the teacher with the reason (project's choice)."""
    rederive: bool = True
    """The judge answers the input without seeing the output; accept only when the metric calls both equal (project's choice)."""
    votes: int = 1
    """Answers taken when re-deriving; the majority must equal the output."""
    audit: bool = True
    """Try the judge on training references and corrupted ones before it is trusted."""
    audit_items: int = 40
    """References, and as many corrupted ones, in the audit."""
    audit_floor: float = 0.65
    """Below this AUC the judge's scores are shown and not used (project's choice)."""
    near_duplicate: float = 0.9
    """Shingle overlap with any other sample from which an item counts as a duplicate."""
    rouge_max: float = 0.0
    """Most ROUGE-L with any earlier input, above which an item counts as a duplicate (LLM2LLM's code: 0.95); 0 does not ask."""
    leak_jaccard: float = 0.8
    """Word overlap with a protected item shorter than 13 words from which an item counts as leaked (project's choice)."""


class Review(Section):
    """Where a run waits for a person: it pauses, and goes on when its round is confirmed with 'pada review'."""

    strategies: bool = False
    """Wait after strategies are drafted, before anything is written from them."""
    samples: bool = False
    """Wait after the gate, before accepted samples are selected for training."""


class Teacher(Section):
    """How the teacher is run."""

    slots: int = 0
    """Requests answered at the same time; 0 chooses from processors and memory."""
    context: int = 0
    """Tokens per slot; 0 uses what the longest prompt and answer need."""
    threads: int = 0
    """CPU threads; 0 uses the processors that are there."""
    stall_seconds: float = 60.0
    """Restart the server when no token has come for this long."""
    restarts: int = 3
    """Restarts before the run pauses."""
    analysis_tokens: int = 160
    """Longest analysis, pattern, strategy or verdict in tokens."""
    item_tokens: int = 160
    """Longest generated item in tokens (input and output together)."""
    cache_type: str = "f16"
    """Numbers of the teacher's cache: f16, or q8_0, which takes half the memory and changes answers a little. Used where flash
    attention is sure to be on: on a card, or on a processor when `context` is above 4,096; elsewhere it stays f16."""
    draft: str = ""
    """A smaller GGUF with the teacher's vocabulary, by name or path, that guesses ahead (speculative decoding); "" has none. The
    teacher checks every guess, so its answers stay but for rounding, as with more slots. Not used when reproducible."""


class Recipe(Section):
    """A whole recipe."""

    name: str
    """What reports call it."""
    about: str = ""
    """One sentence for people."""
    loop: Loop = Loop()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    patterns: Patterns = Patterns()
    generate: Generate = Generate()
    gate: Gate = Gate()
    review: Review = Review()
    teacher: Teacher = Teacher()

    @property
    def id(self) -> str:
        """Content id of every field but the sentence for people."""
        sections = {name: content(getattr(self, name)) for name in self.__struct_fields__}
        return content_id("recipe", {**sections, "about": ""})


LATER = {"cache_type": "f16", "draft": ""}
"""Fields that came later: at these values they are left out of ids, so that runs from before them can be gone on with."""


def content(part: Any) -> Any:
    """A section, or a plain value, as ids see it."""
    found = msgspec.to_builtins(part)
    if not isinstance(part, Teacher):
        return found
    return {name: value for name, value in found.items() if name not in LATER or value != LATER[name]}


def parse(text: str, where: str = "recipe") -> Recipe:
    """A recipe from TOML text. Raises UsageError naming the field that is wrong."""
    try:
        recipe = msgspec.convert(tomllib.loads(text), Recipe)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"The recipe {where} cannot be used.", str(error), SEE_FIELDS) from None
    problems = check(recipe)
    if problems:
        raise UsageError(f"The recipe {where} cannot be used.", "; ".join(problems), SEE_FIELDS)
    return recipe


def load(path: Path) -> Recipe:
    """A recipe from a TOML file. Raises UsageError."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {path} cannot be read.", str(error), "See 'pada recipes list'.") from None


def check(recipe: Recipe) -> list[str]:
    """Every rule that a recipe breaks, as sentences; empty when it is sound."""
    g, problems = recipe.generate, []
    if recipe.loop.rounds < 1:
        problems.append("loop.rounds must be at least 1")
    if recipe.loop.augment not in AUGMENT:
        problems.append(f"loop.augment must be one of {', '.join(AUGMENT)}")
    if recipe.patterns.clustering not in ("linkage", "density", "kmeans"):
        problems.append("patterns.clustering must be linkage, density or kmeans")
    if recipe.patterns.clustering == "density" and recipe.patterns.k:
        problems.append("patterns.k must be 0 with patterns.clustering = density, which finds the number itself")
    if recipe.loop.train_size < 0:
        problems.append("loop.train_size must not be negative")
    if not 0 <= recipe.gate.rouge_max <= 1:
        problems.append("gate.rouge_max must be from 0 to 1")
    if abs(g.share_pattern + g.share_train_error - 1) > 1e-6 or min(g.share_pattern, g.share_train_error) < 0:
        problems.append("generate.share_pattern and generate.share_train_error must add up to 1")
    positive = {"train.steps": recipe.train.steps, "train.tokens_per_step": recipe.train.tokens_per_step,
                "train.lora_rank": recipe.train.lora_rank, "train.micro_batch": recipe.train.micro_batch,
                "train.check_every": recipe.train.check_every, "train.patience": recipe.train.patience,
                "generate.budget": g.budget, "generate.items_per_call": g.items_per_call, "generate.max_waves": g.max_waves,
                "evaluate.max_new_tokens": recipe.evaluate.max_new_tokens, "gate.votes": recipe.gate.votes,
                "generate.per_train_error": g.per_train_error, "generate.per_example": g.per_example}  # fmt: skip
    problems += [f"{name} must be at least 1" for name, value in positive.items() if value < 1]
    if recipe.train.dtype not in ("auto", "float32", "bfloat16") or recipe.evaluate.dtype not in ("float32", "bfloat16"):
        problems.append("train.dtype is auto, float32 or bfloat16; evaluate.dtype is float32 or bfloat16")
    if recipe.train.base_bits not in (0, 4, 16):
        problems.append("train.base_bits must be 0, 4 or 16")
    if not 0 <= recipe.train.held_out_share <= 0.5:
        problems.append("train.held_out_share must be from 0 to 0.5")
    if recipe.teacher.cache_type not in ("f16", "q8_0"):
        problems.append("teacher.cache_type must be f16 or q8_0")
    for section, value in (("train", recipe.train.backend), ("evaluate", recipe.evaluate.backend)):
        if value not in ("auto", "peft", "unsloth"):
            problems.append(f"{section}.backend must be auto, peft or unsloth")
    for name, value in values(recipe):
        # TOML allows inf and nan, and numbers of any length; neither has a place in JSON, of which the recipe's id is made.
        if isinstance(value, float) and not math.isfinite(value) or isinstance(value, int) and abs(value) >= 2**63:
            problems.append(f"{name} must be a number of ordinary size")
    return problems


def values(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    """Every field by its dotted name, such as `train.steps`, with its value; `name` and `about` first."""
    for field in recipe.__struct_fields__:
        section = getattr(recipe, field)
        if isinstance(section, Section):
            yield from ((f"{field}.{name}", getattr(section, name)) for name in section.__struct_fields__)
        else:
            yield field, section


def to_toml(recipe: Recipe) -> str:
    """The recipe as a TOML file, each field below its meaning; `parse` makes the same recipe of it."""
    lines, shown = [], ""
    for dotted, value in values(recipe):
        section, _, name = dotted.rpartition(".")
        if section != shown:
            lines += ["", f"[{section}]"]
            shown = section
        lines += [f"# {field_help(type(getattr(recipe, section)))[name]}"] if section else []
        written = msgspec.json.encode(value).decode()
        lines.append(f"{name} = " + written.replace("\x7f", "\\u007f"))  # all that JSON allows in a string and TOML does not
    return "\n".join(lines) + "\n"


@cache
def field_help(section: type) -> dict[str, str]:
    """The sentence behind every field of a section, read from this file."""
    body = ast.parse(inspect.getsource(section)).body[0].body  # type: ignore[attr-defined]
    found = {}
    for here, after in zip(body, body[1:], strict=False):
        named = isinstance(here, ast.AnnAssign) and isinstance(here.target, ast.Name)
        if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[here.target.id] = " ".join(str(after.value.value).split())  # type: ignore[union-attr]
    return found
