"""Which targets are there, and how are their files written?"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, final, get_args

from twofold.adapters.data import inspect, lm_eval, nemo_gym, openrlhf, trl, verifiers, verl
from twofold.adapters.data.conversion import Conversion
from twofold.adapters.reward import reward_function
from twofold.constraints import register
from twofold.errors import ProblemError
from twofold.storage.folders import refuse_other_folders, replace_folder
from twofold.types import Problem

Target = Literal["verl", "openrlhf", "verifiers", "nemo-gym", "trl", "lm-eval", "inspect"]

TARGETS: Mapping[Target, Callable[[Conversion], Mapping[str, bytes]]] = {
    "verl": verl.files,
    "openrlhf": openrlhf.files,
    "verifiers": verifiers.files,
    "nemo-gym": nemo_gym.files,
    "trl": trl.files,
    "lm-eval": lm_eval.files,
    "inspect": inspect.files,
}
assert set(TARGETS) == set(get_args(Target))


@final
class Converted(NamedTuple):
    """What was written: the names of the files, the number of problems, and of those left out."""

    files: tuple[str, ...]
    n: int
    n_left_out: int


def convert(
    problems: Sequence[Problem],
    target: Target,
    *,
    reward: str | Mapping[str, object] = "soft_gate",
    out: str | Path,
) -> Converted:
    """Write problems for a trainer, with the file that rewards replies to them.

    Problems to which the reward does not apply are left out: in most trainers they could only stop the run.

    Args:
        problems: The problems.
        target: The trainer, or the evaluation harness.
        reward: A name, `package.module:Name`, or a mapping with a judge.
        out: The folder: new, empty, or written by this function and unchanged since.

    Raises:
        ProblemError: If no problem is left, or two are the same.
        ScoringError: If there is no such reward.
        RunError: If the folder holds something else, or cannot be written.

    Example:
        >>> import tempfile
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> convert([problem], "openrlhf", out=Path(tempfile.mkdtemp()) / "data").files
        ('reward.py', 'train.jsonl')
    """
    out = Path(out)
    refuse_other_folders(out)
    for cls in {type(c) for problem in problems for c in problem.constraints}:
        register(cls)
    scorer = reward_function(reward).scorer
    kept = {problem.id: problem for problem in problems if scorer.applies(problem)}
    if not kept:
        raise ProblemError(
            f"the reward {scorer.name} applies to none of the {len(problems)} problems; choose another "
            "--reward, or problems with what it needs"
        )
    made = Conversion(tuple(kept.values()), reward, str(out.absolute()))
    files = TARGETS[target](made)
    given = reward if isinstance(reward, str) else dict(reward)
    replace_folder(out, files, {"for": target, "reward": given, "problems": len(kept)})
    return Converted(tuple(sorted(files)), len(kept), len(problems) - len(kept))
