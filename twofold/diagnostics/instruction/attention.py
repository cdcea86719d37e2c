"""Where does the model look when the reply begins? Attention on the instruction.

The attention mass of the reply's first tokens on the constraints' sentences, against an equally long span
of the question, in multiples of uniform attention. Attention is no cause: it is shown beside the arms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from twofold.models.memory import available_bytes
from twofold.storage.jsonl import Row
from twofold.types import Message, OpenModel

LOOKING = 8  # first tokens of the reply whose attention is read
MOST_TOKENS = 2048  # longer sequences are not read: attention maps grow quadratically


@final
@dataclass(frozen=True)
class Spans:
    """Two equally long spans of a prompt, in tokens: the instruction, and a part of the question."""

    instruction: tuple[int, int]
    control: tuple[int, int]


def spans(model: OpenModel, chat: Sequence[Message], instruction: str) -> Spans | None:
    """The instruction's tokens in a rendered chat, and a control span before it.

    None if the text is not there, or the question is shorter than it.
    """
    text = model.render(chat)
    at = text.rfind(instruction)
    if at < 0 or not instruction:
        return None
    encoded = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    inside = [
        i
        for i, (a, b) in enumerate(encoded["offset_mapping"])
        if a < at + len(instruction) and b > at and b > a
    ]
    question_at = text.find(chat[-1]["content"][:20])
    before = [i for i, (a, _) in enumerate(encoded["offset_mapping"]) if question_at <= a < at]
    if not inside or len(before) < len(inside):
        return None
    start = before[(len(before) - len(inside)) // 2]
    return Spans((inside[0], inside[-1] + 1), (start, start + len(inside)))


def looked_at(
    model: OpenModel, prompt: Sequence[int], reply: Sequence[int], start: int, where: Spans
) -> Row:
    """The attention of the reply's visible tokens, from `start` on, to either span.

    Read with the eager kernel, the only one that returns attention weights.

    Returns:
        `{"instruction": x, "control": y, "distance": tokens between instruction and reply}`, x and y
        in multiples of uniform attention, averaged over layers and heads; or `{"reason": ...}`.
    """
    import torch

    ids = [*prompt, *reply[: start + LOOKING]]
    if len(ids) > MOST_TOKENS:
        return {"reason": f"the sequence has {len(ids)} tokens, more than {MOST_TOKENS}"}
    if len(reply) <= start:
        return {"reason": "there is no reply behind the thought"}
    network: Any = model.network
    needed, left = _needed(network.config, len(ids)), available_bytes()
    if needed > left:
        return {"reason": f"the maps need {needed:,} bytes, and {left:,} are left"}
    kernel = network.config._attn_implementation
    network.set_attn_implementation("eager")
    try:
        device = next(network.parameters()).device
        with torch.inference_mode():
            said = network(torch.tensor([ids], device=device), output_attentions=True)
    finally:
        network.set_attn_implementation(kernel)
    found = [layer for layer in getattr(said, "attentions", None) or () if layer is not None]
    if not found:
        return {"reason": "the network gives no attention weights"}
    rows = range(len(prompt) + start, len(ids))
    weights = torch.stack([layer[0].float().mean(0) for layer in found]).mean(0)  # (query, key)

    def times_even(span: tuple[int, int]) -> float:
        shares = [float(weights[q, span[0] : span[1]].sum()) for q in rows]
        even = [(span[1] - span[0]) / (q + 1) for q in rows]
        return round(sum(s / e for s, e in zip(shares, even, strict=True)) / len(shares), 6)

    return {
        "instruction": times_even(where.instruction),
        "control": times_even(where.control),
        "distance": len(prompt) + start - where.instruction[1],
    }


def _needed(config: Any, n_tokens: int) -> int:
    """Bytes of the attention maps and logits of one sequence, in float32, as far as `config` says."""
    layers, heads, vocabulary = (
        getattr(config, name, None) or 0
        for name in ("num_hidden_layers", "num_attention_heads", "vocab_size")
    )
    return (
        4 * n_tokens * ((layers + 3) * heads * n_tokens + vocabulary)
    )  # one layer's is made thrice
