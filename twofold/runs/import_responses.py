"""Which replies were sampled elsewhere, and what do they answer? Files of replies as items and responses.

`twofold.runs.reply_rows` matches the rows of one file; here a path becomes files, each with its problems
and its condition, and raw texts become responses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import final

from twofold.errors import RunError
from twofold.models.thinking import ThinkingPolicy, closes_first, detect_in, official_split, split
from twofold.runs.reply_rows import FORMS, matched
from twofold.storage.reading import Kind, Row, jsonl_files, kind_of
from twofold.types import FinishReason, Item, Problem, Profile, Response


@final
@dataclass(frozen=True)
class ImportedResponses:
    """The replies of a JSONL file, or of a directory with one file per problem file.

    Args:
        path: The file or directory.
        problems: The problems that they answer.
        thinking: Marks of thoughts that the user named; the known ones count besides.

    Raises:
        RunError: If the format is unknown, or replies and problems do not match.
    """

    path: Path
    problems: Sequence[Problem]
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)

    def texts(self) -> Iterator[tuple[Item, str | None, Row]]:
        """Every reply as `(item, raw text or None if lost, its row)`; repeated answers are samples."""
        seen: dict[tuple[str, str], int] = {}
        for path, problems, condition in self._files():
            for problem, text, row in matched(path, problems):
                if problem is None:  # counted in `unmatched`
                    continue
                if "raw" in row:
                    yield Item.of(row), text, row
                    continue
                asked = row.get("condition", condition) if problem.is_bound else "unconstrained"
                at = (asked, problem.id)
                sample = seen[at] = seen.get(at, -1) + 1
                yield Item("model", asked, problem.id, sample), text, row

    def answers(self, profile: Profile) -> Iterator[tuple[Item, Response]]:
        """Every reply as a response.

        `official` splits the text as MathIF does, unclosed thinking included. Under `fixed`, unclosed
        thinking is no reply; where most replies close a thought that they did not open, the template
        opened it, and a text without tags is a truncated thought.
        """
        prefilled = profile == "fixed" and self._is_prefilled()
        for item, raw, row in self.texts():
            failed = row.get("finish_reason") == FinishReason.failed
            if "raw" in row and (profile == "fixed" or failed):
                yield item, self._again(Response.from_json(row))
            elif raw is None:
                lost = "the file holds no text here"
                yield (
                    item,
                    Response(raw="", reply="", finish_reason=FinishReason.failed, error=lost),
                )
            elif profile == "official":
                yield item, Response(raw=raw, reply=official_split(raw))
            else:
                policy = replace(detect_in(raw, self.thinking), prefilled=prefilled)
                yield item, split(raw, policy=policy, hit_limit=bool(row.get("cut")))

    def _again(self, response: Response) -> Response:
        """A saved response, split again if marks were named since."""
        if self.thinking == ThinkingPolicy() or not response.raw:
            return response
        cut = response.finish_reason in (FinishReason.truncated, FinishReason.unclosed_thinking)
        read = split(response.raw, policy=self.thinking, hit_limit=cut)
        return response if read.reply == response.reply else read

    def _is_prefilled(self) -> bool:
        """Whether most replies close a thought that they did not open."""
        closes = [
            raw is not None and closes_first(raw, self.thinking) for _, raw, _ in self.texts()
        ]
        return 2 * sum(closes) > len(closes)

    def unanswered(self) -> list[Problem]:
        """The problems of the matched files without a reply."""
        asked = {p.id: p for _, problems, _ in self._files() for p in problems}
        for item, _, _ in self.texts():
            asked.pop(item.problem, None)
        return list(asked.values())

    def unmatched(self) -> int:
        """How many rows answer none of the problems."""
        rows = (row for path, problems, _ in self._files() for row in matched(path, problems))
        return sum(problem is None for problem, _, _ in rows)

    def paths(self) -> list[Path]:
        """The files of replies."""
        if kind_of(self.path) is not Kind.folder:
            return [self.path]
        if all(kind_of(self.path / n) is Kind.file for n in ("manifest.json", "responses.jsonl")):
            return [self.path / "responses.jsonl"]  # a run directory of ours
        if not (found := jsonl_files(self.path)):
            raise RunError(f"{self.path} holds no .jsonl file; give a file of replies ({FORMS})")
        return found

    def _files(self) -> Iterator[tuple[Path, Sequence[Problem], str]]:
        """Each file of replies with its problems and its condition.

        A path with `noconstraint`, as MathIF's scripts name them, holds unconstrained replies.
        """
        if kind_of(self.path) is Kind.missing:
            raise RunError(f"{self.path} does not exist; give a file of replies ({FORMS})")
        by_file: dict[str, list[Problem]] = {}
        for problem in self.problems:
            by_file.setdefault(problem.tags.get("file", ""), []).append(problem)
        stems = {Path(name).stem: found for name, found in by_file.items() if name}
        taken: dict[tuple[str, str], Path] = {}
        paths = self.paths()
        for path in paths:
            name = str(path.relative_to(self.path.parent))
            condition = "unconstrained" if "noconstraint" in name else "constrained"
            named = [stem for stem in stems if stem in name]
            if len(stems) > 1 and named:
                stem = max(named, key=len)
                if (stem, condition) in taken:
                    raise RunError(
                        f"{path} and {taken[stem, condition]} both answer {stem}; keep one of them"
                    )
                taken[stem, condition] = path
                yield path, stems[stem], condition
            elif len(paths) == 1:
                yield path, self.problems, condition
            else:
                raise RunError(
                    f"{path} names none of the problem files ({', '.join(sorted(stems)) or 'none'}); "
                    "name each file of replies after the problems it answers, or score one at a time"
                )
