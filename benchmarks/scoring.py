"""How long does it take to check three constraints on each of 10,000 replies?"""

from functools import partial
from itertools import combinations

import numpy as np

from benchmarks.ratio import Ratio, seconds
from benchmarks.usual import CHECKS
from twofold.constraints import from_spec
from twofold.scorers import Compliant
from twofold.types import Problem, Profile, Response

N_REPLIES, N_ROUNDS = 10_000, 10

Triple = tuple[str, ...]
Scores = tuple[float | None, ...]

ARGUMENTS: dict[str, dict[str, object]] = {
    "length_constraints:number_words": {"num_words": 100, "relation": "at least"},
    "length_constraints:number_sentences": {"num_sentences": 8, "relation": "less than"},
    "language:response_language": {"language": "en"},
    "change_case:english_lowercase": {},
    "change_case:english_capital": {},
    "change_case:capital_word_frequency": {"capital_frequency": 3, "capital_relation": "at least"},
    "keywords:existence": {"keywords": ["therefore", "total"]},
    "keywords:frequency": {"keyword": "apples", "frequency": 2, "relation": "at least"},
    "keywords:forbidden_words": {"forbidden_words": ["guess", "maybe"]},
    "detectable_format:number_bullet_lists": {"num_bullets": 3},
    "punctuation:no_comma": {},
    "startend:quotation": {},
}

SENTENCES = (
    "First we count the apples that {name} bought at the market.",
    "She bought {a} bags with {b} apples each, so she has {c} apples in total.",
    "Then she gave {a} of them to her brother and ate two herself.",
    "Let us check: {a} times {b} is {c}, which is what we wanted.",
    "* The price of one apple was $0.{b}5 at the time.",
    "Therefore the number of apples left is {c}.",
    "It is not a guess; Dr. {name} counted them again in the EVENING.",
    "So the total is $\\frac{{{c}}}{{1}} = {c}$.",
    "The answer is \\boxed{{{c}}}.",
)
NAMES = ("Maria", "Tom", "Aisha", "Jun", "Olga", "Pedro")


def replies(n: int) -> list[str]:
    """Replies of 3 to 20 sentences; one in five in lower case, one in five in upper case."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(n):
        parts = []
        for k in rng.integers(len(SENTENCES), size=rng.integers(3, 21)):
            a, b = rng.integers(2, 60, size=2)
            name = NAMES[rng.integers(len(NAMES))]
            parts.append(SENTENCES[k].format(name=name, a=a, b=b, c=a * b))
        text = "\n".join(parts) + f" ({i})"
        made.append((str.lower, str.upper, str, str, str)[i % 5](text))
    return made


def usual(texts: list[str], chosen: list[Triple]) -> list[Scores]:
    return [
        tuple(float(bool(CHECKS[name](text, **ARGUMENTS[name]))) for name in names)
        for text, names in zip(texts, chosen, strict=True)
    ]


def ours(problems: list[Problem], responses: list[Response]) -> list[Scores]:
    verdicts = Compliant(how="all")(problems, responses)
    return [tuple(part.score for part in v.parts.values()) for v in verdicts]


def problems_of(chosen: list[Triple], profile: Profile) -> list[Problem]:
    return [
        Problem(
            question=f"q{i}",
            constraints=tuple(from_spec(n, ARGUMENTS[n], profile=profile) for n in names),
        )
        for i, names in enumerate(chosen)
    ]


def compare(texts: list[str], chosen: list[Triple], profile: Profile, limit: float) -> Ratio:
    """Time both sides on each tenth of the replies alternately, so that machine load affects both."""
    problems = problems_of(chosen, profile)
    responses = [Response(raw=text, reply=text) for text in texts]
    step = len(texts) // N_ROUNDS
    a, b = [], []
    for part in (slice(i, i + step) for i in range(0, len(texts), step)):
        a.append(seconds(partial(ours, problems[part], responses[part])))
        b.append(seconds(partial(usual, texts[part], chosen[part])))
    return Ratio(
        name=f"{len(texts)} replies with three constraints each, {profile}",
        rounds=[x / y for x, y in zip(a, b, strict=True)],
        limit=limit,
        ours=f"{sum(a):.1f} s",
        theirs=f"{sum(b):.1f} s, the usual way",
    )


def measure() -> list[Ratio]:
    texts = replies(N_REPLIES)
    triples: list[Triple] = list(combinations(CHECKS, 3))
    chosen = [triples[i % len(triples)] for i in range(len(texts))]
    responses = [Response(raw=text, reply=text) for text in texts]
    mine = ours(problems_of(chosen, "official"), responses)
    apart = sum(a != b for a, b in zip(mine, usual(texts, chosen), strict=True))
    if apart:
        raise SystemExit(
            f"the two sides disagree on {apart} replies, so their times cannot be compared"
        )
    # `fixed` gives other verdicts and does more work; the promise is only that it is not slower.
    return [
        compare(texts, chosen, "official", limit=0.2),
        compare(texts, chosen, "fixed", limit=1.0),
    ]
