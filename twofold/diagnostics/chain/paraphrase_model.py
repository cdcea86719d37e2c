"""Paraphrases by a model, which no list of rules could write.

The model sees only the passage, so it can neither solve the problem nor repair the reasoning. A
paraphrase is used only if its numbers are the same in the same order.

Source: paraphrasing the chain is Lanham et al. 2023 (arXiv 2307.13702), section 2.5; the later steps, as
in Lobo et al. (arXiv 2411.15382). Departs: the prompt is ours, and no text is sampled after it.
"""

import re
from collections.abc import Sequence

from twofold.types import FinishReason, Message, Model, Sampling

PROMPT = (
    "Say the passage below in other words, sentence by sentence and in the same order. Keep every number, "
    "name and result as it is; add nothing and leave nothing out. Reply with the new passage alone.\n\n"
)

ROOM = 2.0  # tokens of four characters, as a multiple of the passage's length


def paraphrase_model(model: Model, passages: Sequence[str], *, seed: int = 0) -> list[str | None]:
    """Each passage paraphrased greedily by a model: None without a usable one, "" if the call failed.

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
        ""
        if reply.finish_reason is FinishReason.failed
        else _taken(passage, reply.reply)
        if reply.finish_reason is FinishReason.answered
        else None
        for passage, (reply,) in zip(passages, replies, strict=True)
    ]


def _taken(passage: str, said: str) -> str | None:
    """The paraphrase in the blanks of the passage; None if blank, equal, or with other numbers."""
    old, new = passage.strip(), said.strip().strip('"“”').strip()
    if not new or new == old or len(new) > 3 * len(old) + 40:
        return None
    if re.findall(r"\d+", old) != re.findall(r"\d+", new):
        return None
    start = len(passage) - len(passage.lstrip())
    return passage[:start] + new + passage[len(passage.rstrip()) :]
