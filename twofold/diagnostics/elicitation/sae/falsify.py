"""Does a latent stand for a thought, or for a word? Put its words into a text that thinks nothing.

A latent that fires once its favourite tokens stand in ordinary prose is a detector of these tokens. In
the published test none of the "reasoning features" that were looked for was more than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from twofold.diagnostics.elicitation.sae.activations import Activations, Said
from twofold.diagnostics.elicitation.sae.dictionary import Dictionary
from twofold.diagnostics.elicitation.sae.scores import FeatureScore
from twofold.errors import ModelError
from twofold.randomness import rng_for
from twofold.stats import change, holm, resampled
from twofold.stats.resampled import LEAST_PROBLEMS, Drawn
from twofold.types import Estimate

SIZES = (1, 2, 3)  # tokens, bigrams, trigrams
N_TOP = 10  # of the associated pieces that are put in
N_PUT_IN = 3  # places of a text
LEAST_SEEN = 3  # times a piece must have been said
LEAST_TEXTS = 20  # for a latent to pass: an interval from fewer is too short
_ROWS = 8

Ids = Sequence[int]
Floats = NDArray[np.float64]
# The hidden states of each row of token ids, (tokens, width)
Reader = Callable[[list[list[int]]], list[torch.Tensor]]


class Verdict(StrEnum):
    """What the injected pieces do to a latent."""

    token_driven = "token_driven"  # d of at least 0.8, p below .01
    partly = "partly_token_driven"  # at least 0.5, p below .01
    weakly = "weakly_token_driven"  # at least 0.2, p below .05
    context = "context_dependent"  # below, the interval excludes 0.5, 20 texts and more: it passes
    undecided = "undecided"  # too few texts to say: it does not pass


@final
@dataclass(frozen=True, kw_only=True)
class Injection:
    """What pieces of one size do.

    Args:
        pieces: What was put in, as token ids.
        effect: Cohen's d of the latent's largest value in the text with them and without.
        control: The same with as many random tokens of the texts themselves.
        p: Of the difference, by sign flips over texts, with Holm's correction over the sizes.
    """

    pieces: tuple[tuple[int, ...], ...]
    effect: Estimate
    control: Estimate
    p: float

    @property
    def verdict(self) -> Verdict:
        """By the published thresholds."""
        d = self.effect.value
        for least, most, name in (
            (0.8, 0.01, Verdict.token_driven),
            (0.5, 0.01, Verdict.partly),
            (0.2, 0.05, Verdict.weakly),
        ):
            if d >= least and self.p < most:
                return name
        is_sure = self.effect.high < 0.5 and self.effect.n >= LEAST_TEXTS
        return Verdict.context if d < 0.2 and is_sure else Verdict.undecided


@final
@dataclass(frozen=True)
class Falsification:
    """The test of one latent.

    Args:
        latent: Which.
        by_size: What single tokens, bigrams and trigrams do; a size is missing if none was said often
            enough.
    """

    latent: int
    by_size: Mapping[int, Injection]

    @property
    def verdict(self) -> Verdict:
        """The worst of its sizes; undecided without any."""
        return self.by_size[self._decisive].verdict if self.by_size else Verdict.undecided

    @property
    def _decisive(self) -> int:
        """The size with the worst verdict; of equal ones, that with the largest effect."""
        worst_first = (
            Verdict.token_driven,
            Verdict.partly,
            Verdict.weakly,
            Verdict.undecided,
            Verdict.context,
        )
        return min(
            self.by_size,
            key=lambda size: (
                worst_first.index(self.by_size[size].verdict),
                -self.by_size[size].effect.value,
            ),
        )

    @property
    def passes(self) -> bool:
        """Whether the latent may be reported as one of more than tokens."""
        return self.verdict is Verdict.context

    def because(self, decode: Callable[[Ids], str] = str) -> str:
        """The number that decided, in a sentence without its full stop; `decode` gives a piece's text."""
        if not self.by_size:
            return f"no piece was said {LEAST_SEEN} times, so the test could not be made"
        worst = self.by_size[size := self._decisive]
        pieces = ", ".join(repr(decode(list(each))) for each in worst.pieces[:3])
        d, c = worst.effect, worst.control
        return (
            f"{self.verdict.value.replace('_', ' ')}: pieces of {size} token(s) such as {pieces} move it by "
            f"d = {d.value:.2f} [{d.low:.2f}, {d.high:.2f}] (p {worst.p:.3f}, {d.n} texts), random tokens by "
            f"{c.value:.2f} [{c.low:.2f}, {c.high:.2f}]"
        )


