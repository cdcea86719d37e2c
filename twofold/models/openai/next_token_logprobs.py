"""What are the log-probabilities of a served model's first token?

They come from `logprobs` and `top_logprobs` of a `chat/completions` call with `max_tokens` 1, as served
by vLLM, SGLang and llama.cpp. Most servers return at most 20 tokens, some return none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from twofold.models.openai.failure import Failure
from twofold.models.openai.model import ServerModel
from twofold.models.openai.request import request_body, sample_seed
from twofold.types import Message, Sampling

TOP = 20  # the largest `top_logprobs` that the interface allows
LEAST = -9999.0  # stands for minus infinity, nats


@final
@dataclass(frozen=True)
class NextTokenLogprobs:
    """The likeliest next tokens after a prompt: log-probabilities in nats by token text, or an error."""

    logprobs: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


def next_token_logprobs(
    model: ServerModel, prompts: Sequence[Sequence[Message]]
) -> list[NextTokenLogprobs]:
    """The likeliest first tokens of the reply to each prompt, requested concurrently.

    Raises:
        ModelError: If the server cannot be reached, or rejects key, path, model or log-probabilities.
    """
    if not prompts:
        return []
    sampling, asked = Sampling(max_tokens=1), {"logprobs": True, "top_logprobs": TOP}
    bodies = (
        request_body(
            model.model, prompt, sampling, seed=sample_seed(0, prompt, 0), more=model.request
        )
        | asked
        for prompt in prompts
    )
    found = {
        i: NextTokenLogprobs(error=answer.reason)
        if isinstance(answer, Failure)
        else read_logprobs(answer)
        for i, answer in model.completions(enumerate(bodies))
    }
    return [found[i] for i in range(len(prompts))]


def read_logprobs(answer: object) -> NextTokenLogprobs:
    """The first token's log-probabilities in a server's answer.

    If a text occurs twice (two tokens of one spelling), the larger number counts.
    """
    found: dict[str, float] = {}
    for entry in _entries(answer):
        fields = entry if isinstance(entry, dict) else {}
        token, nats = fields.get("token"), fields.get("logprob")
        if not isinstance(token, str) or not isinstance(nats, (int, float)) or not nats <= 1e-3:
            return NextTokenLogprobs(error="the server's log-probabilities cannot be read")
        found[token] = max(float(min(0.0, max(nats, LEAST))), found.get(token, LEAST))
    error = "" if found else "the server returns no log-probabilities"
    return NextTokenLogprobs(found, error)


def _entries(answer: object) -> list[object]:
    """The `top_logprobs` of the first token; empty if the answer has another form."""
    at: Any = answer
    for key in ("choices", 0, "logprobs", "content", 0, "top_logprobs"):
        try:
            at = at[key]
        except (KeyError, IndexError, TypeError):
            return []
    return at if isinstance(at, list) else []
