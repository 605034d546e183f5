"""Opening foreign text files: what is missing, compressed or in another encoding is said before a row is read."""

import codecs
from io import BufferedReader
from pathlib import Path

from pada_local.data.refusal import MAX_ROW_BYTES, Refused
from pada_local.errors import DataError, MissingError

ENCODINGS = ("utf-8", "latin-1", "cp1252")
"""Encodings in which a line end is one byte that means nothing else, so that lines can be found before decoding."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COMPRESSED = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}
_WIDE = (b"\xff\xfe", b"\xfe\xff")


def open_data(path: Path) -> BufferedReader:
    """The file, opened to be read as bytes. Raises MissingError or DataError."""
    try:
        if not path.is_file():
            raise MissingError("The data file is not there.", str(path), "Check the path. See docs/data.md for the formats.")
        file = path.open("rb")
    except OSError as problem:
        raise DataError("The data file cannot be read.", f"{path}: {problem.strerror}", "Check its permissions.") from problem
    start = file.peek(3)[:3]
    kind = next((name for magic, name in _COMPRESSED.items() if start.startswith(magic)), "")
    if kind:
        file.close()
        raise DataError("The data file is compressed.", f"{path} looks like {kind}.", "Unpack it first.")
    if start.startswith(_WIDE):
        file.close()
        raise DataError("The data file is written in UTF-16.", str(path), "Save it as UTF-8 first.")
    return file


def read_line(file: BufferedReader, max_bytes: int = MAX_ROW_BYTES) -> bytes:
    """The next line with its end, b"" at the end of the file; a line that is too long raises Refused and is not read on."""
    line = file.readline(max_bytes + 1)
    if len(line) > max_bytes:
        raise Refused(f"the row is longer than {max_bytes:,} bytes")
    return line


def decoded(line: bytes, encoding: str) -> str:
    """The line as text. Raises Refused."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as problem:
        hint = "; if the file is older than that, try --encoding latin-1" if encoding == "utf-8" else ""
        raise Refused(f"byte {problem.start + 1} is not {encoding.upper()}{hint}") from problem


def encoding_of(path: Path, otherwise: str) -> str:
    """utf-8, or `otherwise` for a file that is not; looked at only when another encoding than utf-8 is allowed."""
    if otherwise == "utf-8":
        return otherwise
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_data(path) as file:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return otherwise
    return "utf-8"
