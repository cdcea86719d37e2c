"""Which commands bring a reward to a trainer outside?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from twofold.cli.checklists import ProblemsArgument, loaded
from twofold.cli.exits import finite
from twofold.cli.options import MarksOption
from twofold.cli.terminal import say
from twofold.errors import ScoringError

RewardOption = Annotated[
    str,
    typer.Option(
        help="What is rewarded: soft_gate, correct, compliant ..., package.module:Name, or a mapping in "
        'JSON: \'{"judge": "exact"}\'.'
    ),
]


def serve(
    context: typer.Context,
    reward: RewardOption = "soft_gate",
    problems: Annotated[
        str,
        typer.Option(
            help="Problems that a request may name by their id, as in `audit`. Others bring their own."
        ),
    ] = "",
    host: Annotated[
        str, typer.Option(help="Address to listen on. There is no login: guard any other one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free one.")] = 8700,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Checks at once, a process each [default: cores]."),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=1e6,
            callback=finite,
            help="Seconds for one check; then the reply is unscored.",
        ),
    ] = 60.0,
    prefilled: Annotated[
        bool, typer.Option("--prefilled", help="The chat template opens the thought in the prompt.")
    ] = False,
    thinking_marks: MarksOption = None,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Log what is asked, too; else counts and times.")
    ] = False,
) -> None:
    """Serve a reward over HTTP: /reward, /verify (NeMo-Gym), /openrlhf, /health.

    Needs `pip install 'twofold[serve]'`.
    """
    from twofold.adapters.server.run import serve as served
    from twofold.adapters.server.settings import ServeSettings, cores

    registered = (context.parent.params if context.parent else {}).get("constraints") or ""
    settings = ServeSettings(
        reward=named(reward),
        problems=problems,
        concurrency=concurrency or cores(),
        timeout_s=timeout,
        prefilled=prefilled,
        thinking_marks=thinking_marks,
        constraints=tuple(each.strip() for each in registered.split(",") if each.strip()),
        log_texts=log_texts,
    )
    served(settings, host=host, port=port, say=say)


def named(reward: str) -> str | Mapping[str, Any]:
    """A reward as it was typed: a name, or a mapping in JSON."""
    if not reward.lstrip().startswith("{"):
        return reward
    try:
        found: Mapping[str, Any] = json.loads(reward)
    except ValueError as error:
        raise ScoringError(f"--reward {reward:.60} is no JSON ({error}); quote it whole") from error
    return found


def convert(
    problems: ProblemsArgument,
    to: Annotated[
        Literal["verl", "openrlhf", "verifiers", "nemo-gym", "trl", "lm-eval", "inspect"],
        typer.Option("--to", help="The trainer or harness that will read it."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for data set and reward file.")],
    reward: RewardOption = "soft_gate",
) -> None:
    """Write problems for a trainer outside, together with their reward."""
    from twofold.adapters.data import convert as converted

    asked = loaded(problems)
    done = converted(asked, to, reward=named(reward), out=out)
    say(f"{done.n} problems for {to}: {', '.join(str(out / name) for name in done.files)}")
    if done.n_left_out:
        say(
            f"{done.n_left_out} left out: the reward does not apply to them, or they are there twice"
        )
