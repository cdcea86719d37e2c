"""Whatever a file, a folder or a flag is: a message with its remedy, no trace, no hang, nothing harmed.

Case `i` is drawn from the number `i`: a command, its files with one of them damaged, an output place and
odd flags. A sample runs with the other tests; `TWOFOLD_FUZZ_CASES=1000 python -m pytest tests/fuzz` runs
more, and `TWOFOLD_FUZZ_FROM=7 TWOFOLD_FUZZ_CASES=1` a single one.
"""

import ctypes
import hashlib
import io
import os
import re
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from file_world import DAMAGES, plain

from twofold.cli import main

FIRST = int(os.environ.get("TWOFOLD_FUZZ_FROM", "0"))
CASES = range(FIRST, FIRST + int(os.environ.get("TWOFOLD_FUZZ_CASES", "150")))
LIMIT_S = 120
STATUSES = (0, 2, 3, 4)

# What a command may write in a run, and in a study, of its own.
REMADE = re.compile(
    r"(run|scored|study)/(.*/)?(findings\.json|report\.(md|html)|measures\.csv|contrasts\.csv|study\.json"
    r"|study\.(md|csv)|plane\.svg|[\w.]+\.csv|[\w.]+\.svg|study\.yaml|(responses|verdicts|joint|profiles"
    r"|checklist|variants|problems)[\w.]*\.jsonl|\.lock\.0|cell\.json)"
)


@dataclass(frozen=True)
class Done:
    status: object
    out: str
    err: str


class HangError(BaseException):
    """The command did not end."""


def _hang(*_: object) -> None:
    raise HangError