@final
@dataclass(frozen=True)
class TokenInjection:
    """The test, for the latents of one dictionary.

    Args:
        dictionary: The latents.
        read: The hidden states of rows of token ids at the dictionary's layer, by the model that it is of.
        texts: Token ids of ordinary prose, at least five, since fewer have no interval; a latent passes
            from 20 on.
        seed: Of the places and of the pieces.

    Raises:
        ModelError: If the texts are too few or too short.

    Source:
        arXiv 2601.05679 and its repository: tokens, bigrams and trigrams that are associated with a
        latent are put into other text; Cohen's d of at least .8, .5 and .2. Departs: they replace tokens
        of the text, so that its length and with it the largest value's chance stays the same; random
        tokens are a control; the effect has an interval, and a latent that too few texts tell about does
        not pass.
    """

    dictionary: Dictionary
    read: Reader
    texts: Sequence[Ids]
    seed: int = 0

    def __post_init__(self) -> None:
        shortest = min(map(len, self.texts), default=0)
        if len(self.texts) < LEAST_PROBLEMS or shortest < N_PUT_IN * max(SIZES):
            raise ModelError(
                f"{len(self.texts)} texts, the shortest of {shortest} tokens; give at least {LEAST_PROBLEMS} "
                f"(better 50) of at least {N_PUT_IN * max(SIZES)} tokens each"
            )

    def falsify(
        self, latents: Sequence[int], replies: Sequence[Said], activations: Activations
    ) -> list[Falsification]:
        """Test each latent with the pieces of the replies at which it is largest.

        Args:
            latents: The latents to be reported.
            replies: The replies in which pieces are looked for.
            activations: Their states per token.
        """
        z_BN = self.dictionary.latents(activations.hidden_BD).cpu().double().numpy()
        clean = self._largest(self.texts)
        found = []
        for latent in latents:
            self.dictionary.require(latent)
            z = z_BN[:, latent]
            tried = {
                size: pieces
                for size in SIZES
                if (pieces := tuple(associated(z, replies, activations, size)))
            }
            found.append(self._tested(latent, tried, clean))
        return found

    def _tested(
        self, latent: int, tried: Mapping[int, tuple[tuple[int, ...], ...]], clean: Floats
    ) -> Falsification:
        """The effects of all sizes, with the correction over them."""
        before = clean[:, latent]
        after = {
            size: self._largest(self._with(latent, size, pieces))[:, latent]
            for size, pieces in tried.items()
        }
        p = holm({size: change(before, each, seed=self.seed).p for size, each in after.items()})
        by_size = {}
        for size, pieces in tried.items():
            noise = self._largest(self._with(latent, size, None))[:, latent]
            by_size[size] = Injection(
                pieces=pieces,
                effect=effect(before, after[size], seed=self.seed),
                control=effect(before, noise, seed=self.seed),
                p=p[size],
            )
        return Falsification(latent, by_size)

    def _with(
        self, latent: int, size: int, pieces: Sequence[tuple[int, ...]] | None
    ) -> Iterator[list[int]]:
        """The texts with pieces in place of tokens; without `pieces`, with tokens of other texts."""
        every = [token for text in self.texts for token in text]
        for i, text in enumerate(self.texts):
            # the same places for the pieces and for the control
            rng = rng_for("injection", self.seed, latent, size, i)
            slots = rng.permutation(len(text) // size)[:N_PUT_IN] * size
            rng = rng_for("injection", self.seed, latent, size, i, pieces is None)
            new = list(text)
            for slot in slots.tolist():
                if pieces is None:
                    piece = [every[j] for j in rng.integers(len(every), size=size)]
                else:
                    piece = list(pieces[int(rng.integers(len(pieces)))])
                new[slot : slot + size] = piece
            yield new

    def _largest(self, texts: Any) -> Floats:
        """The largest value of every latent in each text, shape (texts, latents)."""
        rows = [list(text) for text in texts]
        found = []
        for at in range(0, len(rows), _ROWS):
            for hidden_TD in self.read(rows[at : at + _ROWS]):
                found.append(self.dictionary.latents(hidden_TD).amax(0).cpu().double().numpy())
        return np.stack(found)


def associated(
    z: Floats, replies: Sequence[Said], activations: Activations, size: int
) -> list[tuple[int, ...]]:
    """The pieces of this many tokens at whose last token a latent is largest on average, best first.

    Args:
        z: The latent at each state.
        replies: What was said.
        activations: The states per token, in the order of `z`.
        size: How many tokens.
    """
    values: dict[tuple[int, ...], list[float]] = defaultdict(list)
    places = zip(activations.reply_B.tolist(), activations.span_B2[:, 1].tolist(), z, strict=True)
    for reply, stop, value in places:
        if stop >= size:
            values[replies[reply].ids[stop - size : stop]].append(float(value))
    means = {piece: sum(of) / len(of) for piece, of in values.items() if len(of) >= LEAST_SEEN}
    return sorted(means, key=lambda piece: -means[piece])[:N_TOP]


def effect(before: Floats, after: Floats, *, seed: int = 0) -> Estimate:
    """Cohen's d of two values of each text, with an interval over texts.

    Raises:
        StatsError: With fewer than five texts.

    Example:
        >>> before, after = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.0, 4.0, 5.0, 6.0])
        >>> round(effect(before, after).value, 3)  # 2 apart, each side with a variance of 2.5
        1.265
    """

    def d(at: Drawn) -> float:
        old, new = before[at], after[at]
        spread = np.sqrt((old.var(ddof=1) + new.var(ddof=1)) / 2)
        moved = float(new.mean() - old.mean())
        return moved / max(float(spread), 1e-9) if moved else 0.0

    return resampled(d, len(before), seed=seed)


def reported(
    scores: Sequence[FeatureScore],
    tests: Sequence[Falsification],
    decode: Callable[[Ids], str] = str,
) -> list[str]:
    """Every significant latent in words: the ones that pass, and which failed and why.

    Raises:
        ModelError: If a significant latent was not tested.
    """
    by_latent = {each.latent: each for each in tests}
    passed: list[str] = []
    failed: list[str] = []
    for score in scores:
        if not score.is_significant:
            continue
        test = by_latent.get(score.latent)
        if test is None:
            raise ModelError(
                f"latent {score.latent} is to be reported and was not tested; give all significant ones "
                "to TokenInjection.falsify"
            )
        difference = score.comparison.difference
        where = passed if test.passes else failed
        word = "passed" if test.passes else "failed"
        where.append(
            f"latent {score.latent}: active {difference.value:+.3f} [{difference.low:+.3f}, "
            f"{difference.high:+.3f}] (n={difference.n}); {word} the token injection: {test.because(decode)}"
        )
    return [*passed, *failed] or ["no latent differs after the correction for many tests"]
