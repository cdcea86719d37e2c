"""What is sent for one reply?

One request asks for one reply, since many servers ignore `n`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from twofold.errors import ModelError
from twofold.types import Message, Sampling

# What other options and arguments of a call decide.
_TAKEN = {
    "model": "name the model after # in the URL",
    "messages": "the problems are the messages",
    "stream": "replies are read whole",
    "n": "use --samples",
    "max_tokens": "use --max-tokens",
    "temperature": "use --temperature",
    "top_p": "use --top-p",
    "seed": "use --seed",
}
# Of those, what may be left out of a request by the value null.
_MAY_BE_NULL = ("stream", "max_tokens", "temperature", "top_p", "seed")


def sample_seed(seed: int, prompt: Sequence[Message], sample: int) -> int:
    """The seed of one reply, in [0, 2**31), from the run's seed, the prompt and the sample index.

    It does not depend on the prompt's place in the list, so resumed and distributed runs send the
    same seeds. Servers may ignore it.
    """
    text = json.dumps([seed, list(prompt), sample], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def request_body(
    model: str,
    prompt: Sequence[Message],
    sampling: Sampling,
    *,
    seed: int,
    more: Mapping[str, object] = MappingProxyType({}),
) -> dict[str, object]:
    """The body of the request for one reply; lone surrogates become U+FFFD, for UTF-8.

    `more` adds parameters, or leaves out those that it gives as None.

    Example:
        >>> from twofold.types import Message, Sampling
        >>> more = {"seed": None, "top_k": 20}
        >>> body = request_body("m", [], Sampling(max_tokens=9), seed=3, more=more)
        >>> {k: v for k, v in body.items() if k not in ("model", "messages", "stream")}
        {'max_tokens': 9, 'temperature': 0.0, 'top_p': 1.0, 'top_k': 20}
    """
    body: dict[str, object] = {
        "model": model,
        "messages": [{k: _sendable(str(v)) for k, v in message.items()} for message in prompt],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed,
        "stream": False,
    }
    return {k: v for k, v in (body | dict(more)).items() if v is not None}


def check_parameters(more: Mapping[str, object]) -> None:
    """Refuse parameters that are given elsewhere; a `ModelError` names where."""
    for name, value in more.items():
        if name in _TAKEN and not (value is None and name in _MAY_BE_NULL):
            raise ModelError(f"{name} cannot be added to a request; {_TAKEN[name]}")


def parameter(text: str) -> tuple[str, object]:
    """A parameter as typed, `key=value`; the value is JSON if it reads as JSON, else a text.

    Raises:
        ModelError: If there is no `=`, the key is empty, or the value holds NaN or infinity.

    Example:
        >>> parameter("top_k=20"), parameter("reasoning_effort=low")
        (('top_k', 20), ('reasoning_effort', 'low'))
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise ModelError(f"{text!r} is not a parameter of a request; write key=value")

    def refuse(constant: str) -> object:
        raise ModelError(f"{text!r}: JSON has no {constant}; give a number or a text in quotes")

    try:
        return key, json.loads(value, parse_constant=refuse)
    except (ValueError, RecursionError):
        return key, value


def _sendable(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
