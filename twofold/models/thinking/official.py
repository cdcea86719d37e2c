"""The part of a text that MathIF's published evaluation scores."""


def official_split(raw: str) -> str:
    """The part of a text that MathIF's published evaluation scores, not stripped.

    Its peculiarities are kept: an unclosed thought is scored as the answer, a second tag of either
    kind drops the rest, and only the text inside `<answer>` counts.

    Source:
        Fu et al. 2025, "Scaling Reasoning, Losing Control" (MathIF), https://arxiv.org/abs/2505.14810,
        the response split of its published evaluation.

    Example:
        >>> official_split("<think>a</think>b</think>c"), official_split("<think>a")
        ('b', 'a')
    """
    text = raw
    for tag, kept in (("<think>", 1), ("</think>", 1), ("<answer>", 1), ("</answer>", 0)):
        if tag in text:
            text = text.split(tag)[kept]
    return text
