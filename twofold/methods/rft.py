"""How does a model learn from its own best replies? Rejection-sampling fine-tuning."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

from pydantic import Field, PositiveInt
from pydantic.dataclasses import dataclass

from twofold.methods.contrast import contrasted
from twofold.methods.demonstrations import Imitation, kept, lines_about, reply_in
from twofold.methods.hindsight import relabelled
from twofold.methods.method import Problems, TrainedModel, TrainingError
from twofold.methods.rewards import Reward, require_applies
from twofold.methods.tuning import OnPolicy
from twofold.scorers import Compliant, Correct, Product
from twofold.storage.jsonl import Row
from twofold.types import Response, Share
from twofold.validation import SETTINGS

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Rft(Imitation, OnPolicy):
    """Sample replies, keep those that a scorer accepts, fine-tune on them; repeat.

    Cheaper and more stable than reward training. Each round fine-tunes the original base on replies
    of the previous round's model, so that errors do not accumulate and an adapter stays a single
    adapter. Problems without an accepted reply are left out; the log counts them.

    Args:
        reward: The filter; by default correct and all constraints met.
        at_least: Lowest score that is kept, in [0, 1].
        rounds: Number of rounds, at least 1.
        hindsight: Also learn from right replies that break their rule but meet a rarer one of another
            problem, with that one stated instead; this is the highest rate at which a rule may be
            met untold, such as 0.1; see `hindsight.relabelled`. The log counts them by type.
            None = off.
        replies: JSON lines with `problem` and `raw`: replies of the base that are there already, such
            as an audit's `responses.jsonl`, of which those of the model that was told the rules
            count. The first round then samples nothing, and `--dry-run` shows what it learns from.
        contrast: Also sample replies to each problem with one of its rules turned into the opposite
            (`problems.contrast.twin`), so that both are shown; not with `replies`.
        num_generations: Replies per problem and round.
        temperature: Sampling temperature of the replies, above 0.
        max_completion_length: Token budget of a reply, including the thought.

    Source:
        Yuan et al. 2023, https://arxiv.org/abs/2308.01825 (one round); Singh et al. 2023,
        https://arxiv.org/abs/2312.06585, algorithm 1 (rounds, each from the base). Departs:
        duplicate replies to a problem are dropped, and their number is not capped.
    """

    name: ClassVar[str] = "rft"
    later: ClassVar[Mapping[str, object]] = {
        **OnPolicy.later,
        "hindsight": None,
        "replies": None,
        "contrast": False,
    }

    reward: Reward = field(default_factory=lambda: Product((Correct(), Compliant("all"))))
    at_least: Annotated[float, Field(ge=0, le=1)] = 1.0
    rounds: PositiveInt = 1
    hindsight: Annotated[float, Field(gt=0, lt=1)] | None = None
    replies: Path | None = None
    contrast: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.contrast and self.replies is not None:
            raise TrainingError(
                "replies has none to the opposites of contrast; leave one of them out"
            )

    def rows(self, problems: Problems) -> list[Row]:
        """The rows of the first round if its replies are in a file; else the prompts."""
        if self.replies is None:
            return super().rows(contrasted(problems) if self.contrast else problems)
        return self._learned("replies", problems, self._read(problems))

    def check(self, problems: Problems, eval_problems: Problems = ()) -> None:
        """Also refuse a file without replies and a reward that scores none; see `Method.check`."""
        super().check(problems, eval_problems)
        if self.replies is not None and not any(self._read(problems)):
            raise TrainingError(
                f"{self.replies} has no reply to these problems; use the problems it was made of"
            )
        require_applies(self.reward, problems)

    def train(
        self, base: str, problems: Problems, *, out: str | Path, eval_problems: Problems = ()
    ) -> TrainedModel:
        """Train; see `Method.train`. Earlier rounds are in `OUT-round-N`.

        Raises:
            TrainingError: Also if a round keeps no reply.
        """
        self.check(problems, eval_problems)
        problems = contrasted(problems) if self.contrast else problems
        out = Path(out)
        sampled, n_steps = base, 0
        for number in range(1, self.rounds + 1):
            folder = out if number == self.rounds else out.with_name(f"{out.name}-round-{number}")
            if number == 1 and self.replies is not None:
                replies = self._read(problems)
            else:
                replies = self.draw(sampled, problems, seed=self.seed + number)
            rows = self._learned(f"round {number}", problems, replies)
            if not rows:
                raise TrainingError(
                    f"round {number} kept none of {sum(map(len, replies))} replies: "
                    f"{self.reward.name} gave none {self.at_least:g} or more. Take easier problems "
                    "or a stronger base, draw more replies, or lower at_least"
                )
            done = self.imitate(base, rows, out=folder, eval_problems=eval_problems)
            sampled, n_steps = str(done.folder), n_steps + done.n_steps
        return TrainedModel(folder=out, base=base, method=self.name, n_steps=n_steps)

    def _read(self, problems: Problems) -> list[list[Response]]:
        """The replies of the file to each problem, as it is asked in training."""
        remedy = (
            "set replies to JSON lines with `problem` and `raw`, such as an audit's responses.jsonl"
        )
        file = Path(self.replies or "")
        found: dict[str, list[Response]] = {problem.id: [] for problem in problems}
        bound = {problem.id for problem in problems if problem.is_bound}
        for line in lines_about(problems, file, ("problem", "raw"), remedy=remedy):
            told = line.get("condition", "constrained") == "constrained"
            if line.get("role", "model") == "model" and (told or line["problem"] not in bound):
                found[line["problem"]].append(reply_in(line))
        return [found[problem.id] for problem in problems]

    def _learned(
        self, what: str, problems: Problems, replies_P_G: Sequence[Sequence[Response]]
    ) -> list[Row]:
        """The rows to learn from; logs how many there are, and how many problems have none."""
        own = kept(problems, replies_P_G, by=self.reward, at_least=self.at_least)
        told = f"{what}: {len(own)} of {sum(map(len, replies_P_G))} replies kept"
        more: list[Row] = []
        if self.hindsight is not None:
            accept: Any = {"by": self.reward, "at_least": self.at_least}
            more = relabelled(problems, replies_P_G, **accept, most=self.hindsight)
            types = Counter(row["relabelled"] for row in more).most_common()
            each = ", ".join(f"{n} {name}" for name, n in types)
            told += f", {len(more)} relabelled{f' ({each})' if each else ''}"
        n_none = len({p.id for p in problems} - {row["problem"] for row in (*own, *more)})
        if Share.here().rank == 0:
            _log.warning("%s; %d of %d problems have none", told, n_none, len(problems))
        return [*own, *more]
