"""The files of the fuzz: whole ones of every kind that a command reads, and ways to damage them."""

import bz2
import gzip
import json
import lzma
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np

from twofold.problems import pocket

Rng = np.random.Generator

ASK = {"question": "What is 2 + 2?", "answer": "4"}
RULE = {"name": "punctuation:no_comma", "args": {}}
CRITERION = {"text": "Is there no comma?", "rule": "punctuation:no_comma"}
PLAN = """base: pocket
train: pocket:8:train
splits: {test: "pocket:4"}
max_tokens: 8
arms: {answer: {method: sft, demonstrations: solved.jsonl, epochs: 1}}
"""


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def problems() -> list[dict[str, object]]:
    return [
        {
            "question": f"What is {i} + {i}?",
            "answer": str(2 * i),
            "constraints": [RULE],
            "checklist": {"criteria": [CRITERION]},
        }
        for i in range(6)
    ]


def plain(folder: Path) -> None:
    """Every kind of file that a user brings, whole."""
    asked = problems()
    texts = [f"It is \\boxed{{{2 * i}}}" + ", so" * (i % 2) for i in range(6)]
    files = {
        "problems.jsonl": lines(*asked),
        "bare.jsonl": lines(*({k: p[k] for k in ("question", "answer")} for p in asked)),
        "math.jsonl": lines({"problem": "What is 140+2?", "answer": 142.0}),
        "mathif.jsonl": lines(*({"output": [text, f"{text}, or not"]} for text in texts)),
        "samples_x.jsonl": lines(
            *(
                {"doc_id": i, "doc": {"question": p["question"]}, "resps": [[t]], "filter": "none"}
                for i, (p, t) in enumerate(zip(asked, texts, strict=True))
            )
        ),
        "rlcf.jsonl": lines({"instruction": "A river?", "requirements": "1) Is one named? (100)"}),
        "rar.json": json.dumps(
            [
                {
                    "question": "Why?",
                    "rubric": [{"title": "a", "description": "Names it", "weight": 5}],
                }
            ]
        ).encode(),
        "style_constraints.json": json.dumps(
            [
                {
                    **{"example_id": 1, "category": "style", "source": "s", "level": level},
                    **{"instruction": f"Do it {level}", "target": ""},
                }
                for level in (0, 1)
            ]
        ).encode(),
        "config.yaml": b"num_generations: 2\nreward: correct\n",
        "study.yaml": PLAN.encode(),
        "solved.jsonl": lines(
            *({"problem": p.id, "raw": pocket.solution(p)} for p in pocket.suite(8, split="train"))
        ),
        "critiques.jsonl": lines(
            {"problem": "x", "solution": "4", "critique": "Conclusion: right"}
        ),
        "thesis.txt": b"years of work, without a last line end",
        "picture.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "photos").mkdir()
    (folder / "photos" / "a.txt").write_text("mine")


def _bytes(change: Callable[[bytes, Rng], bytes]) -> Callable[[Path, Rng], None]:
    def damage(path: Path, rng: Rng) -> None:
        path.write_bytes(change(path.read_bytes(), rng))

    return damage


def _line(change: Callable[[str, Rng], str]) -> Callable[[Path, Rng], None]:
    """Change one line."""

    def damage(path: Path, rng: Rng) -> None:
        there = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        at = int(rng.integers(len(there)))
        there[at] = change(there[at], rng)
        path.write_text("\n".join(there) + "\n", encoding="utf-8", errors="surrogatepass")

    return damage


ODD = (None, True, 7, -1, 1.5, 10**40, "", "x", "\x1b]0;owned\x07", [], [[]], [None], {}, {"a": 1})
ODD_KEYS = ("role", "condition", "doc", "doc_id", "resps", "output", "key", "tags", "checklist")


def _row(change: Callable[[dict, Rng], object]) -> Callable[[Path, Rng], None]:
    """Change one object, in a JSONL or a JSON file."""

    def one(text: str, rng: Rng) -> str:
        try:
            row = json.loads(text)
        except ValueError:
            return text + "{"
        return json.dumps(change(_inner(row, rng), rng) or row)

    def damage(path: Path, rng: Rng) -> None:
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            value = json.loads(text)
        except ValueError:
            return _line(one)(path, rng)
        changed = change(_inner(value, rng), rng)
        path.write_text(json.dumps(value if changed is None else changed))

    return damage


def _inner(value: object, rng: Rng) -> dict:
    """An object in a value: mostly the outermost."""
    found = value if isinstance(value, dict) else {}
    every = found.values() if found else value if isinstance(value, list) else []
    inner = [v for v in every if isinstance(v, dict) and v]
    if inner and (not found or rng.random() < 0.3):
        return _inner(inner[int(rng.integers(len(inner)))], rng)
    return found


def _drop(row: dict, rng: Rng) -> None:
    if row:
        del row[list(row)[int(rng.integers(len(row)))]]


def _odd(row: dict, rng: Rng) -> None:
    keys = [*row, ODD_KEYS[int(rng.integers(len(ODD_KEYS)))]]
    row[keys[int(rng.integers(len(keys)))]] = ODD[int(rng.integers(len(ODD)))]


def _rename(row: dict, rng: Rng) -> None:
    if row:
        key = list(row)[int(rng.integers(len(row)))]
        row[f"{key}x"] = row.pop(key)


def _gone(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _folder(path: Path, _: Rng) -> None:
    _gone(path)
    path.mkdir()


def _pipe(path: Path, _: Rng) -> None:
    _gone(path)
    os.mkfifo(path)


def _socket(path: Path, _: Rng) -> None:
    _gone(path)
    here = os.getcwd()
    os.chdir(path.parent)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def _loop(path: Path, _: Rng) -> None:
    _gone(path)
    path.symlink_to(path.name)


def _dangling(path: Path, _: Rng) -> None:
    _gone(path)
    path.symlink_to("nowhere")


def _endless(path: Path, _: Rng) -> None:
    _gone(path)
    path.symlink_to("/dev/zero")


def _twice(path: Path, rng: Rng) -> None:
    there = path.read_bytes().splitlines(keepends=True) or [b""]
    path.write_bytes(b"".join([*there, there[int(rng.integers(len(there)))]]))


DAMAGES: dict[str, Callable[[Path, Rng], None]] = {
    "nothing": lambda path, rng: None,
    "empty": _bytes(lambda b, r: b""),
    "blank": _bytes(lambda b, r: b"\n \n\t\n"),
    "cut": _bytes(lambda b, r: b[: int(r.integers(len(b) + 1))]),
    "no last line end": _bytes(lambda b, r: b.rstrip(b"\n")),
    "mark": _bytes(lambda b, r: b"\xef\xbb\xbf" + b),
    "crlf": _bytes(lambda b, r: b.replace(b"\n", b"\r\n")),
    "gzip": _bytes(lambda b, r: gzip.compress(b)),
    "torn gzip": _bytes(lambda b, r: gzip.compress(b)[:-9]),
    "bzip2": _bytes(lambda b, r: bz2.compress(b)),
    "torn xz": _bytes(lambda b, r: lzma.compress(b)[:-9]),
    "xz": _bytes(lambda b, r: lzma.compress(b)),
    "zstd": _bytes(lambda b, r: b"\x28\xb5\x2f\xfd" + b),
    "utf-16": _bytes(lambda b, r: b.decode("utf-8", "replace").encode("utf-16")),
    "utf-16 without mark": _bytes(lambda b, r: b.decode("utf-8", "replace").encode("utf-16-le")),
    "utf-32": _bytes(lambda b, r: b.decode("utf-8", "replace").encode("utf-32")),
    "torn utf-16": _bytes(lambda b, r: b.decode("utf-8", "replace").encode("utf-16")[:-1]),
    "latin-1": _bytes(lambda b, r: b.replace(b"a", b"\xe9", 2)),
    "flipped": _bytes(lambda b, r: bytes(x ^ (r.random() < 0.02) * 64 for x in b)),
    "random": _bytes(lambda b, r: r.bytes(300)),
    "zeros": _bytes(lambda b, r: b + bytes(100)),
    "digits": _line(lambda t, r: t.replace("{", '{"n": ' + "9" * 5000 + ", ", 1)),
    "deep": _line(lambda t, r: "[" * 100_000),
    "deep object": _line(lambda t, r: t.replace("{", '{"n": ' + "[" * 600 + "]" * 600 + ", ", 1)),
    "nan": _line(lambda t, r: t.replace("{", '{"n": NaN, "m": -Infinity, ', 1)),
    "null": _line(lambda t, r: ("null", "7", "[1]", '"x"', "true")[int(r.integers(5))]),
    "half a surrogate": _line(lambda t, r: t.replace("{", '{"n": "\\ud800", ', 1)),
    "long line": _line(lambda t, r: t + " " * 2_000_000),
    "a key less": _row(_drop),
    "an odd value": _row(_odd),
    "another odd value": _row(_odd),
    "a key renamed": _row(_rename),
    "an array": _row(lambda row, r: [row]),
    "a line twice": _twice,
    "missing": lambda path, rng: _gone(path),
    "folder": _folder,
    "pipe": _pipe,
    "socket": _socket,
    "loop": _loop,
    "dangling": _dangling,
    "endless": _endless,
    "unreadable": lambda path, rng: path.chmod(0),
    "folder unreadable": lambda path, rng: path.parent.chmod(0o111),
    "folder closed": lambda path, rng: path.parent.chmod(0),
}
