"""A CTranslate2 Whisper model.bin as an openai-whisper checkpoint, without loss.

The file's layout is that of `ctranslate2/specs/model_spec.py::ModelSpec._serialize` (binary version 6, little-endian):
version, specification name, revision, then variables (name, shape, type, bytes), then aliases. Its tensors are those
of the original fp16 checkpoint, with two differences: the query, key and value projections are stacked, and the key
projection, which has no bias in Whisper, got one of zeros. Whatever cannot be undone exactly is refused.
"""

import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from transcribe.errors import EngineError
from transcribe.schema import Quiet, record

Tensor = npt.NDArray[Any]

BINARY_VERSION = 6
SPECIFICATION = ("WhisperSpec", 3)
DTYPES = {0: "<f4", 4: "<f2"}
"""By type number. Integers are quantised weights; bfloat16 has no NumPy type, and no published Whisper file uses it."""
SCALARS = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4"}

BUILT_IN = {"activation": 3, "alibi": 0, "pre_norm": 1, "scale_embeddings": 0, "start_from_zero_embedding": 0}
"""Decoder settings that openai-whisper has built in; 3 is the exact GELU."""
HEADS = {"encoder/num_heads", "decoder/num_heads"}
IGNORED = {
    "decoder/alignment_heads",
    "decoder/alignment_layer",
    "decoder/alibi_use_positive_positions",
    "decoder/scale_alibi",
}
"""Of guided alignment in translation models, and of ALiBi, which is off. Whisper's alignment heads: config.json."""

TIED = {"decoder/projection/weight": "decoder/embeddings/weight"}
"""The output projection is the token embedding; openai-whisper has that built in."""
ENDS = {
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "encoder/layer_norm": "encoder.ln_post",
    "encoder/position_encodings": "encoder",
    "decoder/layer_norm": "decoder.ln",
    "decoder/position_encodings": "decoder",
    "decoder/embeddings": "decoder.token_embedding",
}
PARTS = {
    "self_attention/layer_norm": ("attn_ln",),
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "self_attention/linear_1": ("attn.out",),
    "attention/layer_norm": ("cross_attn_ln",),
    "attention/linear_0": ("cross_attn.query",),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
    "attention/linear_2": ("cross_attn.out",),
    "ffn/layer_norm": ("mlp_ln",),
    "ffn/linear_0": ("mlp.0",),
    "ffn/linear_1": ("mlp.2",),
}
"""CTranslate2's parts of a layer, and the openai-whisper modules stacked in each."""
KINDS = {
    "weight": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "encodings": "positional_embedding",
}


@record
class Checkpoint(Quiet):
    """What `whisper.model.Whisper` is made of: the ten `ModelDimensions`, the state by key, and the alignment heads.

    `alignment_heads` are (layer, head) pairs of the decoder, or None where the folder does not name them.
    """

    dims: Mapping[str, int]
    state: Mapping[str, Tensor]
    alignment_heads: tuple[tuple[int, int], ...] | None


def convert(folder: Path) -> Checkpoint:
    """The checkpoint in a CTranslate2 folder (model.bin, config.json). Raises EngineError if it is not one."""
    variables = read_variables(folder / "model.bin")
    state = {key: tensor for name, value in variables.items() for key, tensor in _unstack(name, value)}
    try:
        return Checkpoint(dims=_dims(variables, state), state=state, alignment_heads=_alignment_heads(folder))
    except KeyError:
        raise _refused("a tensor is missing") from None


def read_variables(path: Path) -> dict[str, Tensor]:
    """All variables of a model.bin, aliases left out. The arrays are views of the mapped file, read-only.

    Raises EngineError for a damaged file, another kind of model, or quantised weights.
    """
    try:
        reader = _Reader(np.memmap(path, dtype=np.uint8, mode="r"))
        version, specification = reader.number("<I"), (reader.string(), reader.number("<I"))
        if (version, specification) != (BINARY_VERSION, SPECIFICATION):
            raise _refused("it is of another version or kind of model")
        variables = dict(reader.variable() for _ in range(reader.number("<I")))
        aliases = {reader.string(): reader.string() for _ in range(reader.number("<I"))}
    except (OSError, ValueError, struct.error):
        raise _refused("the file is missing or damaged") from None
    if aliases != TIED:
        raise _refused("its output projection is not its token embedding")
    return variables


