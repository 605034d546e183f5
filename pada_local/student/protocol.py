"""What the host and the student worker say to each other: one JSON line a message, over the worker's stdin and stdout.

The worker does one job at a time. For each job it sends any number of progress messages and ends with `Finished` or
`Failed`; only `Cut` may be sent while a job goes on. Large things (adapters) are handed over as files in a private folder
that the host names and removes.
"""

from typing import Any, Union

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all messages; `job` is the number that the client gave."""

    job: int = 0


class TrainSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How an adapter is trained. Learning rate is the peak; the schedule is linear warm-up, then linear to zero."""

    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    learning_rate: float
    warmup_share: float
    weight_decay: float
    max_grad_norm: float
    steps: int
    tokens_per_step: int
    micro_batch: int
    max_length: int
    seed: int
    threads: int = 0
    dtype: str = "auto"
    backend: str = "auto"
    base_bits: int = 0
    held_out_share: float = 0.0
    check_every: int = 25
    patience: int = 3


class TrainExample(msgspec.Struct, frozen=True):
    """Text up to where the loss begins, and the text that carries loss (with its end token)."""

    id: str
    prompt: str
    answer: str


class Train(Message):
    """Train a fresh adapter on `examples` from the base in folder `base`; write PEFT files into folder `to`."""

    base: str
    to: str
    examples: list[TrainExample]
    settings: TrainSettings


class Generate(Message):
    """Answer `prompts` greedily with the base and the adapter in folder `adapter` (empty: the base alone).

    `tokens_per_batch` of 0 fits the batches to the memory that is free.
    """

    base: str
    adapter: str
    prompts: list[str]
    stop: str
    max_new_tokens: int
    tokens_per_batch: int
    threads: int = 0
    dtype: str = "float32"
    backend: str = "auto"
    with_ids: bool = False


class Talk(Message):
    """Answer one prompt as `Generate` would, and send its text as it comes; ends early when `Cut` arrives."""

    base: str
    adapter: str
    prompt: str
    stop: str
    max_new_tokens: int
    threads: int = 0
    dtype: str = "float32"


class Cut(Message):
    """End the `Talk` with this number after the token that is being made; nothing else is answered to it."""


class Embed(Message):
    """Sentence vectors, L2-normalised, of `texts` with the sentence-transformers model in folder `model`."""

    model: str
    texts: list[str]


class Cluster(Message):
    """Clusters for every k from 1 to `k_max`; k itself is chosen by the caller. `method`: kmeans, linkage, or density, which
    finds k itself and sends one entry."""

    vectors: list[list[float]]
    k_max: int
    seed: int
    n_init: int = 10
    method: str = "kmeans"


class Describe(Message):
    """What is in a student folder: parameters, context, chat family; nothing is trained."""

    base: str


class CountTokens(Message):
    """Tokens of each text with the tokenizer in folder `base`; no model is loaded. Special tokens are those in the texts."""

    base: str
    texts: list[str]


class Shorten(Message):
    """The beginning of each text, of as many tokens as `tokens` says for it."""

    base: str
    texts: list[str]
    tokens: list[int]


class ReadTable(Message):
    """The rows of a Parquet or Arrow file; only these columns, which may be missing, or `everything`."""

    path: str
    format: str
    columns: list[str]
    everything: bool = False


class Merge(Message):
    """Write a 16- or 32-bit safetensors folder `to`: the unquantised base plus the adapter (empty: the base alone).

    `dtype`: float16, bfloat16, float32, or auto for the 16 bits that suit the base.
    """

    base: str
    adapter: str
    to: str
    dtype: str = "auto"
    chat_template: str = ""
    end_token: str = ""


class CheckAdapter(Message):
    """Whether every layer of an adapter fits the base; nothing is loaded but the adapter."""

    base: str
    adapter: str


class ToGguf(Message):
    """Convert a model folder into the GGUF file `to` with llama.cpp's `converters`; `numbers`: f32, f16, bf16 or q8_0.

    `add_bos`: whether llama.cpp puts the begin token in front of a prompt; None leaves what the folder says.
    """

    folder: str
    to: str
    numbers: str
    name: str
    converters: str
    end_token: str = ""
    add_bos: bool | None = None
    licence: str = ""


