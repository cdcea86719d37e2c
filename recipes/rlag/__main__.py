"""`python -m recipes.rlag`: RLAG and its rivals on an invented world; writes `runs/rlag`."""

from pathlib import Path

from recipes.rlag.base import teach
from recipes.rlag.table import table
from twofold import study
from twofold.problems import io, knowledge
from twofold.report.study import summary
from twofold.storage.jsonl import dumps, replaced

PLACE = Path("runs/rlag")


def written() -> None:
    """The problems of both halves, the passages, and the bare right answers."""
    PLACE.mkdir(parents=True, exist_ok=True)
    seen, unseen = (knowledge.suite(split) for split in knowledge.SPLITS)
    io.write(PLACE / "seen.jsonl", seen)
    io.write(PLACE / "unseen.jsonl", unseen)
    io.write(PLACE / "free.jsonl", [problem for problem in seen if not problem.options])
    knowledge.write_passages(PLACE / "corpus.jsonl")
    with replaced(PLACE / "answers.jsonl") as file:
        for problem in seen:
            raw = knowledge.said(str(problem.answer))
            file.write(dumps({"problem": problem.id, "raw": raw}) + "\n")


def main() -> None:
    """Write the files, make the base, run the study, and print both tables."""
    written()
    teach(PLACE / "base")
    plan = study.read(Path(__file__).with_name("study.yaml"))
    study.study(plan, out=PLACE / "study")
    print(summary(PLACE / "study"))
    print(table(PLACE / "study", PLACE, [arm.name for arm in plan.arms]))


if __name__ == "__main__":
    main()
