"""How does RaR store rubrics? A title, a sentence after its category, and a signed weight.

The sign is ambiguous. A pitfall weighs -1 or -2 whether its sentence names the mistake ("Recommends
aspirin") or the virtue ("Avoids recommending aspirin"), and "Does not mention the dose" may be
either. Taking the sign literally trains some pitfalls the wrong way; so the polarity is read from
the sentence, and an unclear pitfall is dropped or decided by `denied`.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, cast, final, get_args

from twofold.errors import ProblemError
from twofold.judges.forms.form import Form, number_of, object_of, text_of, title_of
from twofold.judges.writing.polarity import put, turned
from twofold.types.checklist import RAR_WEIGHTS, Category, Criterion

# What "does not ..." in a pitfall means: unknown, something missing, something rightly left out.
Denied = Literal["drop", "omission", "virtue"]

POINTS = 5  # RaR's largest weight, which is our 100

_CATEGORY = re.compile(r"^\s*([A-Za-z]+)\s+Criteri(?:a|on)\s*:\s*", re.IGNORECASE)


@final
@dataclass(frozen=True)
class Rar(Form):
    """Rows of the RaR data: `{title, description, weight}` under `rubric`, with a reference answer.

    Weights 1 to 5 are our 20 to 100. How a pitfall is read:

    - it names the mistake ("Recommends X", "Mentions X"): a pitfall with that text;
    - it says what is missing ("Fails to mention X"): the demand "Does the reply mention X?";
    - it says what is avoided ("Avoids X", "Must not X"): a demand with that text, since yes is
      good;
    - it says "Does not mention X": as `denied` says.

    Lost in writing: rule, program and tags; weights are rounded to 1 to 5; a missing category is
    filled in by the weight, a missing title by the first words of the text; a pitfall loses its
    category. A pitfall is written as the mistake, never as "Does not ...", with a negative weight.

    Args:
        denied: What "does not ..." in a pitfall means: `omission`, something is missing (so the
            demand "Does the reply ...?"); `virtue`, it is rightly left out (so the pitfall "Does
            the reply ...?"); `drop`, unknown. Read some of the data before you choose.

    Source:
        RaR, arXiv 2507.17746, appendix on prompts and section 4. Departs: the sign is never the
        polarity.
    """

    denied: Denied = "drop"

    name: ClassVar[str] = "rar"
    question_keys: ClassVar[tuple[str, ...]] = ("question", "prompt")
    list_keys: ClassVar[tuple[str, ...]] = ("rubric", "rubrics")
    answer_key: ClassVar[str] = "reference_answer"

    def __post_init__(self) -> None:
        if self.denied not in (ways := get_args(Denied)):
            raise ProblemError(f"denied is {self.denied!r}; use one of: {', '.join(ways)}")

    def to_criterion(self, item: object, where: str) -> Criterion | str:
        """The criterion of an object."""
        row = object_of(item, ("title", "description", "weight"), where)
        if missing := [key for key in ("description", "weight") if key not in row]:
            raise ProblemError(f"{where} has no {missing[0]!r}; add it")
        said = text_of(row["description"], f"{where}, description").strip()
        points = number_of(row["weight"], f"{where}, weight")
        title = title_of(row, "title", where)
        found = _CATEGORY.match(said)
        kind = found[1].lower() if found else ""
        text = said[found.end() :].strip() if found else said
        if kind and kind not in RAR_WEIGHTS:
            return f"no category {found[1] if found else ''!r}"
        if not text:
            return "nothing after its category"
        if not 0 < abs(points) <= POINTS:
            return f"the weight {points:g} is not 1 to {POINTS}, or negative"
        weight = abs(points) * 100 / POINTS
        if kind in ("", "pitfall") and (kind or points < 0):
            return self._pitfall(text, weight, title)
        if points < 0:
            return f"{kind}, yet its weight is negative; its polarity is unclear"
        return Criterion(text=text, weight=weight, category=cast(Category, kind), title=title)

    def _pitfall(self, text: str, weight: float, title: str) -> Criterion | str:
        """The criterion of a pitfall's sentence."""
        way, plain = put(text), turned(text)
        by_virtue = way == "denial" and self.denied == "virtue"
        if way == "virtue" or (by_virtue and not plain):
            return Criterion(text=text, weight=weight, title=title)
        if way == "denial" and self.denied == "drop":
            return "'does not' may mean missing or rightly left out; say which by `denied`"
        if way != "plain" and plain:
            return Criterion(text=plain, weight=weight, pitfall=by_virtue, title=title)
        return Criterion(text=text, weight=weight, pitfall=True, title=title)

    def to_item(self, criterion: Criterion) -> dict[str, object]:
        """The object of a criterion."""
        points = max(1, round(criterion.weight * POINTS / 100))
        by_weight = "essential" if points == POINTS else "important" if points >= 3 else "optional"
        kind = "pitfall" if criterion.pitfall else criterion.category or by_weight
        return {
            "title": criterion.title or " ".join(criterion.text.split()[:4]),
            "description": f"{kind.title()} Criteria: {criterion.text}",
            "weight": -points if criterion.pitfall else points,
        }
