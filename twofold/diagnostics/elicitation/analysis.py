"""Is the gain new, or did the base have it? Hygiene, coverage, elicitors, and the conditions that fired.

Each number stands beside the obedience of the same replies: what elicits an answer may cost the
instruction.

Source: coverage after Yue et al. 2025 (arXiv 2504.13837); Cover@tau, arXiv 2510.08325; support kept, lost
and found after arXiv 2507.14843. Departs: intervals are paired by problem; a problem counts as lost or
found only after four times as many further samples; obedience and both at once have curves of their own;
the best prompt is cross-fitted; recovery is not cut off, and not defined without a gain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.elicitation.collect import AS_ASKED, GREEDY, ROUTED, SAMPLED, Collection
from twofold.diagnostics.elicitation.conditions import conditions, in_words, rises
from twofold.diagnostics.elicitation.cot_decoding import CotDecoding
from twofold.diagnostics.elicitation.coverage import Coverage
from twofold.diagnostics.elicitation.forced_tokens import ForcedTokens
from twofold.diagnostics.elicitation.rates import (
    BEST_PROMPT,
    CONTROLS,
    DECODING,
    TOLD,
    UNTOLD,
    Rates,
)
from twofold.diagnostics.elicitation.token_shift.measures import RATIO, ShiftMeasures
from twofold.diagnostics.joint.obedience import changed
from twofold.diagnostics.row_table import (
    Column,
    RowTable,
    compared,
    filed,
    holm_corrected,
    unscored_caveat,
)
from twofold.errors import StatsError
from twofold.stats import average, highest_rate, mean, recovery
from twofold.stats.resampled import LEAST_PROBLEMS
from twofold.storage.jsonl import Row
from twofold.types import Contrast, Count, Finding, Measure, Problem, Slice

# What every arm is measured by; obedience lies in [-1, 1].
OBEDIENCE = "obedience"
METRICS = ("accuracy", "compliance", OBEDIENCE, "both")
HYGIENE = ("stated", "truncated")

# The gain that recovery is a share of: of the audit's replies, or of the samples
SCALES = (AS_ASKED, SAMPLED)
N_SAMPLES = 16  # where the audit itself has fewer
MOST_GUESSED = 0.1  # the share of problems solved by guessing that is not worth a caveat


@final
@dataclass(frozen=True)
class Elicitation(Diagnostic):
    """Whether a gain is new, or was in the base.

    Args:
        n_samples: Samples a problem and condition; 0 = as many as the audit's, at least 16.
        k: Branches of CoT-decoding.
        moves: Moves of power sampling after each of 4 blocks; 0 leaves it out, since it writes some
            (1 + `moves`) times as much as a reply has.
    """

    name: ClassVar[str] = "elicitation"
    question: ClassVar[str] = "Is the gain new, or did the base already have it?"
    needs_weights: ClassVar[bool] = False
    n_samples: int = 0
    k: int = 10
    moves: int = 0

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Sample both models, and ask the base in every other way; see `Diagnostic.collect`."""
        most = max((answer.item.sample + 1 for answer in subject.answers), default=1)
        n = self.n_samples or max(most, N_SAMPLES)
        yield from Collection(subject, n, self.k, self.moves).rows(done)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Rates by arm, coverage, recovery, and the conditions that fired.

        Returns:
            The condition is the arm: `as_asked` (the audit's replies), `greedy`, `sampled`, and of the
            baseline `boxed`, `steps`, `few_shot`, `best_prompt`, `majority`, `cot_decoding` and its control
            `branch_vote` (the vote over the same branches), `power_sampling` and its control `cooled` (the
            temperature of its proposals), `forced_tokens` (begun with the tuned model's reply) and its
            control `forced_other_tokens` (begun with its reply to another problem), `cross_sampling` (the
            tuned model's token where the two diverge) and its control `random_positions` (as many tokens
            elsewhere). Measures:

            - `accuracy` (rules not stated), `compliance` (share of rules met, stated), `obedience` (that
              minus met when not stated, by problem), `both`, `n_tokens` (generated for a reply), `acted`
              (of cross-sampling: the share of a reply's tokens that the tuned model gave);
            - hygiene: `stated` (an answer is), `truncated`, `accuracy_if_stated`; role `model`:
              `unstated_share` and `truncated_share`, the share of the gain that is on problems where the
              base stated no answer, or was cut off;
            - `pass_at_k`, `compliance_at_k`, `obedience_at_k`, `both_at_k` (slice `k`), `cover` (slice
              `share`); role `model`: `kept`, `lost`, `found`, `neither`,
              `found_beyond_elicitors`, `support_retention`,
              `discovery_rate`, `crossover`;
            - `any_branch_right` of `cot_decoding`: what the best choice among its branches would reach;
            - condition `token_shift`, by whose replies the other model read (`null`: the base's, by itself):
              `unshifted`, `marginal`, `shifted`, `kl`, `js` (also by slice `tenth`, the position),
              `kl_in_top_5_percent`, `perplexity`; role `model`: `perplexity_ratio`;
            - `recovery` and `recovery_of_both` of the baseline's arms (slice `scale`: the gain of the
              replies `as_asked`, or of the `sampled` ones), where there is a gain; `net_recovery` and
              `net_recovery_of_both` of cross-sampling, beyond its control.

            Contrasts: each arm versus `as_asked`, and versus its control (`majority` versus `sampled`,
            `cot_decoding` versus `branch_vote`, and so on), and model versus baseline. Counts: the
            conditions (`fired:...`, 1 or 0), and what the further samples decided.
        """
        every = list(rows)
        saved = [row for row in every if "arm" in row]
        shifts = ShiftMeasures(every, seed)
        rates = Rates(saved, {problem.id for problem in problems if problem.answer is not None})
        roles = RowTable(saved, seed=seed).roles()
        work = _Arms(rates, roles, seed)
        coverage = Coverage(rates, roles, seed)
        measures = [*work.measures(), *coverage.measures(problems), *shifts.measures()]
        contrasts = [*work.contrasts(), *coverage.contrasts()]
        found = Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=contrasts,
            counts=[*coverage.counts()],
        )
        judged = conditions(found)
        fired = [
            Count(role="model", metric=f"fired:{each.name}", n=int(each.has_fired))
            for each in judged
        ]
        return replace(
            found,
            counts=[*fired, *found.counts],
            caveats=(*in_words(judged), *_caveats(found, rates, roles), *shifts.caveats()),
        )


@final
@dataclass(frozen=True)
class _Arms:
    """The rates of the arms, and what they recover."""

    rates: Rates
    roles: Sequence[str]
    seed: int

    def _table(self) -> RowTable:
        return RowTable((), seed=self.seed)

    def measures(self) -> Iterator[Measure]:
        for role in self.roles:
            for arm in (*self._arms(role), SAMPLED):
                yield from self._of_arm(role, arm)
            best = self.rates.any_branch(role)
            yield from self._table().measure(role, CotDecoding.name, "any_branch_right", best)
        if len(self.roles) == 2:
            yield from self._shares_of_gain()
            for scale in SCALES:
                yield from self._recovered(scale)

    def _arms(self, role: str) -> list[str]:
        """The arms that are shown; of the tuned model only its own replies."""
        own = (AS_ASKED, GREEDY)
        return [arm for arm in self.rates.arms(role) if role == "baseline" or arm in own]

    def _of_arm(self, role: str, arm: str) -> Iterator[Measure]:
        table = self._table()
        for metric in (*METRICS, *HYGIENE, "n_tokens"):
            if metric == OBEDIENCE:
                effect = self.rates.obedience(role, arm).difference()
                yield from filed(role, metric, effect, condition=arm)
                continue
            estimator = average if metric == "n_tokens" else mean
            column = self.rates.column(role, arm, metric)
            yield from table.measure(role, arm, metric, column, estimator=estimator)
        if arm in ROUTED:
            acted = self.rates.column(role, arm, "acted")
            yield from table.measure(role, arm, "acted", acted)
        right, stated = (self.rates.column(role, arm, each) for each in ("accuracy", "stated"))
        if_stated = {p: v for p, v in right.values.items() if stated.values.get(p) == 1}
        yield from table.measure(role, arm, "accuracy_if_stated", Column.of(if_stated))

    def contrasts(self) -> Iterator[Contrast]:
        """Each arm minus the reply as asked and minus its control; and model minus baseline.

        Holm families: for each role and metric the arms, and the controls; the model's differences.
        """
        for role in self.roles:
            arms = [*self._arms(role), SAMPLED]
            pairs = [
                [(AS_ASKED, arm) for arm in arms if arm != AS_ASKED],
                [(CONTROLS[arm], arm) for arm in arms if arm in CONTROLS],
            ]
            for metric in METRICS:
                for family in pairs:
                    yield from holm_corrected(
                        found
                        for control, arm in family
                        for found in self._compared((role, control), (role, arm), metric)
                    )
        if len(self.roles) == 2:
            yield from holm_corrected(
                found
                for arm in (AS_ASKED, GREEDY, SAMPLED)
                for metric in (*METRICS, *HYGIENE)
                for found in self._compared(("baseline", arm), ("model", arm), metric)
            )

    def _compared(
        self, before: tuple[str, str], after: tuple[str, str], metric: str
    ) -> Iterator[Contrast]:
        """One role's arm minus another role's or another arm."""
        versus = before[1] if before[0] == after[0] else before[0]
        if metric == OBEDIENCE:
            effects = (self.rates.obedience(*side) for side in (before, after))
            found = changed(*effects, seed=self.seed)
            yield from compared(after[0], versus, metric, found, condition=after[1])
            return
        old, new = (self.rates.column(*side, metric) for side in (before, after))
        yield from self._table().contrast((after[0], versus, after[1], metric), old, new)

    def _shares_of_gain(self) -> Iterator[Measure]:
        """The gain on problems where the base stated no answer, or was cut off, as a share of all of it.

        It is the recovery of a base that is as good as the tuned model there, and unchanged elsewhere: an
        upper bound of what the form of the reply, or the budget, can have done.
        """
        base, tuned = (self.rates.column(r, AS_ASKED, "accuracy") for r in ("baseline", "model"))
        stated, cut = (self.rates.column("baseline", AS_ASKED, each).values for each in HYGIENE)
        unstated = {p for p, value in stated.items() if value < 1 and not cut.get(p)}
        for name, problems in (
            ("unstated_share", unstated),
            ("truncated_share", {p for p, value in cut.items() if value > 0}),
        ):
            swapped = {p: (tuned if p in problems else base).values.get(p) for p in base.values}
            yield from _recovery("model", AS_ASKED, name, base, tuned, Column.of(swapped))

    def _recovered(self, scale: str) -> Iterator[Measure]:
        """What each arm of the base recovers of the gain on this scale.

        Arms with another prompt are asked as the audit asks, so they are compared on its scale alone; on
        that of the samples, only other ways of decoding the same prompt.
        """
        greedy = AS_ASKED if self.rates.is_greedy() else GREEDY
        arms = [arm for arm in self.rates.arms("baseline") if arm != scale]
        if scale == SAMPLED:
            arms = [arm for arm in arms if arm in (greedy, *DECODING)]
        for metric, name in (("accuracy", "recovery"), ("both", "recovery_of_both")):
            base, tuned = (self.rates.column(r, scale, metric) for r in ("baseline", "model"))
            for arm in arms:
                column = self.rates.column("baseline", arm, metric)
                part = Slice("scale", scale)
                yield from _recovery("baseline", arm, name, base, tuned, column, part)
                if arm == ROUTED[0]:
                    control = self.rates.column("baseline", ROUTED[1], metric)
                    sides = base, tuned, column, part, control
                    yield from _recovery("baseline", arm, f"net_{name}", *sides)


def _recovery(
    role: str,
    arm: str,
    name: str,
    base: Column,
    tuned: Column,
    reached: Column,
    part: Slice = Slice("", ""),
    control: Column | None = None,
) -> Iterator[Measure]:
    """The recovery on the problems that all have; nothing where it is not defined.

    With a control, it is what the arm reaches beyond that.
    """
    sides = [base, tuned, reached, *([] if control is None else [control])]
    shared = sorted(set.intersection(*(set(each.values) for each in sides)))
    lost = len(set.intersection(*(set(each.asked) for each in sides))) - len(shared)
    columns = [[column.values[p] for p in shared] for column in sides]
    beyond = columns[3] if control is not None else None
    try:
        estimate = recovery(*columns[:3], beyond=beyond, n_unscored=lost)
    except StatsError:
        return
    yield from filed(role, name, estimate, condition=arm, slice=part)


def _caveats(found: Finding, rates: Rates, roles: Sequence[str]) -> Iterator[str]:
    """What a reader must know before believing the numbers."""
    for role in roles:
        lost: Mapping[str, int] = {
            arm: len(rates.column(role, arm, "accuracy").asked)
            for arm in (*rates.arms(role), SAMPLED)
            if not rates.column(role, arm, "accuracy").values
        }
        yield from unscored_caveat(role, lost)
        cut = found.estimate("truncated", role=role, condition=AS_ASKED)
        if cut is not None and cut.value > 0.05:
            yield (
                f"{role}: {cut.value:.0%} of the replies were cut off by the token budget, and elicitors "
                "that write more lose more by it; a larger --max-tokens decides."
            )
    k = max(rates.ks(), default=0)
    guess = found.estimate("pass_at_k", role="guess", condition=SAMPLED, slice=Slice("k", str(k)))
    if guess is not None and guess.value > MOST_GUESSED:
        yield (
            f"Guessing the answer of another problem is right within {k} tries for {guess.value:.0%} of "
            "the problems: there, many tries say little, and cover at 0.5 and 0.9 says more."
        )
    if len(roles) == 2:
        yield from _of_pairs(found, rates)
    elif roles:
        yield "Only one model was measured, so there is no gain to explain; name its base with --baseline."


def _of_pairs(found: Finding, rates: Rates) -> Iterator[str]:
    if not rates.scores("baseline", AS_ASKED, "accuracy"):
        yield (
            "No problem with a reference answer was asked without its rules, so there is no accuracy "
            "whose gain could be explained: no coverage, no recovery and no condition."
        )
        return
    gain = found.comparison("pass_at_k", condition=SAMPLED, slice=Slice("k", "1"))
    if gain is not None and not rises(gain):
        yield (
            f"The gain at one try is {gain.difference}, not significantly above zero, so there is "
            "nothing to explain by coverage."
        )
    sides = [rates.best(role, "accuracy", 1).values.keys() for role in ("baseline", "model")]
    if (n := len(sides[0] & sides[1])) < LEAST_PROBLEMS:
        yield (
            f"Where the curves cross is left out: an interval needs {LEAST_PROBLEMS} problems, and {n} "
            "have scored samples of both models."
        )
    if not any(m.metric == "recovery" for m in found.measures):
        yield (
            "Recovery is not defined here: the gain is below 3 points, or its interval includes 0."
        )
    n_most = max(rates.ks(), default=0)
    if n_most:
        tries = max(map(len, rates.more("baseline").values()), default=0) + n_most
        yield (
            f"Not solved in {tries} samples is not impossible: a problem that the base solves in up to "
            f"{highest_rate(tries):.1%} of its tries may look so."
        )
    chosen = rates.chosen("baseline")
    if chosen:
        said = " and ".join(dict.fromkeys(name for _, name in sorted(chosen.items())))
        yield (
            f"{BEST_PROMPT} is {said}: each half of the problems is asked with the prompt that does best "
            "on the other half."
        )
    if not rates.rows("baseline", CotDecoding.name, UNTOLD):
        yield "CoT-decoding was not measured: the base's weights are not on this machine."
    if not rates.rows("baseline", ForcedTokens.name, UNTOLD):
        yield (
            "The base was not begun with the tuned model's tokens: that needs the weights of both, and the "
            "same tokens."
        )
    if not rates.rows("baseline", AS_ASKED, TOLD):
        yield "No problem states a constraint, so obedience under the elicitors is not measured."
    if found.estimate(RATIO, condition="token_shift") is not None:
        yield (
            "The perplexity ratio and the sparsity of the divergence decide nothing by themselves: no "
            "published number separates a sharpened model from a new one, so no condition rests on them."
        )
    yield (
        "A low recovery may be a weak elicitor: it bounds from below what the base can do. A hybrid of both "
        "models and a base tuned in few parameters have to be made first, and are then models to audit."
    )
