"""How are IFEval's and IFBench's rows read? A prompt that states its own instructions, and arguments."""

from pathlib import Path
from typing import Any, ClassVar, final

from twofold.constraints import from_spec
from twofold.errors import ProblemError
from twofold.problems.row import Origin, ProblemRow
from twofold.types import Problem, Profile

# The published files, as they are called in their repositories.
FILES = ("IFBench_test.jsonl", "input_data.jsonl")


@final
class IfevalRow(ProblemRow):
    """A row of IFEval or IFBench: no reference answer, and the question states its instructions.

    The hub's copy pads the arguments with nulls, which count as absent. A 0 stays a 0 (other harnesses
    drop every falsy value). IFBench's keys are texts; its rows have the source `ifbench`.

    Source: Zhou et al. 2023, https://arxiv.org/abs/2311.07911; Pyatkin et al. 2025,
    https://arxiv.org/abs/2507.02833
    """

    title: ClassVar[str] = "IFEval or IFBench"

    key: int | str
    prompt: str
    instruction_id_list: list[str]
    kwargs: list[dict[str, Any]]

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem, whose question states the constraints.

        Raises:
            ProblemError: If the instructions and their arguments differ in number.
        """
        if len(self.instruction_id_list) != len(self.kwargs):
            raise ProblemError(
                f"{len(self.instruction_id_list)} instruction ids for {len(self.kwargs)} kwargs; "
                "give each instruction one object, {} if it takes nothing"
            )
        specs = zip(self.instruction_id_list, self.kwargs, strict=True)
        return Problem(
            question=self.prompt,
            constraints=tuple(from_spec(name, args, profile=profile) for name, args in specs),
            question_states_constraints=True,
            tags=origin.tags("ifbench" if isinstance(self.key, str) else "ifeval", str(self.key)),
        )


def files(directory: Path) -> list[Path]:
    """The published file of IFEval or IFBench in `directory`, if it is there."""
    return [path for name in FILES if (path := directory / name).is_file()]
