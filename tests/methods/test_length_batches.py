"""Is a GRPO step with replies sorted by length the step that TRL makes, with less padding?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from safetensors.torch import load_file  # noqa: E402
from trl.trainer.grpo_trainer import GRPOTrainer  # noqa: E402

from twofold.methods import Grpo  # noqa: E402
from twofold.methods.trl import length_batches as like_lengths  # noqa: E402
from twofold.methods.trl.length_batches import LikeLengths, by_length  # noqa: E402
from twofold.types import Problem, Response, Scorer, Verdict  # noqa: E402

PROBLEMS = [
    Problem(question=question)
    for question in ("what is two", "it", "is it four and is it two", "and what is it")
]


@final
@dataclass(frozen=True)
class Share(Scorer):
    """The share of letters that are t or o."""

    @property
    def name(self) -> str:
        return "share"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        shares = [sum(c in "to" for c in r.raw) / max(1, len(r.raw)) for r in responses]
        return [Verdict(share) for share in shares]


GRPO = Grpo(
    reward=Share(),
    steps=1,
    batch=4,
    num_generations=4,
    accumulation=4,
    max_completion_length=12,
    learning_rate=1.0,
    precheck_problems=0,
    trl={"optim": "sgd", "max_grad_norm": 1e9},
)


@pytest.mark.parametrize("extra", [{}, {"loss_type": "bnpo"}, {"beta": 0.5}])
def test_the_same_step_as_trl(
    extra: dict[str, object], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = replace(GRPO, trl=GRPO.trl | extra)
    ours = method.train(str(tiny), PROBLEMS, out=tmp_path / "ours")
    monkeypatch.setattr(like_lengths, "LikeLengths", GRPOTrainer)
    theirs = method.train(str(tiny), PROBLEMS, out=tmp_path / "theirs")
    base, a, b = (load_file(f / "model.safetensors") for f in (tiny, ours.folder, theirs.folder))
    moved = max(float((b[name] - base[name]).abs().max()) for name in base)
    assert moved > 1e-3
    for name in base:
        assert torch.allclose(a[name], b[name], atol=moved * 1e-3), name


def test_fewer_tokens_are_read(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[int, int]] = []
    theirs = GRPOTrainer._get_per_token_logps_and_entropies

    def watched(self: Any, model: Any, ids: Any, mask: Any, *args: Any, **kwargs: Any) -> Any:
        read.append((ids.numel(), int(mask.sum())))
        return theirs(self, model, ids, mask, *args, **kwargs)

    monkeypatch.setattr(GRPOTrainer, "_get_per_token_logps_and_entropies", watched)
    counts = []
    for name, trainer in (("ours", LikeLengths), ("theirs", GRPOTrainer)):
        monkeypatch.setattr(like_lengths, "LikeLengths", trainer)
        read.clear()
        GRPO.train(str(tiny), PROBLEMS, out=tmp_path / name)
        counts.append([sum(column) for column in zip(*read, strict=True)])
    (ours, own), (trl, same) = counts
    assert own == same
    assert own < ours < trl


def masks(prompts: Sequence[int], said: Sequence[int]) -> dict[str, Any]:
    """Rows with prompts on the right of their columns and replies on the left."""
    width, room = max(prompts), max(said)
    return {
        "prompt_mask": torch.tensor([[0] * (width - n) + [1] * n for n in prompts]),
        "completion_mask": torch.tensor([[1] * n + [0] * (room - n) for n in said]),
    }


def test_padding_of_a_real_step_is_under_15_percent() -> None:
    rng = np.random.default_rng(0)
    prompts = np.repeat(rng.integers(77, 198, size=64), 8).tolist()
    said = np.where(rng.random(512) < 0.03, 128, rng.integers(30, 101, size=512)).tolist()
    rows = masks(prompts, said)
    pieces = [{key: value[i : i + 64] for key, value in rows.items()} for i in range(0, 512, 64)]
    columns = 0
    for piece in by_length(pieces):
        lengths = piece["prompt_mask"].sum(1) + piece["completion_mask"].sum(1)
        columns += 64 * int(lengths.max())
    needed = sum(prompts) + sum(said)
    assert 1 - needed / columns < 0.15
    assert 1 - needed / (512 * (max(prompts) + max(said))) > 0.3


def test_numbers_lists_and_nothing_stay_with_their_rows() -> None:
    rows = masks([1, 2, 1, 1], [1, 1, 3, 1])  # lengths 2, 3, 4, 2
    n = torch.tensor(9)
    pieces = [
        {**{k: v[i : i + 2] for k, v in rows.items()}, "n": n, "none": None, "names": names}
        for i, names in ((0, ["a", "b"]), (2, ["c", "d"]))
    ]
    found = by_length(pieces)
    assert [piece["names"] for piece in found] == [["c", "b"], ["a", "d"]]
    assert all(piece["n"] is n and piece["none"] is None for piece in found)
    assert [piece["names"] for piece in pieces] == [["a", "b"], ["c", "d"]]
