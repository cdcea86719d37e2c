"""The same thing in other words, by a model: a paraphrase that no list of rules could write.

The model is shown the passage and nothing else, so that it can neither solve the problem nor mend the
reasoning. What it writes is only taken if no number came, went or moved; a passage without numbers is
taken as it is, and its control says what an edit of that size does anyway.

Source: paraphrasing the chain is Lanham et al. 2023 (arXiv 2307.13702), section 2.5; the later steps, as
Lobo et al. (arXiv 2411.15382) do. Departs: the prompt is ours, and no text is sampled after it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from twofold.types import FinishReason, Message, Model, Sampling

PROMPT = (
    "Say the passage below in other words, sentence by sentence and in the same order. Keep every number, "
    "name and result as it is; add nothing and leave nothing out. Reply with the new passage alone.\n\n"
)
"""What stands before the passage."""

ROOM = 2.0
"""How many times its length a passage's paraphrase may have, in tokens of four characters."""


def paraphrase_model(model: Model, passages: Sequence[str], *, seed: int = 0) -> list[str | None]:
    """Each passage in the words of a model; None where it wrote nothing that can be used.

    Args:
        model: Any; asked greedily.
        passages: Parts of chains.
        seed: Base of all randomness.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> model = ScriptedModel(lambda prompt, sample: "Two plus 3 makes 5.")
        >>> paraphrase_model(model, [" 2 and 3 is 5. ", " Two and 3 is 5. "])
        [None, ' Two plus 3 makes 5. ']
    """
    if not passages:
        return []
    most = max(len(passage) for passage in passages)
    sampling = Sampling(max_tokens=32 + int(ROOM * most / 4))
    chats = [[Message(role="user", content=PROMPT + passage.strip())] for passage in passages]
    replies = model.sample(chats, sampling, seed=seed)
    return [
        _taken(passage, reply.reply) if reply.finish_reason is FinishReason.answered else None
        for passage, (reply,) in zip(passages, replies, strict=True)
    ]


def _taken(passage: str, said: str) -> str | None:
    """What was said, in the blanks of the passage; None if it is blank, equal, or has other numbers."""
    old, new = passage.strip(), said.strip().strip('"“”').strip()
    if not new or new == old or len(new) > 3 * len(old) + 40:
        return None
    if re.findall(r"\d+", old) != re.findall(r"\d+", new):
        return None
    start = len(passage) - len(passage.lstrip())
    return passage[:start] + new + passage[len(passage.rstrip()) :]
