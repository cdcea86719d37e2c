"""Does the prompt read as it was meant, and can a reply to it be scored?"""

from collections.abc import Iterator

from twofold.problems.lint.fault import Fault
from twofold.types import Problem


def prompts(problem: Problem) -> Iterator[Fault]:
    """Parts of a prompt that run into each other, and problems with nothing to score."""
    if problem.answer is None and not problem.constraints and not problem.checklist:
        detail = "it has neither an answer nor a constraint, so no reply to it is scored"
        yield Fault.of(problem, "nothing_to_score", detail, "warning")
    if "source" in problem.tags:  # published prompts stay as they are
        return
    joins = [(problem.question, problem.ask)]
    if problem.constraints and not problem.question_states_constraints:
        joins.append((problem.ask or problem.question, "rules"))
    for before, after in joins:
        if before and after and not before[-1].isspace() and not after[0].isspace():
            shown = f"...{before[-20:]}" + ("" if after == "rules" else f"{after[:20]}...")
            detail = f"{shown!r} runs into what follows; `ask` needs its spaces"
            yield Fault.of(problem, "no_space", detail, "warning")
