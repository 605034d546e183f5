"""What a model folder of unknown origin may hold, told by content and not by name. Nothing is loaded."""

import json
import math
from pathlib import Path
from typing import Any

CODE = {
    b"\x80\x02": "a pickle", b"\x80\x03": "a pickle", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle",
    b"PK\x03\x04": "a zip archive, as PyTorch writes them around pickles", b"\x7fELF": "a program", b"MZ": "a program",
    b"\x1f\x8b": "a gzip archive", b"\x93NUMPY": "a NumPy array", b"\x89HDF": "an HDF5 file", b"#!": "a script",
    b"\xfd7zXZ": "an xz archive", b"BZh": "a bzip2 archive", b"(lp": "a pickle", b"(dp": "a pickle", b"cos\nsystem": "a pickle",
}  # fmt: skip
"""How files begin that can run code when they are loaded, or hide what they hold."""
MAX_HEADER_BYTES = 100 * 2**20
BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "U16": 16, "U32": 32,
        "U64": 64, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4}  # fmt: skip


class Untrusted(ValueError):
    """Why a file cannot be trusted: a part of a sentence, after the file's name."""


def check_content(file: Path) -> None:
    """Raises Untrusted for a file that begins like something that can run code.

    A safetensors file begins with a number that may look like anything; `read_safetensors` looks at all of it.
    """
    if file.suffix == ".safetensors":
        return
    with file.open("rb") as stream:
        head = stream.read(16)
    for start, what in CODE.items():
        if head.startswith(start):
            raise Untrusted(f"begins like {what}, whatever its name says")


def read_safetensors(file: Path) -> dict[str, dict[str, Any]]:
    """Type, shape and place of every tensor. Raises Untrusted unless they fill the file exactly, each with the bytes it needs."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise Untrusted("is no safetensors file")
        text = stream.read(length)
    try:
        header = json.loads(text)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        spans = sorted(_span(name, entry) for name, entry in tensors.items())
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise error if isinstance(error, Untrusted) else Untrusted("is no safetensors file") from None
    end = 0
    for begin, stop, name in spans:
        if begin != end:
            raise Untrusted(f"has a hole or an overlap before tensor {name[:60]!r}")
        end = stop
    if end != size - 8 - length:
        raise Untrusted(f"holds {size - 8 - length} bytes of tensors, and its header tells of {end}")
    return tensors


def _span(name: str, entry: dict[str, Any]) -> tuple[int, int, str]:
    shape, (begin, stop) = entry["shape"], entry["data_offsets"]
    if entry["dtype"] not in BITS:
        raise Untrusted(f"has a tensor of the unknown type {str(entry['dtype'])[:20]!r}")
    if not all(type(side) is int and 0 <= side < 2**40 for side in (*shape, begin, stop)) or len(shape) > 8:
        raise Untrusted(f"has a tensor of an impossible shape: {name[:60]!r}")
    if (math.prod(shape) * BITS[entry["dtype"]] + 7) // 8 != stop - begin:
        raise Untrusted(f"has a tensor whose bytes do not fit its shape: {name[:60]!r}")
    return begin, stop, name