class LoraToGguf(Message):
    """Convert an adapter alone into the GGUF file `to`; `numbers`: f32 or f16."""

    base: str
    adapter: str
    to: str
    numbers: str
    converters: str


class RenderChats(Message):
    """Each conversation as the chat template of folder `base` writes it, up to where the answer begins.

    `template` replaces the folder's own. Run by Transformers' sandbox.
    """

    base: str
    conversations: list[list[dict[str, str]]]
    template: str = ""


class Tokenize(Message):
    """Token ids of each text, special tokens only where the texts have them."""

    base: str
    texts: list[str]


class WriteParquet(Message):
    """Write the JSON lines of file `rows` as the Parquet file `to`."""

    rows: str
    to: str


class Stop(Message):
    """End the worker."""


Job = Union[
    Train, Generate, Talk, Cut, Embed, Cluster, Describe, CountTokens, Shorten, ReadTable, Merge, CheckAdapter, ToGguf,
    LoraToGguf, RenderChats, Tokenize, WriteParquet, Stop,
]  # fmt: skip


class Ready(Message):
    """Sent once at start, with the versions of what the worker runs on."""

    versions: dict[str, str] = {}
    device: str = "cpu"


class Step(Message):
    """One optimizer step."""

    step: int
    steps: int
    loss: float
    grad_norm: float
    learning_rate: float
    tokens: int
    elapsed_s: float
    held_out_loss: float | None = None


class Answered(Message):
    """Answers to the prompts with these positions, as soon as their batch is done; `facts`: how they were computed."""

    positions: list[int]
    texts: list[str]
    tokens: list[int]
    ids: list[list[int]] = []
    facts: dict[str, float | int | str] = {}


class Said(Message):
    """More text of the answer to a `Talk`; its whole text comes as `Answered` at the end."""

    text: str


class Loaded(Message):
    """A model is in memory."""

    model: str
    elapsed_s: float


class Vectors(Message):
    """Embeddings in the order of the texts."""

    rows: list[list[float]]


class Clustering(Message):
    """One entry per k = 1..k_max (one in all for density): inertia, silhouette (0 for k = 1), label of every row, and rows by
    distance to their centre.
    """

    inertia: list[float]
    silhouette: list[float]
    labels: list[list[int]]
    distances: list[list[float]]


class Description(Message):
    """Facts of a student folder."""

    facts: dict[str, str]


class Counted(Message):
    """Tokens in the order of the texts; `context` is the longest sequence the student was made for, 0 when it does not say."""

    tokens: list[int]
    context: int


class Shortened(Message):
    """Texts in the order of the job."""

    texts: list[str]


class Rendered(Message):
    """Texts in the order of the conversations; `own` is the folder's own template, empty where it has none."""

    texts: list[str]
    own: str = ""


class Tokenized(Message):
    """Ids in the order of the texts; `begin` is the text of the begin token that the tokenizer puts in front, or empty.

    `special`: the ids that end or divide texts and are no part of them.
    """

    ids: list[list[int]]
    begin: str = ""
    special: list[int] = []


class TableOpened(Message):
    """All columns of the table, and how many rows it has (0 when the file does not say)."""

    columns: list[str]
    rows: int


class TableRows(Message):
    """Rows in their order, as JSON objects."""

    rows: list[dict[str, Any]]


class Finished(Message):
    """The job is done; `facts` are figures such as seconds, tokens, dtype, backend, refused examples."""

    facts: dict[str, float | int | str] = {}


class Failed(Message):
    """The job did not work: a sentence for a person, and a kind: data, memory, nan, model, other."""

    title: str
    detail: str = ""
    fix: str = ""
    kind: str = "other"


Report = Union[
    Ready, Step, Answered, Said, Loaded, Vectors, Clustering, Description, Counted, Shortened, Rendered, Tokenized, TableOpened,
    TableRows, Finished, Failed,
]  # fmt: skip