class _Reader:
    """Reads the records of a model.bin in their order."""

    def __init__(self, data: npt.NDArray[np.uint8]) -> None:
        self._data = data
        self._at = 0

    def _take(self, count: int) -> npt.NDArray[np.uint8]:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise ValueError("cut short")
        self._at += count
        return taken

    def number(self, form: str) -> int:
        value: int = struct.unpack(form, self._take(struct.calcsize(form)).tobytes())[0]
        return value

    def string(self) -> str:
        """A length that counts the final zero byte, then UTF-8."""
        return self._take(self.number("<H")).tobytes()[:-1].decode()

    def variable(self) -> tuple[str, Tensor]:
        name = self.string()
        shape = tuple(self.number("<I") for _ in range(self.number("<B")))
        dtype = (DTYPES if shape else SCALARS).get(self.number("<B"))
        if dtype is None:
            raise _refused("its weights are quantised")
        return name, self._take(self.number("<I")).view(dtype).reshape(shape)


def _unstack(name: str, value: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The openai-whisper keys and tensors in one variable; none for a setting. Raises EngineError if it is unknown."""
    if value.ndim == 0:
        _check_setting(name, int(value))
        return
    parent, _, attribute = name.rpartition("/")
    kind = KINDS.get(attribute)
    if kind and parent in ENDS:
        yield f"{ENDS[parent]}.{kind}", value
        return
    layer = re.fullmatch(r"(encoder|decoder)/layer_(\d+)/(.+)", parent)
    modules = PARTS.get(layer[3]) if layer else None
    if not kind or not layer or not modules or len(value) % len(modules):
        raise _refused("it holds a tensor that Whisper has not")
    for module, tensor in zip(modules, np.split(value, len(modules)), strict=True):
        if kind == "bias" and module.endswith(".key"):
            if tensor.any():
                raise _refused("its key projection has a bias")
            continue
        yield f"{layer[1]}.blocks.{layer[2]}.{module}.{kind}", tensor


def _check_setting(name: str, value: int) -> None:
    if name in HEADS or name in IGNORED:
        return
    side, _, setting = name.rpartition("/")
    if side != "decoder" or BUILT_IN.get(setting) != value:
        raise _refused("a setting of it is not Whisper's")


def _dims(variables: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, int]:
    """`whisper.model.ModelDimensions`, read off the shapes."""

    def layers(side: str) -> int:
        return sum(bool(re.fullmatch(rf"{side}\.blocks\.\d+\.attn\.key\.weight", key)) for key in state)

    n_audio_ctx, n_audio_state = state["encoder.positional_embedding"].shape
    n_text_ctx, n_text_state = state["decoder.positional_embedding"].shape
    return {
        "n_mels": state["encoder.conv1.weight"].shape[1],
        "n_audio_ctx": n_audio_ctx,
        "n_audio_state": n_audio_state,
        "n_audio_head": int(variables["encoder/num_heads"]),
        "n_audio_layer": layers("encoder"),
        "n_vocab": len(state["decoder.token_embedding.weight"]),
        "n_text_ctx": n_text_ctx,
        "n_text_state": n_text_state,
        "n_text_head": int(variables["decoder/num_heads"]),
        "n_text_layer": layers("decoder"),
    }


def _alignment_heads(folder: Path) -> tuple[tuple[int, int], ...] | None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        heads = config.get("alignment_heads")
        return tuple((int(layer), int(head)) for layer, head in heads) if heads else None
    except (OSError, ValueError, TypeError, AttributeError):
        raise _refused("its config.json is missing or damaged") from None


def _refused(why: str) -> EngineError:
    return EngineError(
        f"the CTranslate2 weights cannot be converted for openai-whisper: {why}",
        advice="fetch the model again, or use the faster-whisper engine",
        stage="recognise",
    )
