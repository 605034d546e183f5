"""Teachers whose file holds another chat template."""

import struct
from pathlib import Path

ALIGNMENT = 32


def with_template(source: Path, target: Path, template: str) -> Path:
    """A copy of a GGUF file with this chat template, padded so that the tensors behind the header stay aligned."""
    whole = source.read_bytes()
    at = whole.index(b"tokenizer.chat_template") + len(b"tokenizer.chat_template")
    kind, length = struct.unpack_from("<IQ", whole, at)
    assert kind == 8
    text = template.encode()
    text += b" " * ((length - len(text)) % ALIGNMENT)
    target.write_bytes(whole[:at] + struct.pack("<IQ", kind, len(text)) + text + whole[at + 12 + length :])
    return target
