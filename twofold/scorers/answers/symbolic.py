"""Are two answers equal as mathematics? The question for a computer algebra system.

Only the worker process imports this file: the comparison can take for ever or all the memory.
"""

from __future__ import annotations

from functools import lru_cache

from math_verify import parse, verify

from twofold.scorers.answers.spelling import named, plain, settled


@lru_cache(maxsize=1024)
def _parsed(text: str) -> list[object]:
    r"""math-verify's reading of one answer; its own time-out is off, the worker has a hard one."""
    return list(parse(f"${text}$", parsing_timeout=None))


def equal(gold: str, answer: str) -> bool:
    r"""Whether `answer` means the same as `gold`.

    Args:
        gold: The reference answer as it stands in the problem.
        answer: The answer as it was found in the reply.

    Source:
        math-verify 0.9.0, with exact comparison to six decimals. Departs: plain numbers, words,
        lists of different length and `name = value` are settled by `twofold.scorers.answers.spelling`.

    Example:
        >>> equal(r"\\sqrt{8}", r"2\\sqrt{2}"), equal("(1,2)", "[1,2]")
        (True, False)
    """
    gold, answer = plain(gold), plain(answer)
    decided = settled(gold, answer)
    if decided is not None:
        return decided
    if _verified(gold, answer):
        return True
    (gold_name, gold_value), (name, value) = named(gold), named(answer)
    if (gold_name or name) and not (gold_name and name and gold_name != name):
        return _verified(gold_value, value)
    return False


def _verified(gold: str, answer: str) -> bool:
    return bool(
        verify(_parsed(gold), _parsed(answer), allow_set_relation_comp=True, timeout_seconds=None)
    )
