"""How many texts per minute do verifier programs check in the sandbox?"""

import statistics
from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.ratio import Ratio, seconds
from benchmarks.scoring import SENTENCES
from twofold.judges.sandbox.sandbox import Sandbox

PROMISED = 10_000
"""Runs per minute, with one sandbox worker."""
N_TEXTS, N_ROUNDS, N_WORDS = 200, 7, 225  # 225 words are about 300 tokens

PROGRAMS: Mapping[str, str] = MappingProxyType(
    {
        "contains": "def verify(text):\n    return 'therefore' in text.lower()\n",
        "counts words": "def verify(text):\n    return 100 <= len(text.split()) <= 300\n",
        "regex by line": (
            "import re\ndef verify(text):\n"
            "    return len(re.findall(r'^[*-] .+$', text, re.MULTILINE)) >= 3\n"
        ),
        "sentence by sentence": (
            "import re\ndef verify(text):\n"
            "    found = [s for s in re.split(r'(?<=[.!?])\\s+', text) if s]\n"
            "    return all(s[0].isupper() or s[0] in '*$' for s in found)\n"
        ),
        "word frequencies": (
            "from collections import Counter\ndef verify(text):\n"
            "    words = Counter(w.strip('.,;:').lower() for w in text.split())\n"
            "    return all(n < 40 for w, n in words.items() if len(w) > 3)\n"
        ),
        "character by character": (
            "def verify(text):\n    depth = 0\n    for c in text:\n"
            "        depth += (c == '{') - (c == '}')\n"
            "        if depth < 0:\n            return False\n    return depth == 0\n"
        ),
    }
)


def texts() -> list[str]:
    """Different texts of about 300 tokens."""
    made = []
    for i in range(N_TEXTS):
        words: list[str] = []
        while len(words) < N_WORDS:
            sentence = SENTENCES[(len(words) + i) % len(SENTENCES)]
            words += sentence.format(name="Maria", a=i, b=i + 1, c=i * (i + 1)).split(" ")
            words[-1] += "\n"
        made.append(" ".join(words[:N_WORDS]))
    return made


def measure() -> list[Ratio]:
    replies = texts()
    took: dict[str, list[float]] = {kind: [] for kind in PROGRAMS}
    with Sandbox() as sandbox:
        for kind, source in PROGRAMS.items():  # also starts the worker
            lost = [v.reason for v in sandbox.run(source, replies) if v.score is None]
            if lost:
                raise SystemExit(f"{kind}: {lost[0]}, so its time cannot be compared")
        for _ in range(N_ROUNDS):
            for kind, source in PROGRAMS.items():
                took[kind].append(seconds(lambda source=source: sandbox.run(source, replies)))
    rounds = [sum(kinds) for kinds in zip(*took.values(), strict=True)]
    n = N_TEXTS * len(PROGRAMS)
    slowest = max(took, key=lambda kind: statistics.median(took[kind]))
    least = 60 * N_TEXTS / statistics.median(took[slowest])
    return [
        Ratio(
            name=f"verifier programs on texts of 300 tokens, minutes for {PROMISED:,} runs",
            rounds=[total / n * PROMISED / 60 for total in rounds],
            limit=1.0,
            ours=(
                f"{60 * n / statistics.median(rounds):,.0f} runs a minute over {len(PROGRAMS)} kinds "
                f"({least:,.0f} of the slowest, {slowest})"
            ),
            theirs=f"{PROMISED:,} runs a minute",
        )
    ]
