"""The best of several replies, by a scorer that needs no reference answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self, final

from twofold.diagnostics.elicitation.elicitor import (
    Elicited,
    Elicitor,
    added,
    n_generated,
    require_drawn,
    several,
)
from twofold.errors import ModelError, nearest
from twofold.methods.rewards import REWARDS
from twofold.models.composed import Part, beside
from twofold.problems import load
from twofold.types import Message, Problem, Response, Sampling, Scorer

_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Rules(Part):
    """What judges the replies: a scorer, and problems whose prompts tell it which rules were stated.

    A model sees the chat alone. So the rules of a prompt are looked up by its text: whoever deploys the model
    has them as programs, as an audit has. Reference answers and solutions are taken away first. Prompts that
    are none of these have no rules.

    Args:
        problems: The problems.
        scorer: What judges a reply; it must do without a reference answer.

    Raises:
        ModelError: If the scorer needs one, or judges none of the problems.
    """

    problems: tuple[Problem, ...]
    scorer: Scorer

    def __post_init__(self) -> None:
        if not self.by_prompt:
            raise ModelError(
                f"the scorer {self.scorer.name} judges none of these {len(self.problems)} problems without "
                "their reference answers, which nobody has when a model is used; take compliant, "
                "compliant_all or compliant_graded, and problems with constraints"
            )

    @cached_property
    def by_prompt(self) -> Mapping[str, Problem]:
        """The problems without their answers, by the text of the prompt that states their rules."""
        bare = [
            replace(each, answer=None, solution=None) for each in self.problems if each.is_bound
        ]
        return {key_of(each.messages()): each for each in bare if self.scorer.applies(each)}

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The rules of `{problems: SPEC, scorer: NAME}`; see `Part.read`."""
        if not isinstance(value, dict) or not {"problems"} <= {*value} <= {"problems", "scorer"}:
            raise ModelError(
                f"{value!r:.60} names no rules; write `rules: {{problems: SPEC, scorer: compliant}}`"
            )
        name, spec = value.get("scorer", "compliant"), value["problems"]
        if not isinstance(name, str) or name not in REWARDS:
            raise ModelError(f"there is no scorer {name!r:.60}; {nearest(str(name), REWARDS)}")
        found = load(beside(folder / "rules", spec), profile="fixed")
        return cls(tuple(found), REWARDS[name])

    def fingerprint(self) -> object:
        """The scorer, and a hash of the problems."""
        ids = sha256("".join(each.id for each in self.by_prompt.values()).encode()).hexdigest()
        return {"scorer": repr(self.scorer), "problems_sha256": ids}

    def described(self, folder: Path) -> object:
        """Rules that were made in Python have no name that a file could have."""
        raise ModelError(
            "rules made in Python cannot be written to a file; name their problems in it"
        )

    def score(self, prompt: str, replies: Sequence[Response]) -> list[float | None]:
        """The score of each reply; None where it is unscored."""
        problem = self.by_prompt[prompt]
        return [each.score for each in self.scorer([problem] * len(replies), replies)]


def key_of(chat: Sequence[Message]) -> str:
    """The text by which a prompt is known."""
    return "\n\n".join(message["content"] for message in chat)


@final
@dataclass(frozen=True)
class BestOfN(Elicitor):
    """A model that replies with the best of several replies of another one.

    The scorer is that of the audit, so its compliance is what choosing by a perfect checker gives. What it
    does to accuracy is not chosen for. A prompt without known rules is asked once, with the same sampling:
    where that is greedy, both are drawn at `temperature`.

    Args:
        base: The model that is asked.
        rules: What the replies are judged by; in a YAML file `{problems: SPEC, scorer: NAME}`.
        n_tries: How many replies are drawn for each one that is given.
        temperature: At which they are drawn, if the sampling is greedy.
        control: The first of them is given, at the same cost.

    Source:
        Best-of-n: Stiennon et al. 2020, arXiv 2009.01325. Departs: rules that a program checks instead of a
        learned reward.

    Example:
        >>> from twofold.constraints import from_spec
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.scorers import Compliant
        >>> rule = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> problem = Problem(question="7 + 5?", ask=" ", constraints=(rule,))
        >>> model = ScriptedModel(lambda prompt, sample: ["Well, 12", "12"][sample % 2])
        >>> best = BestOfN(model, Rules((problem,), Compliant()), n_tries=2)
        >>> best.sample([problem.messages()], Sampling())[0][0].reply
        '12'
    """

    name: ClassVar[str] = "best_of_n"
    rules: Rules
    n_tries: int = 4
    temperature: float = 1.0
    control: bool = False

    def __post_init__(self) -> None:
        require_drawn("n_tries", self.n_tries, self.temperature)

    def fingerprint(self) -> dict[str, object]:
        """See `Elicitor.fingerprint`; the rules by theirs."""
        settings = {
            "rules": self.rules.fingerprint(),
            "n_tries": self.n_tries,
            "temperature": self.temperature,
            "control": self.control,
        }
        return {"kind": self.name, "settings": settings, "base": self.base.fingerprint()}

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The best of `n_tries` for a prompt with rules, a single reply for another."""
        ruled = [p for p, chat in enumerate(prompts) if key_of(chat) in self.rules.by_prompt]
        if prompts and not ruled:
            _log.warning(
                "best_of_n knows the rules of none of these %d prompts, and asks each once; "
                "rules: {problems: ...} has to name the problems that are asked",
                len(prompts),
            )
        for here, tries in ((ruled, self.n_tries), (sorted({*range(len(prompts))} - {*ruled}), 1)):
            place = {p: i for i, p in enumerate(here)}
            found = several(
                self.base,
                [prompts[p] for p in here],
                sampling,
                each=tries,
                temperature=self.temperature,
                n=n,
                seed=seed,
                done={(place[p], g) for p, g in done if p in place},
            )
            for i, g, replies in found:
                p = here[i]
                best = self._best(key_of(prompts[p]), replies) if tries > 1 else replies[0]
                cost = added([n_generated(each) for each in replies])
                yield Elicited(p, g, replace(best, n_spent_tokens=None), cost)

    def _best(self, prompt: str, replies: Sequence[Response]) -> Response:
        """The first of the replies with the highest score; the first reply if none is scored."""
        if self.control:
            return replies[0]
        scores = self.rules.score(prompt, replies)
        scored = [(score, -i) for i, score in enumerate(scores) if score is not None]
        if scored:
            return replies[-max(scored)[1]]
        return next((each for each in replies if each.has_reply), replies[0])
