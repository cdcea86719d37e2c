"""Which passages of a corpus are about a question? BM25 by a library, or a retriever of the user's."""

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, final

from pydantic import AfterValidator, TypeAdapter, ValidationError

from twofold.extension import instance_named
from twofold.methods.method import TrainingError
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.validation import complaint

_REMEDY = "write one object a line with `text`, or a text file with a blank line between passages"
_JSON = re.compile(r"\.jsonl?(\.(gz|bz2|xz))?$", re.I)
_BLANK_LINE = re.compile(r"\n\s*\n")
_Text = Annotated[str, AfterValidator(lambda text: text.encode().decode())]  # no half a surrogate
_PASSAGES: TypeAdapter[list[list[str] | None]] = TypeAdapter(list[list[_Text] | None])
_TOKEN = r"(?u)\b\w+\b"  # the library's own pattern drops words of one letter, and digits


class Retriever(ABC):
    """Finds passages about questions; subclass it for a retriever of your own.

    It is named as `package.module:Name` and made without arguments.
    """

    @abstractmethod
    def found(self, questions: Sequence[str], *, n: int) -> list[list[str]]:
        """The passages about each question.

        Args:
            questions: The texts of the questions, without what asks for a form of the answer.
            n: Most passages for each, at least 1.

        Returns:
            For each question up to `n` different passages, the best first; none where nothing fits.
        """


@final
@dataclass(frozen=True)
class Bm25(Retriever):
    r"""The passages of a file that share the rarest words with a question.

    A passage that shares no word with it is never found. No word is left out and none is stemmed, so
    that it works alike in every language that puts spaces between words.

    Args:
        corpus: JSON lines with `text` (a file name ending in `.jsonl` or `.json`, or packed as
            `.jsonl.gz`), or a text whose passages have a blank line between them.

    Raises:
        TrainingError: If there is no such file, it cannot be read, or it has no passage.

    Source:
        Robertson and Zaragoza 2009, the variant of Lucene with k1 = 1.5 and b = 0.75, as in bm25s
        (https://arxiv.org/abs/2407.03618).

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "corpus.txt"
        >>> _ = file.write_text("The cup of Anna is red.\n\nThe key of Emil is 7.")
        >>> Bm25(file).found(["Where is the key?", "Why?"], n=1)
        [['The key of Emil is 7.'], []]
    """

    corpus: Path

    @cached_property
    def passages(self) -> list[str]:
        """The different passages, in the order of the file."""
        if kind_of(self.corpus, TrainingError) is not Kind.file:
            raise TrainingError(f"there is no file {self.corpus}; set corpus to one: {_REMEDY}")
        file = InputFile(self.corpus, TrainingError, _REMEDY, halves=False)
        if _JSON.search(self.corpus.name):
            texts = [self._text(number, row) for number, row in file.lines()]
        else:
            texts = _BLANK_LINE.split(file.text().replace("\r\n", "\n"))
        found = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
        if not found:
            raise TrainingError(f"{self.corpus} has no passage; {_REMEDY}")
        return found

    def _text(self, number: int, row: dict[str, Any]) -> str:
        text = row.get("text")
        if not isinstance(text, str):
            raise TrainingError(f"{self.corpus}, line {number} has no text under `text`; {_REMEDY}")
        return text

    @cached_property
    def _index(self) -> Any:
        try:
            import bm25s
        except ImportError as error:
            raise TrainingError(
                f"the retriever bm25 needs a package ({error}): pip install 'twofold[train]'"
            ) from error
        index = bm25s.BM25()
        index.index(self._words(self.passages), show_progress=False)
        return index

    def _words(self, texts: Sequence[str]) -> Any:
        """The words of each text, in lower case."""
        import bm25s

        return bm25s.tokenize(
            list(texts), token_pattern=_TOKEN, stopwords=None, return_ids=False, show_progress=False
        )

    def found(self, questions: Sequence[str], *, n: int) -> list[list[str]]:
        """See `Retriever.found`; passages of equal score are in the order of the file."""
        found = []
        for words in self._words(questions):
            with warnings.catch_warnings():  # the library warns where it knows no word
                warnings.simplefilter("ignore")
                scores = self._index.get_scores(words) if words else []
            order = sorted(range(len(scores)), key=lambda i: -scores[i])
            found.append([self.passages[i] for i in order[:n] if scores[i] > 0])
        return found


def passages_by(
    name: str, corpus: Path | None, questions: Sequence[str], *, n: int
) -> list[list[str]]:
    """Up to `n` different passages, none of them blank, about each question; see `retriever_named`.

    Raises:
        TrainingError: Also if the retriever does not give a list of texts for each question.
    """
    given = retriever_named(name, corpus).found(questions, n=n)
    try:
        found = _PASSAGES.validate_python(given)
    except ValidationError as wrong:
        told = complaint(wrong.errors(include_url=False)[0], ())
        raise TrainingError(
            f"{name} does not return passages ({told}); `found` has to return a list of texts for each "
            "question"
        ) from wrong
    if len(found) != len(questions):
        raise TrainingError(
            f"{name} returns {len(found)} lists of passages for {len(questions)} questions; `found` has to "
            "return one for each"
        )
    return [[*dict.fromkeys(filter(str.strip, texts or ()))][:n] for texts in found]


def retriever_named(name: str, corpus: Path | None) -> Retriever:
    """The retriever `bm25` over a corpus, or the one at `package.module:Name`.

    Raises:
        TrainingError: If `bm25` has no corpus, or another retriever is given one.
        ExtensionError: If the reference is not a retriever.
    """
    if name == "bm25":
        if corpus is None:
            raise TrainingError(f"retriever: bm25 needs a corpus; set it to a file: {_REMEDY}")
        return Bm25(corpus)
    if corpus is not None:
        raise TrainingError(
            f"corpus is read by bm25 alone, and {name} would not see it; leave one of them out"
        )
    return instance_named(name, Retriever)
