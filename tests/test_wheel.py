"""Does the wheel work where nothing but its own requirements is installed, and name what is missing?

The wheel is built and installed into a new environment, from the package index that pip uses here. Then
every command is tried: what needs no extra works, and what needs one says which, without a traceback.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[1]
SURFACE = ROOT / "tests" / "golden" / "public_surface.txt"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves files beside its source."""
    place = tmp_path_factory.mktemp("wheel")
    copytree(ROOT / "twofold", place / "src" / "twofold", ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copyfile(ROOT / name, place / "src" / name)
    command = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", place, place / "src"]
    done([sys.executable, "-m", "pip", *command])
    (made,) = place.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and its requirements alone."""
    place = tmp_path_factory.mktemp("bare")
    done([sys.executable, "-m", "venv", place])
    install = ["install", "-q", "--no-compile", "-c", ROOT / "constraints.txt", wheel]
    done([place / "bin" / "python", "-m", "pip", *install])
    return place / "bin"


@pytest.fixture(scope="module")
def work(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with problems, replies to them, and a finished run, all made without extras."""
    place = tmp_path_factory.mktemp("work")
    (place / "make.py").write_text(FILES)
    done([bare / "python", "make.py"], cwd=place)
    problems = ["--problems", "problems.jsonl", "--out"]
    done([bare / "twofold", "score", "replies.jsonl", *problems, "run"], cwd=place)
    copytree(place / "run", place / "other")
    done(
        [bare / "twofold", "checklist", "write", "problems.jsonl", "--out", "listed.jsonl"],
        cwd=place,
    )
    return place


FILES = r"""
import json, pathlib, zipfile
import twofold

def rows(name, *rows):
    pathlib.Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))

def problem(i, rule, **more):
    return {"question": f"What is {i} + 2?", "answer": str(i + 2),
            "constraints": [{"name": rule, "args": {}}], **more}

def replies(name, to, *texts):
    asked = [p.messages()[0]["content"] for p in twofold.load_problems(to, profile="fixed")]
    rows(name, *({"prompt": a, "response": t} for a in asked for t in texts))

criterion = {"text": "Is it short?", "program": "def verify(text): return len(text) < 9"}
rows("problems.jsonl", *(problem(i, "punctuation:no_comma") for i in range(2)))
rows("emoji.jsonl", problem(0, "format:emoji"))
rows("program.jsonl", problem(0, "punctuation:no_comma", checklist={"criteria": [criterion]}))
for name in ("emoji", "program"):
    replies(f"{name}_replies.jsonl", f"{name}.jsonl", r"It is \boxed{2}.")
replies("replies.jsonl", "problems.jsonl", r"It is \boxed{2}.", r"Well, it is \boxed{4}.")

pathlib.Path("model.gguf").write_bytes(b"GGUF")
pathlib.Path("vote.yaml").write_text("kind: majority\nbase: pocket\n")
pathlib.Path("adapter").mkdir()
base = {"base_model_name_or_path": "pocket", "peft_type": "LORA"}
pathlib.Path("adapter/adapter_config.json").write_text(json.dumps(base))

with zipfile.ZipFile("log.eval", "w") as log:
    log.writestr("samples/1_epoch_1.json", "{}")
packed = pathlib.Path("log.eval").read_bytes()
for begin, method in ((b"PK\3\4", 8), (b"PK\1\2", 10)):  # it says that it is packed by zstd
    at = packed.index(begin) + method
    packed = packed[:at] + b"\x5d\0" + packed[at + 2:]
pathlib.Path("log.eval").write_bytes(packed)
"""

WORKS = [
    "doctor",
    "check problems.jsonl",
    "check pocket:5 --train-set pocket:5:train",
    "check synthetic:5",
    "score replies.jsonl --problems problems.jsonl --out run2",
    "score replies.jsonl --problems listed.jsonl --judge exact --out run3",
    "report run",
    "report run --format markdown",
    "report run --format json",
    "report run --format csv",
    "compare run other",
    "card run",
    "pairs replies.jsonl --problems listed.jsonl --judge exact --out pairs.jsonl",
    "checklist write problems.jsonl --out listed2.jsonl",
    "checklist check listed.jsonl",
    "checklist convert listed.jsonl --to rar --out rar.jsonl",
    *(
        f"convert problems.jsonl --to {to} --out {to}"
        for to in ("openrlhf", "verifiers", "nemo-gym", "trl", "lm-eval", "inspect")
    ),
    "train grpo --base pocket --problems pocket:4 --out trained --dry-run",
    "push run me/run --dry-run",
]

NEEDS = {
    "audit pocket --problems pocket:2": "hf",
    "audit smollm2 --problems pocket:2": "hf",
    "audit org/name --problems pocket:2": "hf",
    "audit adapter --problems pocket:2": "hf",
    "audit model.gguf --problems pocket:2": "hf",
    "audit vote.yaml --problems pocket:2": "hf",
    "audit http://127.0.0.1:9/v1#m --problems pocket:2": "server",
    "study": "hf,train",
    "study --ray local": "hf,ray,train",
    "train grpo --base pocket --problems pocket:4 --out trained": "hf,train",
    "merge pocket pocket --base pocket --out merged": "hf",
    "serve --reward soft_gate": "serve",
    "check hub:org/name": "hub",
    "check gym:chain_sum": "gym",
    "push run me/run": "hub",
    "report run --format parquet --out numbers.parquet": "hub",
    "convert problems.jsonl --to verl --out verl": "hub",
    "pairs replies.jsonl --problems listed.jsonl --judge pocket --out pairs2.jsonl": "hf",
    "checklist write problems.jsonl --writer pocket --out listed3.jsonl": "hf",
    "score log.eval --problems problems.jsonl --out run4": "inspect",
    "score emoji_replies.jsonl --problems emoji.jsonl --out run5": "ifbench",
    "score program_replies.jsonl --problems program.jsonl --judge exact --programs override "
    "--out run6": "judges",
}

# Every module outside the standard library that is imported anywhere is here, or has an extra.
IMPORTS = r"""
import ast, sys
from importlib.util import find_spec
from pathlib import Path
import twofold
from twofold.cli.doctor import extra_of

missing = set()
for file in sorted(Path(twofold.__file__).parent.rglob("*.py")):
    for node in ast.walk(ast.parse(file.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        for name in {name.partition(".")[0] for name in names}:
            if find_spec(name) is None and extra_of(name) is None:
                missing.add(name)
print(*sorted(missing))
"""


def done(command: list[object], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A program that has to succeed."""
    ended = tried(command, cwd)
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended


def tried(command: list[object], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A program that ends somehow, started where no other twofold is found."""
    settings = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
    return subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=os.environ | settings | ({"TWOFOLD_CACHE": str(cwd / "cache")} if cwd else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def commands() -> list[str]:
    """Every command of the public surface, without its arguments."""
    lines = SURFACE.read_text().splitlines()
    named = [line.split()[1:] for line in lines if line.startswith("twofold ")]
    return [" ".join(word for word in words if not word.isupper()) for words in named]


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "twofold"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {name for name in listed if (ROOT / name).exists()} <= {
        *zipfile.ZipFile(wheel).namelist()
    }


def test_nothing_else_is_installed(bare: Path) -> None:
    listed = done([bare / "python", "-m", "pip", "list", "--format", "json"]).stdout
    there = {each["name"].lower() for each in json.loads(listed)}
    assert "twofold" in there
    assert not there & {"torch", "transformers", "datasets", "huggingface-hub", "openai", "trl"}


def test_whatever_is_imported_is_required_or_has_an_extra(bare: Path, tmp_path: Path) -> None:
    """But TensorBoard, one of the trackers, each of which is told by its own name."""
    assert done([bare / "python", "-c", IMPORTS], cwd=tmp_path).stdout.split() == ["tensorboard"]


@pytest.mark.parametrize("command", ["", *commands()])
def test_each_command_has_its_help(bare: Path, command: str, tmp_path: Path) -> None:
    told = done([bare / "twofold", *command.split(), "--help"], cwd=tmp_path).stdout
    assert told.startswith(f"Usage: twofold {command}".rstrip())


def test_each_command_is_tried() -> None:
    groups = {"checklist"}
    for command in {*commands()} - groups:
        assert any(f"{each} ".startswith(f"{command} ") for each in [*WORKS, *NEEDS]), command


@pytest.mark.parametrize("command", WORKS)
def test_what_needs_no_extra_works(bare: Path, work: Path, command: str) -> None:
    done([bare / "twofold", *command.split()], cwd=work)


@pytest.mark.parametrize("command", NEEDS)
def test_what_needs_an_extra_says_which(bare: Path, work: Path, command: str) -> None:
    ended = tried([bare / "twofold", *command.split()], cwd=work)
    assert ended.returncode in (2, 3), ended.stdout
    assert "Traceback" not in ended.stderr
    assert f"pip install 'twofold[{NEEDS[command]}]'" in ended.stderr
