"""Ids behind the vocabulary are read as vectors: everywhere, in every row, with gradients, and not after."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM  # noqa: E402

from twofold.models.decode import PlannedRow, decode  # noqa: E402
from twofold.models.soft_tokens import soft_tokens  # noqa: E402
from twofold.types import Sampling  # noqa: E402

N, WIDTH = 11, 16


def llama() -> Any:
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "hidden_size": WIDTH,
        "intermediate_size": 24,
        "num_attention_heads": 2,
    }
    return LlamaForCausalLM(LlamaConfig(vocab_size=N, num_hidden_layers=2, **shape)).eval()


def gpt2() -> Any:
    torch.manual_seed(0)
    shape: dict[str, Any] = {"n_embd": WIDTH, "n_layer": 2, "n_head": 2, "n_positions": 64}
    network: Any = GPT2LMHeadModel(GPT2Config(vocab_size=N, **shape))
    return network.eval()


@pytest.mark.parametrize("made", [llama, gpt2])
def test_they_are_read_as_embeddings_given_by_hand(made: Any) -> None:
    network = made()
    embed = network.get_input_embeddings().weight.detach()
    vectors = torch.randn(3, WIDTH)
    ids = torch.tensor([[4, N, 5, N + 2], [N + 1, 4, N + 1, 3]])
    by_hand = torch.stack(
        [
            torch.stack([embed[4], vectors[0], embed[5], vectors[2]]),
            torch.stack([vectors[1], embed[4], vectors[1], embed[3]]),
        ]
    )
    with torch.no_grad(), soft_tokens(network, vectors):
        found = network(input_ids=ids).logits
        expected = network(inputs_embeds=by_hand).logits
    assert torch.allclose(found, expected, atol=1e-6)


def test_gradients_reach_the_vectors_that_are_read_and_no_others() -> None:
    network = llama().requires_grad_(False)
    vectors = torch.randn(3, WIDTH, requires_grad=True)
    with soft_tokens(network, vectors):
        network(input_ids=torch.tensor([[4, N + 1, 5]])).logits[0, -1, 2].backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().sum(1).gt(0).tolist() == [False, True, False]
    step = 1e-2 * torch.eye(1, WIDTH)[0]
    around = []
    for sign in (1, -1):
        moved = vectors.detach() + sign * torch.stack([0 * step, step, 0 * step])
        with torch.no_grad(), soft_tokens(network, moved):
            around.append(network(input_ids=torch.tensor([[4, N + 1, 5]])).logits[0, -1, 2])
    slope = float(around[0] - around[1]) / 2e-2
    assert slope == pytest.approx(float(vectors.grad[1, 0]), rel=0.02, abs=1e-4)


def test_afterwards_an_unknown_id_is_an_error_again() -> None:
    network = llama()
    with pytest.raises(RuntimeError), soft_tokens(network, torch.zeros(1, WIDTH)):
        raise RuntimeError
    assert not network.get_input_embeddings()._forward_hooks
    with pytest.raises(IndexError):
        network(input_ids=torch.tensor([[N]]))


def test_vectors_of_another_width_are_refused() -> None:
    reading = soft_tokens(llama(), torch.zeros(1, 17))
    with pytest.raises(ValueError, match="17 numbers, an embedding 16"), reading:
        pass


def test_a_batch_of_unequal_rows_decodes_as_each_row_alone() -> None:
    """Equal ids with equal vectors are read once, others are not mixed up when rows leave the batch."""
    network = llama()
    vectors = 3 * torch.randn(4, WIDTH)
    prompts = [(4, N, 5), (2, 4, 7, N + 1, 5), (N + 2, 5), (4, N, 5), (1, 1, 1, 4, N + 3, 5)]
    rows = [PlannedRow(ids, seed=i, limit=3 + 2 * i) for i, ids in enumerate(prompts)]
    sampling = Sampling(max_tokens=12, temperature=1.0)
    with torch.inference_mode(), soft_tokens(network, vectors):
        together = decode(network, rows, sampling, eos=[2])
        alone = [decode(network, [row], sampling, eos=[2])[0] for row in rows]
    assert together == alone
    assert len({tuple(each or ()) for each in together}) > 1
