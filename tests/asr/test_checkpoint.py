"""The conversion, tensor by tensor, under a reader and a mapping of the test's own."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import torch
from ctranslate2.specs import WhisperSpec
from whisper.audio import log_mel_spectrogram, pad_or_trim
from whisper.model import ModelDimensions, Whisper

from transcribe.asr.checkpoint import convert, read_variables
from transcribe.asr.whisper_openai import converted
from transcribe.errors import EngineError
from transcribe.schema import Audio

DIMS = ModelDimensions(
    n_mels=80, n_audio_ctx=8, n_audio_state=4, n_audio_head=2, n_audio_layer=2,
    n_vocab=11, n_text_ctx=6, n_text_state=4, n_text_head=2, n_text_layer=1,
)  # fmt: skip


def raw_variables(path: Path) -> dict[str, tuple[tuple[int, ...], bytes]]:
    """Name to shape and bytes, read record by record."""
    with path.open("rb") as file:

        def number(form: str) -> int:
            return struct.unpack(form, file.read(struct.calcsize(form)))[0]

        def string() -> str:
            return file.read(number("<H")).rstrip(b"\0").decode()

        number("<I"), string(), number("<I")
        found = {}
        for _ in range(number("<I")):
            name = string()
            shape = tuple(number("<I") for _ in range(number("<B")))
            number("<B")
            found[name] = shape, file.read(number("<I"))
    return found


def stacked(state: dict[str, np.ndarray], dims: ModelDimensions) -> dict[str, list[np.ndarray]]:
    """Each tensor variable of the file to the checkpoint's tensors that it stacks, written out by hand."""
    made = {
        f"encoder/{conv}/{kind}": [state[f"encoder.{conv}.{kind}"]]
        for conv in ("conv1", "conv2")
        for kind in ("weight", "bias")
    }
    made["decoder/embeddings/weight"] = [state["decoder.token_embedding.weight"]]
    for side, last, layers in (("encoder", "ln_post", dims.n_audio_layer), ("decoder", "ln", dims.n_text_layer)):
        made[f"{side}/position_encodings/encodings"] = [state[f"{side}.positional_embedding"]]
        norms = [(f"{side}/layer_norm", f"{side}.{last}")]
        for n in range(layers):
            theirs, ours = f"{side}/layer_{n}", f"{side}.blocks.{n}"
            for block, attn in (("self_attention", "attn"), ("attention", "cross_attn"))[
                : 2 if side == "decoder" else 1
            ]:
                norms.append((f"{theirs}/{block}/layer_norm", f"{ours}.{attn}_ln"))
                q, k, v, out = (f"{ours}.{attn}.{part}" for part in ("query", "key", "value", "out"))
                groups = [[q, k, v], [out]] if attn == "attn" else [[q], [k, v], [out]]
                for place, group in enumerate(groups):
                    made[f"{theirs}/{block}/linear_{place}/weight"] = [state[f"{key}.weight"] for key in group]
                    made[f"{theirs}/{block}/linear_{place}/bias"] = [
                        np.zeros_like(state[f"{v}.bias"]) if key == k else state[f"{key}.bias"] for key in group
                    ]
            norms.append((f"{theirs}/ffn/layer_norm", f"{ours}.mlp_ln"))
            for place, part in ((0, 0), (1, 2)):
                for kind in ("weight", "bias"):
                    made[f"{theirs}/ffn/linear_{place}/{kind}"] = [state[f"{ours}.mlp.{part}.{kind}"]]
        for there, here in norms:
            made[f"{there}/gamma"], made[f"{there}/beta"] = [state[f"{here}.weight"]], [state[f"{here}.bias"]]
    return made


