"""The environment of every child process: no network by any switch that a library knows, and all caches in one folder."""

import os
from pathlib import Path

SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "WANDB_MODE": "disabled",
    "WANDB_DISABLED": "true",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "UNSLOTH_OFFLINE": "1",
    "UNSLOTH_LLAMA_CPP_OFFLINE": "1",
    "UNSLOTH_SKIP_TORCHVISION_CHECK": "1",
    "GGML_NO_BACKTRACE": "1",  # a crash would start a debugger, which prints what was in memory into the log
    "TOKENIZERS_PARALLELISM": "false",
    "USE_TF": "0",
    "USE_FLAX": "0",
    "NO_PROXY": "*",
    "no_proxy": "*",
}
FOLDERS = {
    "HF_HOME": "huggingface",
    "HF_HUB_CACHE": "huggingface/hub",
    "HF_DATASETS_CACHE": "huggingface/datasets",
    "HF_MODULES_CACHE": "huggingface/modules",
    "SENTENCE_TRANSFORMERS_HOME": "sentence-transformers",
    "TORCH_HOME": "torch",
    "TRITON_CACHE_DIR": "triton",
    "TRITON_HOME": "triton",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "UNSLOTH_COMPILE_LOCATION": "unsloth",
    "CUDA_CACHE_PATH": "cuda",
    "MPLCONFIGDIR": "matplotlib",
    "XDG_CACHE_HOME": "cache",
    "TMPDIR": "temporary",
}
SECRET_ENDINGS = ("_TOKEN", "_API_KEY", "_SECRET", "_PASSWORD")


def offline_environment(private_folder: Path) -> dict[str, str]:
    """This process's environment with every offline switch set, proxies and secrets gone, caches under `private_folder`.

    The cache folders are made here, readable by this user alone: libraries that find none fall back to the home folder.
    """
    caches = Path(private_folder).absolute() / "caches"
    for name in ("", *FOLDERS.values()):
        (caches / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if _may_be_passed_on(name)}
    return kept | SWITCHES | {name: str(caches / folder) for name, folder in FOLDERS.items()}


def _may_be_passed_on(name: str) -> bool:
    """False for proxies (they would see even loopback traffic) and for what a child without a network never needs."""
    upper = name.upper()
    return not (upper.endswith("_PROXY") or upper.endswith(SECRET_ENDINGS) or upper == "HF_ENDPOINT")
