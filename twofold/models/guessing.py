"""How is a reply continued greedily in few passes? By guessing what its text repeats.

Working repeats itself: numbers of the question, sentences, loops. What followed the last two tokens when
they were last seen is guessed, one pass checks the guesses of all rows, and each row keeps what greedy
decoding gives. A guess decides how many passes there are, never which token follows; passes of another
shape round differently, as other batches do.

Source: prompt lookup decoding (Saxena 2023, github.com/apoorvumang/prompt-lookup-decoding), checked as in
speculative decoding (Leviathan et al. 2023, arXiv 2211.17192). Departs: all rows of a batch are checked in
one pass; keys of wrong guesses stay in the cache, masked.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, pairwise, takewhile
from typing import Any, final

import torch

from twofold.models.decode import PlannedRow, can_shrink, decode, left_padded, read_prompts
from twofold.types import Sampling

# Tokens of a pass: the weights are read once for all of them, so fewer take hardly less time.
BUSY = 24


@final
@dataclass
class _Text:
    """A row's tokens, and where each two of them were last followed by another.

    Args:
        row: The prompt, and the limit of new tokens.
        eos: The token ids that end a reply.
        n_read: How many of its tokens the network has read.
    """

    row: PlannedRow
    eos: Sequence[int]
    n_read: int
    ids: list[int] = field(default_factory=list)
    is_broken: bool = False  # the logits after some token were not numbers

    def __post_init__(self) -> None:
        self._followed: dict[tuple[int, ...], int] = {}
        for token in self.row.ids:
            self._add(token)

    def _add(self, token: int) -> None:
        self._followed[tuple(self.ids[-2:])] = len(self.ids)
        self.ids.append(token)

    @property
    def new(self) -> list[int]:
        """The tokens after the prompt."""
        return self.ids[len(self.row.ids) :]

    @property
    def unread(self) -> list[int]:
        """The tokens that the network has not read; at least the last one."""
        return self.ids[self.n_read :]

    @property
    def is_done(self) -> bool:
        """Whether the reply has ended."""
        left = self.row.limit - len(self.new)
        return self.is_broken or left < 1 or (left < self.row.limit and self.ids[-1] in self.eos)

    def guess(self, most: int) -> list[int]:
        """What may follow, up to `most` tokens: what did before, over and over if that is the end.

        Example:
            >>> _Text(PlannedRow((1, 2, 3, 1, 2), seed=0, limit=9), (), 4).guess(5)
            [3, 1, 2, 3, 1]
        """
        at = self._followed.get(tuple(self.ids[-2:]))
        most = min(most, self.row.limit - len(self.new) - 1)
        return [] if at is None else list(islice(cycle(self.ids[at:]), most))

    def keep(self, guessed: Sequence[int], greedy: Sequence[int]) -> int:
        """Add the greedy tokens up to the first that was not guessed; returns how many were.

        Example:
            >>> text = _Text(PlannedRow((1, 2), seed=0, limit=9), (7,), 1)
            >>> text.keep([3, 4, 5], [3, 4, 6, 8]), text.new
            (2, [3, 4, 6])
        """
        for n, token in enumerate(greedy):
            self._add(token)
            if self.is_done or n == len(guessed) or token != guessed[n]:
                return n
        raise AssertionError("one more token is read than is guessed")


def continued(
    network: Any, rows: Sequence[PlannedRow], sampling: Sampling, *, eos: Sequence[int]
) -> list[list[int] | None]:
    """Continue every row, greedily by guesses where the network supports it; see `decode.decode`."""
    if sampling.temperature > 0 or not _can_guess(network) or min(len(row.ids) for row in rows) < 2:
        return decode(network, rows, sampling, eos=eos)
    heads = _heads([row.ids for row in rows])
    texts = [_Text(row, eos, n) for row, n in zip(rows, heads, strict=True)]
    started = [(*text.row.ids[: text.n_read], 0) for text in texts]  # all but the last are read
    past = read_prompts(network, *left_padded(started, network.device))
    assert past is not None
    mask_RT = left_padded(started, network.device)[1][:, :-1]
    alive = texts
    while alive:
        guesses = [text.guess(BUSY // len(alive)) for text in alive]
        asked = [(*text.unread, *guess) for text, guess in zip(alive, guesses, strict=True)]
        ids_RN, asked_RN = left_padded(asked, network.device)
        n_kept = 1 + max(map(len, guesses))
        read_R1 = torch.tensor([[text.n_read] for text in alive], device=network.device)
        logits_RKV = network(
            input_ids=ids_RN,
            attention_mask=torch.cat([mask_RT, asked_RN], dim=1),
            position_ids=read_R1 + (asked_RN.cumsum(-1) - 1).clamp(min=0),
            past_key_values=past,
            use_cache=True,
            logits_to_keep=n_kept,
        ).logits
        are_numbers = torch.isfinite(logits_RKV.amax(-1)).tolist()
        greedy = logits_RKV.argmax(-1).tolist()
        for i, (text, guess) in enumerate(zip(alive, guesses, strict=True)):
            start = n_kept - len(guess) - 1
            n_right = text.keep(guess, greedy[i][start:])
            text.is_broken = not all(are_numbers[i][start : start + n_right + 1])
            text.n_read = len(text.ids) - 1
            asked_RN[i, asked_RN.shape[1] - len(guess) + n_right :] = 0
        mask_RT = torch.cat([mask_RT, asked_RN], dim=1)
        left = [i for i, text in enumerate(alive) if not text.is_done]
        if len(left) < len(alive):
            alive = [alive[i] for i in left]
            left_R = torch.tensor(left, dtype=torch.long, device=network.device)
            mask_RT = mask_RT[left_R]
            past.batch_select_indices(left_R)
    return [None if text.is_broken else text.new for text in texts]


def _can_guess(network: Any) -> bool:
    """Whether it takes positions, and every layer caches keys and values that can be masked."""
    taken = inspect.signature(network.forward).parameters.keys()
    return can_shrink(network) and {"position_ids", "logits_to_keep"} <= taken


def _heads(rows: Sequence[tuple[int, ...]]) -> list[int]:
    """How many tokens of each row are read first: what half of it or more shares with another row.

    Example:
        >>> _heads([(1, 2, 3, 4), (5, 6), (1, 2, 3, 7, 8)])
        [3, 1, 3]
    """
    order = sorted(range(len(rows)), key=lambda i: rows[i])
    shared = [0] * len(rows)
    for i, j in pairwise(order):
        same = sum(
            1
            for _ in takewhile(lambda pair: pair[0] == pair[1], zip(rows[i], rows[j], strict=False))
        )
        shared[i], shared[j] = max(shared[i], same), same
    return [
        min(n if 2 * n >= len(row) else len(row), len(row) - 1)
        for n, row in zip(shared, rows, strict=True)
    ]