def call(
    arguments: list[str],
    *,
    encoding: str = "utf-8",
    environment: dict[str, str] | None = None,
    limit_s: int = LIMIT_S,
):
    """Run the command line in this process."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    before = sys.stdout, sys.stderr, sys.argv, dict(os.environ)
    sys.stdout, sys.stderr = streams
    sys.argv = ["twofold", *arguments]
    os.environ |= environment or {}
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(limit_s)
    status: object = 0
    try:
        main()
    except SystemExit as end:
        status = end.code or 0
    finally:
        signal.alarm(0)
        sys.stdout, sys.stderr, sys.argv = before[:3]
        os.environ.clear()
        os.environ |= before[3]
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding, "replace") for stream in streams)
    return Done(status, out, err)


@contextmanager
def as_others():
    """Without the right of root to read what is closed to all; a user has no such right."""

    class Head(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    head = Head(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(ctypes.byref(head), sets) == 0
    whole = sets[0]
    sets[0] = whole & ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(ctypes.byref(head), sets) == 0
    try:
        yield
    finally:
        sets[0] = whole
        assert libc.capset(ctypes.byref(head), sets) == 0


@pytest.fixture(scope="module")
def template():
    """A folder with every kind of file, and an audit, a score and a study of ours."""
    pytest.importorskip("trl")
    folder = Path(tempfile.mkdtemp(prefix="twofold-fuzz-"))
    folder.chmod(0o755)
    os.environ["TWOFOLD_CACHE"] = str(folder / "cache")
    (folder / "cache").mkdir(mode=0o777)
    made = folder / "template"
    made.mkdir()
    plain(made)
    here = os.getcwd()
    os.chdir(made)
    for arguments in (
        "audit pocket --problems problems.jsonl --max-tokens 8 --out run --judge exact "
        "--diagnostics joint,variants",
        "score mathif.jsonl --problems problems.jsonl --out scored",
        "pairs mathif.jsonl --problems problems.jsonl --out pairs.jsonl --keep 1",
        "checklist write bare.jsonl --out listed.jsonl --limit 3",
        "study study.yaml --out study",
    ):
        done = call(arguments.split(), limit_s=500)
        assert done.status in (0, 3), done
    os.chdir(here)
    yield made
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Case:
    number: int
    arguments: tuple[str, ...]
    target: str
    damage: str
    encoding: str
    environment: tuple[tuple[str, str], ...] = ()


FILES = {
    "audit": (
        "problems.jsonl",
        "math.jsonl",
        "run/responses.jsonl",
        "run/manifest.json",
        "run/joint.jsonl",
        "run/variants.jsonl",
        "run/checklist.jsonl",
        "run/problems.jsonl",
        "style_constraints.json",
    ),
    "score": (
        "mathif.jsonl",
        "samples_x.jsonl",
        "run/responses.jsonl",
        "problems.jsonl",
        "run/manifest.json",
        "scored/manifest.json",
        "scored/verdicts.jsonl",
        "scored/joint.jsonl",
    ),
    "train": ("problems.jsonl", "config.yaml", "pairs.jsonl", "critiques.jsonl"),
    "study": (
        "study.yaml",
        "study/manifest.json",
        "study/arms/base/seed-0/cell.json",
        "study/arms/base/seed-0/test/manifest.json",
        "study/arms/base/seed-0/test/joint.jsonl",
    ),
    "check": ("problems.jsonl", "math.jsonl", "bare.jsonl", "style_constraints.json"),
    "report": (
        *tuple(f"run/{name}.jsonl" for name in ("problems", "verdicts", "joint", "responses")),
        "run/manifest.json",
        "run/checklist.jsonl",
        "run/variants.jsonl",
        "scored/profiles.jsonl",
        "study/study.yaml",
        "study/manifest.json",
        "study/arms/base/seed-0/cell.json",
        "study/arms/base/seed-0/test/verdicts.jsonl",
        "study/arms/base/seed-0/test/findings.json",
    ),
    "write": ("bare.jsonl", "problems.jsonl", "listed.jsonl", "mathif.jsonl"),
    "convert": ("problems.jsonl", "rlcf.jsonl", "rar.json", "listed.jsonl"),
    "lint": ("problems.jsonl", "listed.jsonl"),
    "pairs": (
        "mathif.jsonl",
        "samples_x.jsonl",
        "problems.jsonl",
        "pairs.jsonl",
        "run/responses.jsonl",
    ),
}
OUTS = (
    "new",
    "deep/er/new",
    "thesis.txt",
    "picture.png",
    "photos",
    "run",
    "scored",
    "study",
    "TARGET",
)
OUTS += (
    "x" * 300,
    "thesis.txt/in",
    "listed.jsonl",
    "pairs.jsonl",
    "",
    "~nobody-of-this-name/x",
    ".",
)
NUMBERS = ("nan", "inf", "-1", "0", "1", "2.5", "1e400", "9" * 40, "x", "")
WORDS = (
    "exact",
    "joint",
    "all",
    "no-such",
    "package:Name",
    "..",
    "a\x1b[31m",
    "é☃",
    "",
    "judge@x",
    "~x",
)


def drawn(number: int) -> Case:
    """The case of a number."""
    rng = np.random.default_rng(number)

    def pick(values):
        return values[int(rng.integers(len(values)))]

    kind = pick(list(FILES))
    target = pick(FILES[kind])
    damage = pick(list(DAMAGES))
    usual = {"write": ("listed.jsonl",), "pairs": ("pairs.jsonl",)}.get(kind, ("new",))
    out = pick(usual) if rng.random() < 0.55 else pick(OUTS)
    out = target if out == "TARGET" else out
    problems = target if target in FILES["check"] else "problems.jsonl"
    replies = (
        target if kind in ("score", "pairs") and target.startswith(("m", "s", "run/r")) else ""
    )
    replies = replies if replies and not replies.startswith("scored") else "mathif.jsonl"
    if target in ("run/responses.jsonl", "run/manifest.json") and rng.random() < 0.7:
        replies = "run"
    if target.startswith(("run/", "scored/", "study/")) and kind in ("audit", "score", "study"):
        out = target.split("/")[0] if rng.random() < 0.8 else out
    asked = {
        "audit": ["audit", "pocket", "--problems", problems, "--max-tokens", "8", "--out", out],
        "score": ["score", replies, "--problems", problems, "--out", out],
        "train": [
            "train",
            pick(("rft", "grpo", "dpo", "cft", "sft")),
            "--base",
            "pocket",
            "--problems",
            problems,
            "--out",
            out,
            "--dry-run",
        ],
        "study": ["study", "study.yaml", "--out", out],
        "check": ["check", problems]
        + (["--train-set", pick(FILES["check"])] * (rng.random() < 0.3)),
        "report": ["report", target.split("/")[0] if rng.random() < 0.95 else target],
        "write": [
            "checklist",
            "write",
            target if target != "listed.jsonl" else "bare.jsonl",
            "--out",
            out,
        ],
        "convert": [
            "checklist",
            "convert",
            target,
            "--out",
            out,
            "--from",
            {"rl": "rlcf", "ra": "rar"}.get(target[:2], pick(("own", "healthbench"))),
            "--to",
            pick(("own", "rlcf", "autorubric", "healthbench")),
        ],
        "lint": ["checklist", "check", target],
        "pairs": ["pairs", replies, "--problems", problems, "--out", out, "--keep", "1"],
    }[kind]
    if kind == "audit" and target.startswith("run/"):
        asked += ["--judge", "exact", "--diagnostics", "joint,variants"]
    if kind == "train" and (target == "config.yaml" or rng.random() < 0.5):
        asked += ["--config", target if target == "config.yaml" else "config.yaml"]
    flags = {
        "audit": (
            "--temperature",
            "--top-p",
            "--samples",
            "--seed",
            "--limit",
            "--judge",
            "--diagnostics",
        ),
        "score": ("--profile", "--limit", "--seed", "--judge", "--programs"),
        "pairs": ("--keep", "--judge", "--programs"),
        "write": ("--writer", "--how", "--limit", "--candidates", "--max-tokens"),
        "train": ("--eval-problems",),
        "report": ("--diagnostics",),
        "convert": ("--denied",),
    }.get(kind, ())
    if flags and rng.random() < 0.25:
        flag = pick(flags)
        asked += [
            flag,
            pick(NUMBERS if flag[2:5] in ("tem", "top", "see", "lim", "kee", "max") else WORDS),
        ]
    environment = ()
    if rng.random() < 0.05:
        environment = ((pick(("RANK", "WORLD_SIZE")), pick(("abc", "-1", "7", "٣", ""))),)
    return Case(
        number,
        tuple(asked),
        target,
        damage,
        pick(("utf-8", "utf-8", "latin-1", "ascii")),
        environment,
    )


def prints(folder: Path) -> dict[str, str]:
    """What is in every file, by its path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = f"{path.stat().st_mode:o}"[:2]
    return found


