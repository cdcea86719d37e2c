"""Can a program decide a criterion? A model writes one if it is sure, or says that there is none.

The program runs only in the sandbox, and only after it agrees with examples whose truth is known
(`examples`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from twofold.errors import ScoringError
from twofold.judges.parse_verdict import defused
from twofold.judges.program import MODULES, read_program
from twofold.judges.prompt_template import fenced, filled, prompt
from twofold.types import FinishReason, Message, Model, Sampling
from twofold.types.checklist import Criterion

CANNOT = "CANNOT"  # the answer of a model that sees no exact program

PROGRAMMING = Sampling(max_tokens=512)  # greedy; a longer program is unlikely to be exact


@final
class WriterDownError(ScoringError):
    """The model that writes programs could not be asked, so whether there is one stays unknown."""


@final
@dataclass(frozen=True, kw_only=True)
class ProgramWriter:
    r"""Asks a model for a program that decides a criterion exactly, if there is one.

    Source:
        RLCF, arXiv 2507.18624, section 2 (programs for what is exactly checkable, and a way out for
        the rest). Departs: the prompt is our own, the function is called `verify`, and the program
        is a field of the criterion.
    """

    model: Model
    sampling: Sampling = PROGRAMMING
    seed: int = 0

    def write(self, criteria: Sequence[Criterion]) -> Iterator[tuple[Criterion, str]]:
        """Each criterion with a program and "", or as it was and the reason, in order.

        Criteria that have a rule or a program are returned without asking.

        Raises:
            WriterDownError: At a criterion for which the call failed.
        """
        asked = [each for each in criteria if not each.rule and not each.program]
        chats = [[self._message(each)] for each in asked]
        answers = self.model.sample(chats, self.sampling, seed=self.seed)
        said = {each: reply for each, (reply,) in zip(asked, answers, strict=True)}
        for each in criteria:
            reply = said.get(each)
            if reply is None:
                yield each, f"decided by {each.rule or 'its program'} already"
            elif reply.finish_reason is FinishReason.failed:
                raise WriterDownError(
                    f"a program could not be asked for (the call failed: {reply.error})"
                )
            elif lost := reply.unscored():
                yield each, lost.reason
            elif reply.finish_reason is FinishReason.truncated:
                yield each, "the program was cut; give a larger max_tokens"
            elif source := read_program(reply.reply):
                yield replace(each, program=source), ""
            elif CANNOT in reply.reply:
                yield each, "the model sees no exact program"
            else:
                yield each, "no program could be read"

    def _message(self, criterion: Criterion) -> Message:
        question = fenced(defused(criterion.text), "question")
        text = filled(prompt("write_program"), criterion=question, modules=", ".join(MODULES))
        return Message(role="user", content=text)
