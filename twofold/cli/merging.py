"""Which command merges checkpoints?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twofold.cli.exits import finite
from twofold.cli.terminal import say
from twofold.errors import ModelError

if TYPE_CHECKING:
    from twofold.methods.merge.recipe import Recipe

How = Literal["arithmetic", "ties", "null_space"]


ReasonerArgument = Annotated[str, typer.Argument(help="A MODEL with local weights that reasons.")]
InstructArgument = Annotated[str, typer.Argument(help="A MODEL of the same shape that obeys.")]
BaseOption = Annotated[str, typer.Option(help="The MODEL that both were trained from.")]
OutOption = Annotated[Path, typer.Option(help="A new folder for the merged model.")]
MethodOption = Annotated[
    How, typer.Option(help="null_space leaves alone what the reasoner sees at its think tokens.")
]
WeightOption = Annotated[
    float, typer.Option(callback=finite, help="Of the instruct model's change.")
]
DensityOption = Annotated[
    float | None, typer.Option(help="ties: share of each change that is kept [default: 0.2].")
]
ProblemsOption = Annotated[
    str | None, typer.Option(help="null_space: calibration problems, as in `audit`.")
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="null_space: the first N of them [default: 64].")
]
PositionsOption = Annotated[
    Literal["marks", "thought"] | None,
    typer.Option(help="null_space: the thought's marks, or all of it [default: marks]."),
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, help="null_space: of the reasoner's replies.")
]
MaxTokensOption = Annotated[
    int | None, typer.Option(min=1, help="null_space: of a reply [default: 512].")
]


def merge(
    reasoner: ReasonerArgument,
    instruct: InstructArgument,
    base: BaseOption,
    out: OutOption,
    method: MethodOption = "arithmetic",
    weight: WeightOption = 1.0,
    density: DensityOption = None,
    problems: ProblemsOption = None,
    limit: LimitOption = None,
    positions: PositionsOption = None,
    seed: SeedOption = None,
    max_tokens: MaxTokensOption = None,
) -> None:
    """Merge what instruction tuning changed into a reasoner, without training.

    The same command again resumes a stopped merge.
    """
    own: dict[str, dict[str, object]] = {
        "ties": {"density": density},
        "null_space": {
            "problems": problems,
            "limit": limit,
            "positions": positions,
            "seed": seed,
            "max_tokens": max_tokens,
        },
    }
    given = {
        (of, name): value
        for of, values in own.items()
        for name, value in values.items()
        if value is not None
    }
    if strange := [(of, name) for of, name in given if of != method]:
        of, name = strange[0]
        raise ModelError(
            f"--{name.replace('_', '-')} is a setting of {of}; leave it out, or give --method {of}"
        )
    from twofold.methods.merge.merge import merge as merged

    recipe = _recipe(method, weight, {name: value for (_, name), value in given.items()})
    made = merged(reasoner, instruct, base=base, recipe=recipe, out=out)
    say(
        f"{made.n_merged} of {made.n_tensors} tensors merged; now `twofold audit {made.folder} --baseline "
        f"{reasoner} --problems PROBLEMS`"
    )


def _recipe(method: How, weight: float, own: dict[str, object]) -> Recipe:
    """The recipe with its settings."""
    from twofold.methods.merge.arithmetic import Arithmetic
    from twofold.methods.merge.null_space import NullSpace
    from twofold.methods.merge.ties import Ties
    from twofold.validation import validated

    if method == "arithmetic":
        return Arithmetic(weight=weight)
    if method == "ties":
        return validated(Ties, {"weight": weight, **own}, where="--method ties", error=ModelError)
    if "problems" not in own:
        raise ModelError(
            "--method null_space needs --problems: prompts on which the reasoner thinks, such as its "
            "training problems"
        )
    return validated(
        NullSpace, {"weight": weight, **own}, where="--method null_space", error=ModelError
    )
