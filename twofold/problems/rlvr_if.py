"""How are the RLVR-IF training files read? A chat, and its constraints as a Python literal in a text."""

import ast
import json
from typing import Any, ClassVar, final

from twofold.constraints import from_spec
from twofold.errors import ProblemError
from twofold.problems.row import Origin, ProblemRow
from twofold.types import Constraint, Problem, Profile


@final
class RlvrIfRow(ProblemRow):
    """A row of IF_multi_constraints_upto5: the prompt states one to five constraints.

    `ground_truth` is the text of a list with one object, `{"instruction_id": [...], "kwargs": [...]}`;
    it is read as a literal, never evaluated. Further objects are ignored, as by the published reward.

    Source: Pyatkin et al. 2025, https://arxiv.org/abs/2507.02833; the form of
    allenai/IF_multi_constraints_upto5. Departs: the published reward ignores what one list has more than
    the other; here both must be of one length.
    """

    title: ClassVar[str] = "RLVR-IF (ground_truth as a literal)"

    messages: list[dict[str, Any]]
    ground_truth: str

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem, whose question states the constraints.

        Raises:
            ProblemError: If there is not one user message, or the literal cannot be read.
        """
        if len(self.messages) != 1 or not isinstance(self.messages[0].get("content"), str):
            raise ProblemError(
                f"messages has {len(self.messages)} entries; give one user message with its content"
            )
        return Problem(
            question=self.messages[0]["content"],
            constraints=constraints_of(self.ground_truth, profile=profile),
            question_states_constraints=True,
            tags=origin.tags("rlvr_if"),
        )


def constraints_of(ground_truth: str, *, profile: Profile) -> tuple[Constraint, ...]:
    """The constraints of a `ground_truth` text.

    Raises:
        ProblemError: If it is no such literal, or a constraint cannot be built.

    Example:
        >>> text = "[{'instruction_id': ['punctuation:no_comma'], 'kwargs': [None]}]"
        >>> constraints_of(text, profile="official")[0].name
        'punctuation:no_comma'
    """
    try:
        found = ast.literal_eval(ground_truth)
        found = found[0] if isinstance(found, list) and found else found
        if isinstance(found, str):
            found = json.loads(found)
        names, args = found["instruction_id"], found["kwargs"]
    except (ValueError, SyntaxError, MemoryError, RecursionError, KeyError, TypeError) as error:
        raise ProblemError(
            f"ground_truth is {ground_truth!r:.80}; give the text of "
            "[{'instruction_id': [NAME, ...], 'kwargs': [{...} or None, ...]}] (the older form with "
            "func_name cannot be read)"
        ) from error
    if not (isinstance(names, list) and isinstance(args, list) and len(names) == len(args)):
        raise ProblemError("instruction_id and kwargs must be two lists of one length")
    return tuple(from_spec(n, a, profile=profile) for n, a in zip(names, args, strict=True))
