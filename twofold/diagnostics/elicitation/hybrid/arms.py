"""What do a few of the tuned model's tokens do to the base, and as many at random positions?

The control needs the rate of the arm, so both are made chunk by chunk: a chunk of which anything is missing
is made as a whole, and gives the same rows after any interruption.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from twofold.diagnostics.elicitation.elicitor import Elicited
from twofold.diagnostics.elicitation.hybrid.cross_sampling import CrossSampling
from twofold.diagnostics.elicitation.hybrid.gates import AtRandom, Divergence, Gate
from twofold.diagnostics.elicitation.vocabulary import why_not_together
from twofold.models.hf import HfModel
from twofold.types import Message, Model, Sampling

INJECTED = CrossSampling.name
AT_RANDOM = "random_positions"  # its control
CHUNK = 64  # prompts, enough that their rate is known well

# On the pocket model it found most of what reinforcement gained; the argmax finds little at temperature 1.
GATE: Gate = Divergence(tau=0.02)


def can_be_routed(base: Model | None, tuned: Model) -> bool:
    """Whether both are local checkpoints with the same tokens."""
    if not isinstance(base, HfModel) or not isinstance(tuned, HfModel):
        return False
    return not why_not_together(tuned, base)


def injected(
    base: Model,
    tuned: Model,
    chats: Sequence[Sequence[Message]],
    sampling: Sampling,
    *,
    seed: int = 0,
    done: AbstractSet[tuple[str, int]] = frozenset(),
) -> Iterator[tuple[str, Elicited]]:
    """The base's replies with the tuned model's tokens where the gate fires, and at random positions.

    Args:
        base: The model that writes.
        tuned: The model whose tokens are inserted.
        chats: The prompts; `Elicited.prompt` counts them.
        sampling: As the audit asks.
        seed: Base of all randomness.
        done: The pairs of arm and prompt that are saved.
    """
    for start in range(0, len(chats), CHUNK):
        chunk = chats[start : start + CHUNK]
        places = range(start, start + len(chunk))
        if all((arm, p) in done for arm in (INJECTED, AT_RANDOM) for p in places):
            continue
        found = list(CrossSampling(base, tuned, GATE).elicited(chunk, sampling, seed=seed))
        n_acted = sum(each.n_acted or 0 for each in found)
        rate = n_acted / max(1, sum(each.n_tokens or 0 for each in found))
        control = CrossSampling(base, tuned, AtRandom(rate=rate, seed=seed))
        for arm, of in (
            (INJECTED, found),
            (AT_RANDOM, control.elicited(chunk, sampling, seed=seed)),
        ):
            for each in of:
                if (arm, start + each.prompt) not in done:
                    yield arm, each._replace(prompt=start + each.prompt)
