"""Does a reply do what a criterion's own program checks, and can that program be trusted?

A model writes small programs for what can be decided exactly ("exactly three bullet points"). A
program is parsed from the model's reply, admitted only if it separates known good from known bad
examples, and then judges replies in the sandbox.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, final

from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import polarised, settled
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.types import Verdict

# What a program may import, for the prompt that asks for one.
MODULES = (
    *("bisect", "collections", "copy", "csv", "dataclasses", "datetime", "decimal", "functools"),
    *("hashlib", "itertools", "json", "math", "re", "typing", "unicodedata"),
)

LEAST_EXAMPLES = 2  # how many different examples of each kind a program must get right

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^`]*)")
_PYTHON = ("", "python", "python3", "py")
_VERIFY = re.compile(r"^def[ \t]+verify[ \t]*\(", re.MULTILINE)


@final
@dataclass(frozen=True)
class Admission:
    """Whether a program may judge replies, and why, in one line that a person can check."""

    admitted: bool
    reason: str


def admitted(
    source: str, positives: Sequence[str], negatives: Sequence[str], sandbox: Sandbox
) -> Admission:
    r"""Test a program on examples before it is used.

    Two different examples of each kind rule out a constant program. It can still be wrong elsewhere
    or have memorised the examples, so they should not be those that its writer was shown.

    Source:
        Ours; RLCF (https://arxiv.org/abs/2507.18624) asks its writer to be sure and tests nothing.
    """
    kinds = (("positive", positives, 1.0), ("negative", negatives, 0.0))
    for kind, texts, _ in kinds:
        if (n := len(set(texts))) < LEAST_EXAMPLES:
            reason = f"{n} different {kind} examples; it takes {LEAST_EXAMPLES} to try a program"
            return Admission(False, reason)
    if set(positives) & set(negatives):
        return Admission(False, "a text is both a positive and a negative example")
    for kind, texts, wanted in kinds:
        for i, text in enumerate(texts, 1):
            (verdict,) = sandbox.run(source, [text])
            if verdict.score != wanted:
                return Admission(False, f"{kind} example {i}: {verdict.reason}")
    reason = f"right on {len(positives)} positive and {len(negatives)} negative examples"
    return Admission(True, reason)


@final
@dataclass(frozen=True)
class ProgramJudge(Judge):
    r"""Decides each criterion by its `program`, in the sandbox.

    A criterion without a program is unscored, and so is a reply that its program does not decide:
    an error in the program says nothing about the reply. A blank reply meets nothing, whatever the
    program would return.

    Args:
        sandbox: Where the programs run, and with which limits.

    Example:
        >>> from twofold.types.checklist import Criterion
        >>> from twofold.types import Problem, Response
        >>> no_comma = "def verify(text):\n    return ',' not in text"
        >>> criterion = Criterion(text="Is it free of commas?", program=no_comma)
        >>> reply = Response(raw="One, two.", reply="One, two.")
        >>> asked = Asked(problem=Problem(question="Count."), response=reply, criterion=criterion)
        >>> [(verdict.score, verdict.reason) for verdict in ProgramJudge()([asked])]
        [(0.0, 'the program says False')]
    """

    name: ClassVar[str] = "program"

    sandbox: Sandbox = field(default_factory=Sandbox)

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Run the program of each criterion on the reply."""
        return [
            polarised(each.criterion, _without_running(each) or self._run(each)) for each in asked
        ]

    def _run(self, asked: Asked) -> Verdict:
        (verdict,) = self.sandbox.run(asked.criterion.program, [asked.response.reply])
        return verdict


def _without_running(asked: Asked) -> Verdict | None:
    """The verdict where no program needs to run; None where one does."""
    if not asked.criterion.program:
        return asked.response.unscored() or Verdict(None, "the criterion has no program")
    return settled(asked.response)


def read_program(reply: str) -> str | None:
    r"""The last fenced Python block in a model's reply that defines `verify`; None without one.

    Fences are read line by line, as CommonMark closes them, so that nothing inside the code ends
    it: not the word python, not backticks. A block that was never closed is cut and does not count.

    Source:
        Ours. RLCF's released code takes the text between the first word "python" and the next.
    """
    found: str | None = None
    indent, fence, language = "", "", ""
    block: list[str] = []
    for line in reply.replace("\r\n", "\n").split("\n"):
        if fence:
            mark = line.strip(" \t")
            if len(mark) >= len(fence) and not mark.strip(fence[0]):
                code = "\n".join(block)
                if language in _PYTHON and _VERIFY.search(code):
                    found = code
                fence = ""
            else:
                n_blank = len(line) - len(line.lstrip(" \t"))
                block.append(line[min(len(indent), n_blank) :])
        elif opened := _FENCE.fullmatch(line):
            indent, fence, info = opened.groups()
            language = info.casefold().split(maxsplit=1)[0] if info.strip() else ""
            block = []
    return found
