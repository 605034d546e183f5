"""Reads a GGUF file's header and nothing else. Run as a script by `examine`, in a child with limits: files can be hostile.

`gguf_header.py FILE BYTES SECONDS [WORDS]` limits its own memory and time, and prints one JSON object: the metadata that is
worth knowing, how many tensors there are and, when asked, a hash over so many words of the vocabulary. Only the standard
library, since it runs isolated. Every count and length is checked against the file's size before anything is read.
"""

import hashlib
import json
import math
import resource
import struct
import sys
from typing import Any, BinaryIO

MAGIC, VERSIONS = b"GGUF", (2, 3)
MOST_KEYS, MOST_TENSORS, LONGEST_KEY, LONGEST_TEXT = 4096, 65_536, 1024, 64 * 2**20
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, ARRAY = 8, 9
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98),
    19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""By tensor type: values in a block, bytes of a block."""
TEMPLATE, WORDS = "tokenizer.chat_template", "tokenizer.ggml.tokens"
TOKENIZER = ("tokenizer.ggml.model", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id")
"""What must be alike beside the words, for two models to speak of the same tokens."""
FIRST_WORD = 5
"""Words before it are often control tokens that a family's models call differently; llama.cpp does not compare them either."""
LONGEST_TEMPLATE = 65_536
"""Characters that are handed on; one that is longer is too long for a person to read before it is allowed."""


class BadHeader(ValueError):
    """Why this is no GGUF file that can be trusted."""


class Reader:
    """Reads little-endian values and never past the end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def take(self, count: int) -> bytes:
        if not 0 <= count <= self._left:
            raise BadHeader("the header is longer than the file")
        self._left -= count
        data = self._file.read(count)
        if len(data) != count:
            raise BadHeader("the file ends inside the header")
        return data

    def skip(self, count: int) -> None:
        if not 0 <= count <= self._left:
            raise BadHeader("the header is longer than the file")
        self._left -= count
        self._file.seek(count, 1)

    def number(self, kind: str) -> Any:
        return struct.unpack(kind, self.take(struct.calcsize(kind)))[0]

    def text(self, longest: int) -> str:
        length = self.number("<Q")
        if length > longest:
            raise BadHeader(f"a text of {length} bytes")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """One value; of an array only its length, since vocabularies are long and not of interest here."""
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == TEXT:
            return self.text(LONGEST_TEXT)
        if kind != ARRAY:
            raise BadHeader(f"a value of the unknown kind {kind}")
        inner, count = self.number("<I"), self.number("<Q")
        if inner in SCALARS:
            self.skip(struct.calcsize(SCALARS[inner]) * count)
        elif inner == TEXT:
            if count > self._left // 8:
                raise BadHeader("an array that is longer than the file")
            for _ in range(count):
                self.skip(self.number("<Q"))
        else:
            raise BadHeader("an array of arrays")
        return count

    def words(self, most: int) -> tuple[int, str]:
        """An array of texts: how many there are, and a hash over the first `most` of them."""
        inner, count = self.number("<I"), self.number("<Q")
        if inner != TEXT or count > self._left // 8:
            raise BadHeader("a vocabulary that is none")
        digest = hashlib.sha256()
        for number in range(count):
            length = self.number("<Q")
            if FIRST_WORD <= number < most:
                digest.update(length.to_bytes(8, "little") + self.take(length))
            else:
                self.skip(length)
        return count, digest.hexdigest()


def read_header(path: str, words: int = 0) -> dict[str, Any]:
    """Metadata by key (arrays as their length), tensors counted, parameters summed, and whether the output matrix is one of
    its own; with `words` a hash over that many of the vocabulary. Raises BadHeader, OSError.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        reader = Reader(file, size)
        if reader.take(4) != MAGIC:
            raise BadHeader("it does not begin with GGUF")
        version = reader.number("<I")
        if version not in VERSIONS:
            raise BadHeader(f"version {version} of the format")
        tensors, keys = reader.number("<Q"), reader.number("<Q")
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            raise BadHeader(f"{tensors} tensors and {keys} keys")
        found: dict[str, Any] = {}
        digest = ""
        for _ in range(keys):
            key = reader.text(LONGEST_KEY)
            kind = reader.number("<I")
            if words and key == WORDS and kind == ARRAY:
                found[key], digest = reader.words(words)
            else:
                found[key] = reader.value(kind)
        table = [_tensor(reader) for _ in range(tensors)]
        alignment = found.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 2**16 or alignment & (alignment - 1):
            raise BadHeader(f"an alignment of {alignment}")
        begin = -(-file.tell() // alignment) * alignment
        for _, _, at, needed in table:
            if at % alignment or begin + at + needed > size:
                raise BadHeader("a tensor that lies outside the file")
        parameters, output = sum(count for _, count, _, _ in table), any(name == "output.weight" for name, *_ in table)
        return {"metadata": found, "tensors": tensors, "parameters": parameters, "output": output, "words": digest}


def _tensor(reader: Reader) -> tuple[str, int, int, int]:
    """Name, number of values, place, and bytes of the next tensor (of a type that is not known here: one byte at least)."""
    name, sides = reader.text(LONGEST_KEY), reader.number("<I")
    if sides > 8:
        raise BadHeader(f"a tensor with {sides} dimensions")
    count = 1
    for _ in range(sides):
        count *= reader.number("<Q")
    kind, at = reader.number("<I"), reader.number("<Q")
    values, size = BLOCKS.get(kind, (0, 0))
    if count < 1 or kind > 255 or (values and count % values):
        raise BadHeader(f"a tensor of {count} values of the kind {kind}")
    return name, count, at, count // values * size if values else 1


def main(path: str, most_bytes: int, seconds: int, words: int = 0) -> int:
    """Print what the header says; 1 with a reason on stderr."""
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        found = read_header(path, words)
    except (BadHeader, OSError, struct.error, MemoryError) as error:
        sys.stderr.write(str(error) or type(error).__name__)
        return 1
    metadata = found["metadata"]
    kept = {key: value for key, value in metadata.items() if not isinstance(value, str) or len(value) < 200 or key == TEMPLATE}
    if isinstance(kept.get(TEMPLATE), str):
        kept[TEMPLATE] = kept[TEMPLATE][: LONGEST_TEMPLATE + 1]
    numbers = {key: value for key, value in kept.items() if not isinstance(value, float) or math.isfinite(value)}
    sys.stdout.write(json.dumps(found | {"metadata": numbers}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:5])))