def assert_lossless(folder: Path) -> None:
    checkpoint = convert(folder)
    dims = ModelDimensions(**checkpoint.dims)
    expected = Whisper(dims).state_dict()
    assert set(checkpoint.state) == set(expected)
    assert all(checkpoint.state[key].shape == tuple(tensor.shape) for key, tensor in expected.items())
    raw = {name: value for name, value in raw_variables(folder / "model.bin").items() if value[0]}
    assert raw.keys() == stacked(dict(checkpoint.state), dims).keys()
    for name, tensors in stacked(dict(checkpoint.state), dims).items():
        whole = np.concatenate(tensors)
        assert whole.shape == raw[name][0], name
        assert whole.tobytes() == raw[name][1], name


def write(folder: Path, dims: ModelDimensions = DIMS, quantization: str | None = None) -> None:
    """A small model with random weights, written by CTranslate2's own converter code."""
    torch.manual_seed(1)
    state = {key: torch.randn(value.shape).half().numpy() for key, value in Whisper(dims).state_dict().items()}
    spec = WhisperSpec(dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer, dims.n_text_head)
    for name, tensors in stacked(state, dims).items():
        at = spec
        *path, attribute = name.split("/")
        for part in path:
            base, _, index = part.rpartition("_")
            at = getattr(at, base)[int(index)] if index.isdigit() and not hasattr(at, part) else getattr(at, part)
        setattr(at, attribute, np.concatenate(tensors))
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.register_vocabulary([str(number) for number in range(dims.n_vocab)])
    spec.validate()
    spec.optimize(quantization)
    spec.config.alignment_heads = [[0, 1]]
    spec.save(str(folder))


def test_what_ctranslate2_writes_comes_back_bit_by_bit(tmp_path: Path) -> None:
    write(tmp_path)
    assert_lossless(tmp_path)
    checkpoint = convert(tmp_path)
    assert ModelDimensions(**checkpoint.dims) == DIMS
    assert checkpoint.alignment_heads == ((0, 1),)
    model = converted(tmp_path)
    assert model.alignment_heads.to_dense().tolist() == [[False, True]]


@pytest.mark.weights
@pytest.mark.parametrize("name", ["whisper-tiny.en", "whisper-base"])
def test_real_weights_convert_without_loss(name: str, model_path: Callable[[str], Path]) -> None:
    assert_lossless(model_path(name))


@pytest.mark.weights
def test_both_engines_encode_alike(model_path: Callable[[str], Path], sample_audio: Audio) -> None:
    folder = model_path("whisper-tiny.en")
    mel = log_mel_spectrogram(pad_or_trim(sample_audio.samples))[None]
    theirs = ctranslate2.models.Whisper(str(folder), compute_type="float32").encode(
        ctranslate2.StorageView.from_array(mel.numpy())
    )
    with torch.no_grad():
        ours = converted(folder).encoder(mel).numpy()
    difference = np.abs(np.asarray(theirs) - ours)
    assert np.allclose(np.asarray(theirs), ours, atol=2e-2), difference.max()
    assert difference.mean() < 1e-3


def test_a_shortened_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "model.bin"
    whole = file.read_bytes()
    for length in (0, 3, 40, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(EngineError):
            read_variables(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        convert(tmp_path)


def test_quantised_weights_are_refused(tmp_path: Path) -> None:
    write(tmp_path, quantization="int8")
    with pytest.raises(EngineError, match="quantised"):
        convert(tmp_path)


def test_another_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "model.bin"
    file.write_bytes(file.read_bytes().replace(b"WhisperSpec", b"WhimperSpec", 1))
    with pytest.raises(EngineError, match="kind of model"):
        convert(tmp_path)


def test_a_key_bias_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "model.bin"
    content = bytearray(file.read_bytes())
    name = b"encoder/layer_0/self_attention/linear_0/bias\0"
    data = content.index(name) + len(name) + 1 + 4 + 1 + 4  # rank, one dimension, type, byte count
    content[data + 2 * DIMS.n_audio_state : data + 2 * DIMS.n_audio_state + 2] = np.float16(1).tobytes()
    file.write_bytes(content)
    with pytest.raises(EngineError, match="key projection"):
        convert(tmp_path)


def test_a_damaged_config_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"alignment_heads": [1, 2]}))
    with pytest.raises(EngineError, match=r"config\.json"):
        convert(tmp_path)
