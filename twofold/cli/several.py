"""How does `audit` compare the training runs of one recipe with those of another?

As a study whose arms were trained elsewhere: each run is audited in a folder of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from twofold.cli.exits import EXIT_BAD_INPUT, fail

_BASELINE = "--baseline"


class TakesSeveral(TyperCommand):
    """A command whose `--baseline` takes all words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its words."""
        if _BASELINE in args and "--" not in args:
            at = args.index(_BASELINE) + 1
            end = next((i for i in range(at, len(args)) if args[i].startswith("-")), len(args))
            words = args[at:end]
            if len(words) > 1 and not self._has_model(args[: at - 1], args[end:]):
                if len(words) > 2:
                    fail(
                        "MODEL is missing: write it before --baseline, which takes all words up to the next "
                        "option",
                        EXIT_BAD_INPUT,
                    )
                words, end = words[:1], at + 1  # `--baseline OLD NEW`, as it always was
            args = [*args[: at - 1], *(each for w in words for each in (_BASELINE, w)), *args[end:]]
        return super().parse_args(ctx, args)

    def _has_model(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Whether a word besides those of `--baseline` is no value of an option."""
        values = {
            name: each.nargs
            for each in self.params
            if each.param_type_name == "option" and not getattr(each, "is_flag", False)
            for name in each.opts
        }
        rest = [*before, "", *after]  # an empty word ends the values of the option before it
        skip = 0
        for word in rest:
            if skip:
                skip -= 1
            elif word.startswith("-"):
                skip = values.get(word, 0)
            elif word:
                return True
        return False


def compare_runs(
    models: Sequence[str],
    baselines: Sequence[str],
    *,
    out: Path,
    seed: int,
    settings: Mapping[str, Any],
    refused: Mapping[str, object],
) -> Path:
    """Audit every training run of both sides and write `study.json` and the page; return the folder.

    Args:
        models: The runs under test.
        baselines: The runs of the recipe before; one is taken for the base of all.
        out: The folder.
        seed: The seed of the first run's replies; the others count on from it.
        settings: Of the plan.
        refused: Options of `audit` that studies do not have, by name, with what was given.
    """
    from twofold import study as studies
    from twofold.cli.terminal import say

    if not baselines:
        fail(
            f"{len(models)} MODELs are training runs of one recipe, to be compared with --baseline; to audit "
            "different models, give a command for each",
            EXIT_BAD_INPUT,
        )
    if asked := [name for name, given in refused.items() if given]:
        fail(
            f"--{asked[0]} is for one MODEL and one --baseline; audit the pair of one seed with it",
            EXIT_BAD_INPUT,
        )
    plan = studies.of_checkpoints(models, baselines, first_seed=seed, **settings)
    return studies.study(plan, out=out, say=say).path
