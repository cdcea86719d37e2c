"""Are two answers mathematically equal? A computer algebra system decides.

Only the worker process imports this file: a comparison may never end or use all memory.
"""

from functools import lru_cache

from math_verify import parse, verify

from twofold.scorers.answers.spelling import name_and_value, plain, settled


@lru_cache(maxsize=1024)
def _parsed(text: str) -> list[object]:
    """One answer parsed by math-verify, whose own time-out is off: the worker has a hard one."""
    return list(parse(f"${text}$", parsing_timeout=None))


def equal(gold: str, answer: str) -> bool:
    r"""Whether the answer found in a reply equals the reference answer of the problem.

    Source:
        math-verify 0.9.0, with exact comparison to six decimals. Departs: plain numbers, words,
        lists of different length and `name = value` are settled by
        `twofold.scorers.answers.spelling`.
    """
    gold, answer = plain(gold), plain(answer)
    if (decided := settled(gold, answer)) is not None:
        return decided
    if _verified(gold, answer):
        return True
    (gold_name, gold_value), (name, value) = name_and_value(gold), name_and_value(answer)
    if (gold_name or name) and not (gold_name and name and gold_name != name):
        return _verified(gold_value, value)
    return False


def _verified(gold: str, answer: str) -> bool:
    return bool(
        verify(_parsed(gold), _parsed(answer), allow_set_relation_comp=True, timeout_seconds=None)
    )
