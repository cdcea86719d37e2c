"""Which checklist does a model write: from the task, replies to it, or the reference answer?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final, get_args

from twofold.errors import ScoringError
from twofold.judges.parse_verdict import defused
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.judges.writing.parse_checklist import How, read_criteria
from twofold.types import FinishReason, Message, Model, Problem, Response, Sampling
from twofold.types.checklist import Checklist, Criterion

# The last criterion of every checklist that a model writes: policies learn to promise things
# instead of doing them. It weighs as much as an explicit demand, as in RLCF. Our wording, of one of
# RLCF's two demands.
UNIVERSAL = Criterion(
    text="Does the reply come to the point at once, without announcing or praising what it will do?",
    weight=100.0,
    title="no preamble",
)

N_SHOWN = 3  # dropped points that a reason names

WRITING = Sampling(max_tokens=1024)  # greedy, as RLCF's writer

# A problem, its checklist, and the losses: why there is none, or which points were dropped.
Written = tuple[Problem, Checklist | None, str]


@final
@dataclass(frozen=True, kw_only=True)
class ModelWriter:
    r"""Asks a model for the criteria of a problem.

    The model's text is parsed by `parse_checklist`. `UNIVERSAL` is added to what it wrote; alone it
    makes no checklist.

    Args:
        model: Who writes.
        how: `direct`, from the instruction alone; `candidates`, with replies of varied quality, so
            that their failures become visible; `rubric`, from the reference answer, by category
            (essential, important, optional, pitfall).
        sampling: How it writes; the budget must fit a thought and the list.
        seed: Base of all randomness.

    Raises:
        ScoringError: If `how` is none of the three.

    Source:
        RLCF, arXiv 2507.18624, section 2 (direct, candidates; weights and their anchors; the
        universal criterion). RaR, arXiv 2507.17746, section 3 (rubrics from a reference). Departs:
        all prompts are our own; no expert reply is shown in `direct`; a rubric's categories are
        given in brackets and the polarity is a field, where RaR puts both into sentence and sign.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> model = ScriptedModel(lambda text, sample: "- (100) Does the reply name a river?\n- Why?")
        >>> ((_, checklist, reason),) = ModelWriter(model=model).write([Problem(question="A river?")])
        >>> [c.weight for c in checklist.criteria], reason
        ([100.0, 100.0], "1 point dropped: too short to be a question: 'Why?'")
    """

    model: Model
    how: How = "direct"
    sampling: Sampling = WRITING
    seed: int = 0

    def __post_init__(self) -> None:
        if self.how not in get_args(How):
            raise ScoringError(f"how is {self.how!r}; use {', '.join(get_args(How))}")

    @property
    def name(self) -> str:
        """The `writer` of the checklists: the model and how it was asked."""
        return f"{self.model.spec} ({self.how})"

    def write(
        self, problems: Sequence[Problem], candidates: Mapping[str, Sequence[str]] | None = None
    ) -> Iterator[Written]:
        """Write a checklist for each problem, yielding each as soon as it is finished.

        Yields:
            First the problems that cannot be asked about (no reference answer, no replies), then
            the others as the model finishes them. A checklist is None where the model failed or its
            text contains no criterion.

        Raises:
            ModelError: If the model cannot work at all.
        """
        candidates = candidates or {}
        asked: list[Problem] = []
        for problem in problems:
            if lack := self._lack(problem, candidates):
                yield problem, None, lack
            else:
                asked.append(problem)
        chats = [[self._message(problem, candidates)] for problem in asked]
        for p, _, response in self.model.stream(chats, self.sampling, seed=self.seed):
            yield asked[p], *self._checklist(response)

    def _lack(self, problem: Problem, candidates: Mapping[str, Sequence[str]]) -> str:
        """What is missing to ask about the problem; "" if nothing."""
        if self.how == "rubric" and not (problem.answer or "").strip():
            return "no reference answer to write a rubric from"
        if self.how == "candidates" and not any(r.strip() for r in candidates.get(problem.id, ())):
            return "no candidate replies"
        return ""

    def _message(self, problem: Problem, candidates: Mapping[str, Sequence[str]]) -> Message:
        values = {"question": _shown(problem.messages()[0]["content"], "task")}
        if self.how == "rubric":
            values["answer"] = _shown(problem.answer or "", "answer")
        elif self.how == "candidates":
            replies = [reply for reply in candidates[problem.id] if reply.strip()]
            values["candidates"] = "\n\n".join(_shown(reply, "reply") for reply in replies)
        return Message(role="user", content=filled(prompt(f"write_{self.how}"), **values))

    def _checklist(self, response: Response) -> tuple[Checklist | None, str]:
        if lost := response.unscored():
            return None, lost.reason
        cut = response.finish_reason is FinishReason.truncated  # the last line may be half a point
        text = response.reply.rpartition("\n")[0] if cut else response.reply
        read = read_criteria(text, how=self.how)
        reason = _summary(read.dropped, cut=cut)
        if not read.criteria:
            why = "no criterion could be read" if reason else "the reply states no criterion"
            return None, f"{why}; {reason}" if reason else why
        return Checklist(criteria=(*read.criteria, UNIVERSAL), writer=self.name), reason


def _shown(text: str, label: str) -> str:
    """Untrusted text, kept apart from the prompt for a reader and for a tokenizer."""
    return fenced(defused(text), label)


def _summary(dropped: Sequence[str], *, cut: bool) -> str:
    """The losses in one line; "" if there are none."""
    parts = ["the reply was cut, its last line is left out"] if cut else []
    if dropped:
        noun = "point" if len(dropped) == 1 else "points"
        more = " ..." if len(dropped) > N_SHOWN else ""
        parts.append(f"{len(dropped)} {noun} dropped: {'; '.join(dropped[:N_SHOWN])}{more}")
    return "; ".join(parts)
