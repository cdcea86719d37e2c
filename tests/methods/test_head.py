"""Do whole rows reach the output head, whoever calls the network? Slices are multiplied row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from twofold.methods import Grpo  # noqa: E402
from twofold.methods.trl.trainable_model import TrainableModel  # noqa: E402
from twofold.models import decode, loading  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.prefix_scoring import passes, unpacked  # noqa: E402
from twofold.prefix_scoring.tree import Branch, Tree  # noqa: E402
from twofold.scorers import Correct  # noqa: E402
from twofold.types import Problem, Sampling  # noqa: E402

N_TOKENS = 277
PROBLEMS = [Problem(question="what is two and two", answer="4")]
CHATS = [PROBLEMS[0].messages(), Problem(question="is it", answer="2").messages()]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reaches the head from now on: each input of a layer that has as many outputs as tokens."""
    found: list[Any] = []
    usual = torch.nn.Linear.forward

    def forward(layer: Any, states: Any) -> Any:
        if layer.out_features == N_TOKENS:
            found.append(states)
        return usual(layer, states)

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    return found


def sampled(tiny: Path) -> None:
    HfModel(str(tiny), use_cache=False).sample(CHATS, Sampling(max_tokens=3), n=2)


def sampled_without_reading_ahead(tiny: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "read_prompts", lambda *_: None)
        sampled(tiny)


def scored_one_by_one(tiny: Path) -> None:
    place = passes.Place(HfModel(str(tiny)).network)
    tree = Tree((1, 40, 7, 99, 12), (Branch(2, (5, 6)), Branch(4, (7, 8, 9))))
    with torch.inference_mode():
        unpacked.scored(place, tree)


def trained(tiny: Path, lora: int | None) -> None:
    Grpo(
        reward=Correct(),
        steps=1,
        batch=2,
        num_generations=2,
        max_completion_length=4,
        precheck_problems=0,
        lora=lora,
    ).train(str(tiny), PROBLEMS * 2, out=tiny.parent / f"grpo-{lora}")


def generated_by_the_reference(tiny: Path) -> None:
    network = TrainableModel(str(tiny), lora=None).reference().requires_grad_(False)
    network.generate(torch.tensor([[1, 40, 7], [1, 99, 12]]), max_new_tokens=2, pad_token_id=2)


USES: dict[str, Callable[[Path], None]] = {
    "sampling": sampled,
    "sampling of a network without positions": sampled_without_reading_ahead,
    "plain scoring": scored_one_by_one,
    "TRL's sampling, all weights": lambda tiny: trained(tiny, None),
    "TRL's sampling, an adapter": lambda tiny: trained(tiny, 2),
    "a reference": generated_by_the_reference,
}


@pytest.mark.parametrize("use", USES)
def test_whole_rows_reach_the_head(tiny: Path, tmp_path: Path, given: list[Any], use: str) -> None:
    place = tmp_path / "model"
    place.symlink_to(tiny)
    USES[use](place)
    several = [states for states in given if states.ndim == 3 and len(states) > 1]
    assert several, "the head was not used"
    assert all(states.is_contiguous() for states in given)


# Those that need no help, and so give bit for bit the numbers that they gave before.
WHOLE = {"sampling"}


@pytest.mark.parametrize("use", USES)
def test_without_the_hook_slices_do(
    tiny: Path, tmp_path: Path, given: list[Any], use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "put_rows_together", lambda network: None)
    place = tmp_path / "model"
    place.symlink_to(tiny)
    USES[use](place)
    assert all(states.is_contiguous() for states in given) == (use in WHOLE)


@pytest.mark.parametrize("kept", [["lm_head"], ["embed_tokens", "lm_head"]])
def test_a_head_that_an_adapter_brings_gets_whole_rows(
    tiny: Path, tmp_path: Path, given: list[Any], kept: list[str]
) -> None:
    import peft

    from twofold.models.quiet import quiet

    with quiet():
        made = peft.get_peft_model(
            HfModel(str(tiny)).network,
            peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=kept),
        )
        made.save_pretrained(tmp_path / "adapter")
    networks = [
        HfModel(str(tmp_path / "adapter")).network,
        TrainableModel(str(tmp_path / "adapter"), lora=None).network,
    ]
    for network in networks:
        given.clear()
        with torch.inference_mode():
            network(torch.tensor([[1, 40, 7], [1, 99, 12]]), logits_to_keep=1)
        assert [states.is_contiguous() for states in given] == [True]


def test_the_hook_is_set_once_and_leaves_values_and_gradients(tiny: Path) -> None:
    network = HfModel(str(tiny)).network
    head = network.get_output_embeddings()
    loading.put_rows_together(network)
    assert len(head._forward_pre_hooks) == 1
    states = torch.randn(3, 5, 32, requires_grad=True)
    head(states[:, -2:]).square().sum().backward()
    grad = states.grad
    right = states.detach().clone().requires_grad_()
    (right[:, -2:] @ head.weight.T).square().sum().backward()
    torch.testing.assert_close(grad, right.grad)
