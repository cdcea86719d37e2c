"""How sure is a model that the answer is yes? One forward pass per criterion, without sampling.

P(yes) against P(no) at the first token of the answer is finer than any number the model writes, and
has no sampling noise. The criterion stands at the end of the prompt, so that request and reply are
read once and each criterion is a short branch of that prefix.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from twofold.errors import ScoringError
from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import defused, judged, polarised, settled, shown
from twofold.judges.prompt_template import filled, prompt
from twofold.models.openai.model import ServerModel
from twofold.types import Message, OpenModel, Verdict

if TYPE_CHECKING:
    from twofold.prefix_scoring import Tree

SIDES = ("yes", "no")

Ids = tuple[int, ...]


@final
@dataclass(frozen=True)
class LogOddsJudge(Judge):
    """Score P(yes) / (P(yes) + P(no)), summed over all one-token spellings of each.

    With local weights all criteria of one reply share one reading of it, on exactly the token ids
    of separate prompts; scores depend on the batch only by rounding (below 1e-3 in float32). A
    server is asked for each criterion separately and returns the 20 likeliest first tokens; any
    other token counts as 0.

    Args:
        model: The judge: local, or a server that returns log-probabilities. It must answer at once;
            a model that thinks first is always unscored.
        least: The probability that yes and no must have together, in (0, 1). Below it the model is
            about to say something else, and the verdict is unscored.

    Raises:
        ScoringError: If the model is of another kind.
        ValueError: If `least` is out of its range.

    Source:
        The probability of one answer word as a score: P(True), Kadavath et al. 2022 (arXiv
        2207.05221); for checklists, RocketEval (arXiv 2503.05142). Departs: every spelling of a
        side counts, and an answer that is neither is unscored. One reading for all criteria of a
        reply is ours.
    """

    name: ClassVar[str] = "log_odds"

    model: OpenModel | ServerModel
    least: float = 0.01

    def __post_init__(self) -> None:
        if not isinstance(self.model, (OpenModel, ServerModel)):
            raise ScoringError(
                f"a judge by log-odds reads probabilities: {self.model.closed}; or use a served model, or "
                "SampledJudge"
            )
        if not 0 < self.least < 1:
            raise ValueError(f"least is {self.least}; give a probability above 0 and below 1")

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Ask all questions, equal ones once, those about the same reply together.

        Raises:
            ScoringError: If the model has no token for yes or for no.
            ModelError: If the model cannot work at all.
        """
        found = judged(asked, lambda each: settled(each.response), self._ask)
        return [polarised(each.criterion, v) for each, v in zip(asked, found, strict=True)]

    def _ask(self, asked: list[Asked]) -> list[Verdict]:
        pairs = [(_head(each), _line(each)) for each in asked]
        different = list(dict.fromkeys(pairs))
        if isinstance(self.model, ServerModel):
            found = self._served(self.model, different)
        else:
            found = self._local.found(different, self.least)
        return [found[pair] for pair in pairs]

    @cached_property
    def _local(self) -> _Local:
        assert isinstance(self.model, OpenModel)
        return _Local(self.model)

    def _served(self, model: ServerModel, pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        from twofold.models.openai.next_token_logprobs import next_token_logprobs

        firsts = next_token_logprobs(model, [[chat(head, line)] for head, line in pairs])
        return {
            pair: Verdict(None, first.error)
            if first.error
            else odds(*(_side(first.logprobs, side) for side in SIDES), least=self.least)
            for pair, first in zip(pairs, firsts, strict=True)
        }


@final
@dataclass(frozen=True)
class _Local:
    """A model with local weights, asked by branches of one prefix."""

    model: OpenModel

    def found(self, pairs: Sequence[Pair], least: float) -> dict[Pair, Verdict]:
        """The verdict for each reply and criterion."""
        from twofold.prefix_scoring import score

        by_reply: dict[Head, list[str]] = {}
        for head, line in pairs:
            by_reply.setdefault(head, []).append(line)
        found: dict[Pair, Verdict] = {}
        read: list[tuple[Head, list[str], Tree]] = []
        for head, lines in by_reply.items():
            prompts = [self.ids(head, line) for line in lines]
            longest = max(map(len, prompts))
            if longest > self.room:
                why = f"question and reply have {longest} tokens, and the judge reads {self.room}"
                found |= {(head, line): Verdict(None, why) for line in lines}
            else:
                read.append((head, lines, self.tree(prompts)))
        for i, scored in score(self.model, [tree for *_, tree in read]):
            head, lines, _ = read[i]
            ends = [float(branch.logprobs[-1]) for branch in scored]
            for line, yes, no in zip(lines, ends[0::2], ends[1::2], strict=True):
                found[head, line] = odds(yes, no, least=least)
        return found

    @cached_property
    def room(self) -> int:
        """The length of the network's context in tokens."""
        config = self.model.network.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", None) or sys.maxsize)

    def tree(self, prompts: Sequence[Ids]) -> Tree:
        """The prefix that all prompts about one reply share, and two branches per criterion.

        Each prompt is tokenised as a whole and cut afterwards, so prefix and branch together are
        exactly the prompt's own tokens.
        """
        from twofold.prefix_scoring import Branch, Tree

        cut = min(len(ids) for ids in prompts) - 1
        for ids in prompts[1:]:
            same = np.equal(ids[:cut], prompts[0][:cut])
            cut = cut if same.all() else int(same.argmin())
        branches = [
            Branch(cut, ids[cut:], given=len(ids) - cut - 1, stops=self.spellings[side])
            for ids in prompts
            for side in SIDES
        ]
        return Tree(prompts[0][:cut], tuple(branches))

    def ids(self, head: Head, line: str) -> Ids:
        """The tokens of a whole prompt, up to the start of the answer."""
        text = self.model.render([chat(head, line)])
        return tuple(self.model.tokenizer(text, add_special_tokens=False).input_ids)

    @cached_property
    def spellings(self) -> Mapping[str, Ids]:
        """The tokens that spell yes or no and nothing else, in any letter case."""
        tokenizer = self.model.tokenizer
        texts: list[str] = tokenizer.batch_decode(
            [[i] for i in range(len(tokenizer))], clean_up_tokenization_spaces=False
        )
        found = {
            side: tuple(i for i, text in enumerate(texts) if _says(text) == side) for side in SIDES
        }
        for side, ids in found.items():
            if not ids:
                raise ScoringError(
                    f"{self.model.spec} has no token that says {side!r}; use another judge model, or "
                    "SampledJudge"
                )
        return found


# The request and the reply as shown: what all criteria of a reply share.
Head = tuple[tuple[str, str], ...]

# A reply with its request, and the line of a criterion.
Pair = tuple[Head, str]


def odds(yes: float, no: float, *, least: float) -> Verdict:
    """The verdict from the log-probabilities in nats, unscored if P(yes) + P(no) < `least`."""
    if np.isnan(yes) or np.isnan(no):
        return Verdict(None, "the judge's logits are not numbers")
    p_yes, p_no = float(np.exp(yes)), float(np.exp(no))
    if not p_yes + p_no >= least:
        share = f"{100 * (p_yes + p_no):.2g} %"
        return Verdict(None, f"the model does not answer yes or no here (together {share})")
    score = float(np.exp(yes - np.logaddexp(yes, no)))
    return Verdict(min(1.0, score), f"P(yes) {p_yes:.3g}, P(no) {p_no:.3g}")


def chat(head: Head, line: str) -> Message:
    """The question to the model, the criterion last."""
    text = filled(prompt("judge_yes_no"), criterion=line, **dict(head))
    return Message(role="user", content=text)


def _says(token: str) -> str:
    return token.strip().casefold()


def _side(logprobs: Mapping[str, float], side: str) -> float:
    """The log-probability of all spellings of yes or no."""
    nats = [each for token, each in logprobs.items() if _says(token) == side]
    return float(np.logaddexp.reduce(nats)) if nats else -np.inf


def _head(asked: Asked) -> Head:
    return tuple(sorted(shown(asked.problem, asked.response).items()))


def _line(asked: Asked) -> str:
    """The criterion in one line, without a fence: no policy wrote it, and branches stay short."""
    return " ".join(defused(asked.criterion.text).split())
