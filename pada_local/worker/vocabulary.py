"""A tokenizer.json as llama.cpp's vocabulary: pieces, scores, kinds, special tokens, and the rule that splits text first."""

import json
from pathlib import Path
from typing import Any

from pada_local.worker.problems import JobError

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
RULES = {
    (GPT2,): "gpt-2",
    (_WORDS % "{1,3}",): "llama-bpe",
    (_WORDS % "",): "qwen2",
    (r"\p{N}", GPT2): "smollm",
}
"""Regular expressions in the order in which they split, and llama.cpp's name for that."""
NOT_A_WORD = -1000.0


def write(model: Any, folder: Path, size: int) -> None:
    """Write the vocabulary with the converter `model`; `size` is the number of rows of the embedding."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    if tokenizer["model"]["type"] != "BPE":
        kind = tokenizer["model"]["type"]
        raise JobError("model", f"A tokenizer of the kind {kind} cannot be written as GGUF.", fix="Export it with --kind merged.")
    if tokenizer["model"].get("byte_fallback"):
        _write_sentencepiece(model.gguf_writer, tokenizer, folder, size)
    else:
        model._set_vocab_gpt2()


def split_rule(tokenizer: dict[str, Any]) -> str:
    """llama.cpp's name of a byte-level tokenizer's first split. Raises JobError for one that it does not have."""
    found = tuple(_expressions(tokenizer.get("pre_tokenizer") or {}))
    name = RULES.get(found)
    # llama.cpp ties one more property to this name: whole words that are in the vocabulary are taken as they are.
    if name is None or (name == "llama-bpe") != bool(tokenizer["model"].get("ignore_merges")):
        detail = f"It splits by: {' then '.join(found) or 'nothing'}."
        raise JobError("model", "llama.cpp has no rule that splits text as this tokenizer does.", detail, "Use --kind merged.")
    return name


def _expressions(step: dict[str, Any]) -> list[str]:
    match step.get("type"):
        case "Sequence":
            return [found for inner in step["pretokenizers"] for found in _expressions(inner)]
        case "ByteLevel":
            return [GPT2] if step.get("use_regex", True) else []
        case "Split":
            return [str(step["pattern"].get("Regex", step["pattern"]))]
        case "Digits" if step.get("individual_digits"):
            return [r"\p{N}"]
    return [str(step.get("type"))]


def _write_sentencepiece(writer: Any, tokenizer: dict[str, Any], folder: Path, size: int) -> None:
    """llama.cpp joins the pair whose joined piece scores highest; the rank of its first merge, negated, gives the same order."""
    import gguf

    model, kinds = tokenizer["model"], gguf.TokenType
    pieces = {number: piece for piece, number in model["vocab"].items()}
    added = {one["id"]: one for one in tokenizer["added_tokens"]}
    ranks: dict[str, int] = {}
    for rank, pair in enumerate(model["merges"]):
        ranks.setdefault("".join(pair if isinstance(pair, list) else pair.split(" ")), rank)
    tokens: list[bytes] = []
    scores: list[float] = []
    types: list[int] = []
    for number in range(size):
        piece, kind, score = pieces.get(number, f"[unused {number}]"), kinds.UNUSED, NOT_A_WORD
        if number in added:
            piece = added[number]["content"]
            kind = kinds.CONTROL if added[number]["special"] else kinds.USER_DEFINED
            kind = kinds.UNKNOWN if piece == model.get("unk_token") else kind
        elif number in pieces:
            kind, score = kinds.NORMAL, -float(ranks.get(piece, len(ranks)))
            if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
                kind, score = kinds.BYTE, 0.0
        tokens.append(piece.encode())
        scores.append(score)
        types.append(kind)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_add_space_prefix(_prepends_space(tokenizer))
    gguf.SpecialVocab(folder, n_vocab=size).add_to_gguf(writer)


def _prepends_space(tokenizer: dict[str, Any]) -> bool:
    """Whether a text gets a space in front before it is cut, by its normaliser or its Metaspace."""
    normalizer, splitter = tokenizer.get("normalizer") or {}, tokenizer.get("pre_tokenizer") or {}
    steps = [*normalizer.get("normalizers", [normalizer]), *splitter.get("pretokenizers", [splitter])]
    always = any(step.get("type") == "Prepend" for step in steps)
    scheme = next((step.get("prepend_scheme", "always") for step in steps if step.get("type") == "Metaspace"), "never")
    return always or scheme in ("always", "first")


def write_ends(writer: Any, folder: Path, end_token: str, add_bos: bool) -> None:
    """The token that ends a turn, and whether a begin token is put in front: as in training, whatever the base did."""
    from gguf import GGUFValueType, Keys

    def put(key: str, value: Any, kind: Any) -> None:
        for data in writer.kv_data:
            data.pop(key, None)
        writer.add_key_value(key, value, kind)

    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids = {one["content"]: one["id"] for one in tokenizer["added_tokens"]} | tokenizer["model"]["vocab"]
    if end_token and end_token in ids:
        put(Keys.Tokenizer.EOT_ID, ids[end_token], GGUFValueType.UINT32)
    # Always said: a splitting rule's name may stand for a begin token that this tokenizer does not have.
    put(Keys.Tokenizer.ADD_BOS, add_bos, GGUFValueType.BOOL)