def may_change(name: str, case: Case, done: Done) -> bool:
    """Whether the command owns the file: a run's tables, its own pairs, its own growing file."""
    if case.arguments[0] in ("audit", "score", "study", "report") and REMADE.fullmatch(name):
        folder = name.split("/")[0]
        return folder in case.arguments
    own = {"pairs": "pairs.jsonl", "checklist": "listed.jsonl"}.get(case.arguments[0])
    return name == own and own in case.arguments


def harmed(before: dict[str, str], after: dict[str, str], case: Case, done: Done) -> list[str]:
    return [
        name
        for name, content in before.items()
        if after.get(name) != content and not may_change(name, case, done)
    ]


@pytest.mark.parametrize("number", CASES)
def test_a_case_is_answered_and_harms_nothing(template, number):
    case = drawn(number)
    folder = Path(tempfile.mkdtemp(prefix="case-", dir=template.parent))
    place = folder / "here"
    shutil.copytree(template, place, symlinks=True)
    here = os.getcwd()
    try:
        DAMAGES[case.damage](place / case.target, np.random.default_rng(number))
        before = prints(place)
        os.chdir(place)
        try:
            with as_others():
                done = call(
                    list(case.arguments), encoding=case.encoding, environment=dict(case.environment)
                )
        finally:
            os.chdir(here)
        for path in (place, *place.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        assert done.status in STATUSES, (case, done)
        assert "Traceback" not in done.err, (case, done)
        if done.status == 2:
            assert "error: " in done.err.lower() or "Usage" in done.err, (case, done)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.out + done.err), (case, done)
        after = prints(place)
        assert not harmed(before, after, case, done), (case, done)
        left = [
            name for name in after.keys() - before.keys() if re.search(r"\.[0-9a-f]{32}$", name)
        ]
        locks = [
            name for name in after.keys() - before.keys() if ".lock" in name and done.status == 2
        ]
        begun = [name for name in locks if f"{Path(name).parent}/manifest.json" not in after]
        assert not left and not begun, (case, done)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
