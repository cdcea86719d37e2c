"""Does leaving the prompt's positions out change what is learned? It must not."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from safetensors.torch import load_file  # noqa: E402

from twofold.methods import Sft  # noqa: E402
from twofold.methods.trl import compact_loss as compact  # noqa: E402
from twofold.types import Problem  # noqa: E402

ASKED = [Problem(question=q, answer="4") for q in ("what is two and two", "is it four", "what")]
TOLD = ["four", "it is four and four and four", "two and two"]


def trained(tiny: Path, out: Path, *, lora: int | None, accumulation: int) -> Path:
    """Two steps of three rows each, on replies of different lengths."""
    file = out.with_suffix(".jsonl")
    rows = [{"problem": p.id, "raw": raw} for p, raw in zip(ASKED, TOLD, strict=True)]
    file.write_text("\n".join(map(json.dumps, rows)))
    method = Sft(
        demonstrations=file,
        learning_rate=1e-2,
        batch=3,
        accumulation=accumulation,
        epochs=2,
        lora=lora,
    )
    return method.train(str(tiny), ASKED, out=out).folder


@pytest.mark.parametrize(("lora", "accumulation"), [(None, 1), (4, 1), (None, 3)])
def test_it_learns_what_trl_does(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora: int | None, accumulation: int
) -> None:
    theirs = trained(tiny, tmp_path / "trl", lora=lora, accumulation=accumulation)
    monkeypatch.setattr(compact, "LARGE", 0)
    ours = trained(tiny, tmp_path / "compact", lora=lora, accumulation=accumulation)
    name = "adapter_model.safetensors" if lora else "model.safetensors"
    before = None if lora else load_file(tiny / name)
    found, expected = load_file(ours / name), load_file(theirs / name)
    assert found.keys() == expected.keys()
    for key, weights in expected.items():
        torch.testing.assert_close(found[key], weights, rtol=1e-3, atol=1e-5)
        if before is not None and "layers.0.self_attn.v_proj" in key:
            assert (weights - before[key]).abs().max() > 1e-3, "nothing was learned"
    logged = [(f / "trainer_state.json").read_text() for f in (ours, theirs)]
    assert ["entropy" in text for text in logged] == [False, True], "ours did not run"
    losses = [
        [
            row["loss"]
            for row in json.loads((f / "trainer_state.json").read_text())["log_history"]
            if "loss" in row
        ]
        for f in (ours, theirs)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert len(losses[0]) == 2
