"""Which options do the measuring commands take?"""

from pathlib import Path
from typing import Annotated

import typer

from twofold.cli.checklists import JUDGES
from twofold.cli.exits import finite

ModelsArgument = Annotated[
    list[str],
    typer.Argument(
        help="smollm2, pocket, a Hugging Face directory or id, a PEFT adapter directory, a .gguf file, "
        "llama:FILE.gguf (sampled by llama.cpp), a YAML file of a composed model, or "
        "http://host:port/v1#model. Several: training runs of one recipe, with a baseline."
    ),
]
BaselineOption = Annotated[
    list[str] | None,
    typer.Option(
        help="The base model to compare with, on the same problems. Several: its training runs."
    ),
]
ProblemsOption = Annotated[
    str,
    typer.Option(
        "--problems",
        help="A suite (synthetic or pocket, synthetic:200, synthetic:200:train), a file or directory "
        "(MathIF, IFEval, GSM8K, MATH-500, own JSONL), hub:org/name[:split] or hub:org/name:config:split, "
        "or package.module:function.",
    ),
]

MaxTokensOption = Annotated[
    int, typer.Option(min=1, help="Token budget for thinking and reply together.")
]
JudgedOption = Annotated[
    str | None, typer.Option("--judge", help=f"Judge the problems' checklists. {JUDGES}")
]
DiagnosticsOption = Annotated[
    str,
    typer.Option(
        help="Diagnostics to run, separated by commas; all = every built-in one but "
        "elicitation (many samples) and checklist (--judge); your own as package.module:Name."
    ),
]
CheckPackedOption = Annotated[
    int, typer.Option(min=0, help="Score the first N chains unpacked, too; stop if scores differ.")
]
ParaphraserOption = Annotated[
    str | None,
    typer.Option(help="A MODEL that paraphrases chains, besides the rules (`faithfulness`)."),
]
SamplesOption = Annotated[
    int, typer.Option(min=1, max=100_000, help="Samples per problem and condition.")
]
MarksOption = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--thinking-marks",
        metavar="OPEN CLOSE",
        help="What opens and closes a thought, if a caveat says that it is not known.",
    ),
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only the first N problems.")]
TemperatureOption = Annotated[
    float, typer.Option(min=0.0, max=100.0, callback=finite, help="0 is greedy.")
]
TopPOption = Annotated[
    float, typer.Option(min=1e-6, max=1.0, callback=finite, help="Nucleus sampling; 1 keeps all.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Base of all randomness.")]
RunOption = Annotated[
    Path | None, typer.Option(help="Run directory [default: runs/MODEL[-vs-BASE]].")
]
