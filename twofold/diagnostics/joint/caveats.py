"""The caveats of the joint finding, and the counts that they rest on."""

from collections import Counter
from collections.abc import Iterator

from twofold.diagnostics.joint.table import FINISH_REASONS, JointTable
from twofold.types import Count, Estimate, Finding, FinishReason

# The share of replies in a condition up to which something is not worth a caveat.
LEAST_SHARE = 0.01


def caveats(table: JointTable, found: Finding) -> Iterator[str]:
    """What a reader must know before believing the numbers of `found`."""
    if not any(p.answer is not None for p in table.problems):
        yield "No problem has a reference answer, so there is no accuracy and no joint rate."
    for role in table.roles():
        conditions = table.conditions(role)
        if "constrained" not in conditions:
            yield f"{role}: no problem carries a constraint, so there is no compliance."
        elif "unconstrained" not in conditions:
            yield (
                f"{role}: nothing was asked without its constraints, so there is no null rate and no "
                "chance-corrected rate, and capability is the accuracy with the constraints in the prompt."
            )
    yield from _at_the_floor(table, found)
    yield from _costs_in_words(table, found)
    yield from _finish_reasons_in_words(table, found)
    yield from _own_control(table, found)
    yield from _unknown_marks_in_words(table, found)
    if kept := [c for c in found.counts if c.metric == "special_tokens"]:
        where = "; ".join(f"{c.role}, {c.condition}: in {c.n}" for c in kept)
        yield f"Replies that kept special tokens (such as </s>) at an end; not judged: {where}."
    yield from _last_numbers_in_words(table)
    smallest = min((m.estimate.n for m in found.measures), default=0)
    if found.measures and smallest < 30:
        few = "a single problem" if smallest == 1 else f"as few as {smallest} problems"
        yield f"Some rows rest on {few}; read their intervals, not their values."
    compliance = [
        m.estimate.n
        for m in found.measures
        if m.role in table.roles() and m.metric == "hacc" and not m.slice.by
    ]
    if len(table.roles()) > 1 and all(n < 100 for n in compliance):
        yield (
            "Fewer than 100 problems: a change that matters can be missed. The minimum detectable difference "
            "beside each change says how large it had to be."
        )


def _at_the_floor(table: JointTable, found: Finding) -> Iterator[str]:
    """Problems that are too hard for every model: a difference between them would show nothing."""
    floor = found.estimate("accuracy", role="constant_reply", condition="")
    if floor is None:
        return
    shown: dict[str, Estimate] = {}
    for role in table.roles():
        for condition in reversed(table.conditions(role)):
            estimate = found.estimate("accuracy", role=role, condition=condition)
            if estimate is not None:
                shown.setdefault(role, estimate)
    if shown and all(each.low <= floor.value for each in shown.values()):
        rates = "; ".join(f"{role} {each}" for role, each in shown.items())
        yield (
            f"No model is shown to be right more often than one constant answer, {floor}: {rates}. "
            "These problems may be too hard for it, or in a form that it does not know."
        )


def _costs_in_words(table: JointTable, found: Finding) -> Iterator[str]:
    """What a reply costs, where a model that is made of others spends more than it shows."""
    told = []
    for role in table.roles():
        for condition in table.conditions(role):
            estimate = found.estimate("tokens", role=role, condition=condition)
            if estimate is not None:
                ends = f"[{estimate.low:.1f}, {estimate.high:.1f}] (n={estimate.n})"
                told.append(f"{role}, {condition}: {estimate.value:.1f} {ends}")
    if told:
        yield (
            "Tokens generated for one reply, thrown-away ones and those of other models included: "
            f"{'; '.join(told)}."
        )


def _unknown_marks_in_words(table: JointTable, found: Finding) -> Iterator[str]:
    """How many replies hold what may be a thought between unknown marks, one caveat a role."""
    totals: Counter[tuple[str, str]] = Counter()
    for count in found.counts:
        if count.metric in {*FinishReason}:
            totals[count.role, count.condition] += count.n
    for role in table.roles():
        shares, first = [], ""
        for condition in table.conditions(role):
            marks = table.unknown_marks.get((role, condition), Counter())
            n, of = marks.total(), totals[role, condition]
            if n > LEAST_SHARE * of:
                first = first or marks.most_common(1)[0][0]
                shares.append(f"{condition}: {n} of {of} replies, {n / of:.0%}")
        if shares:
            yield (
                f"{role}: some replies hold a tag such as {first}, which may mark a thought and is "
                f"judged as part of the reply ({'; '.join(shares)}). If it marks one, name both marks "
                "with --thinking-marks OPEN CLOSE."
            )


def _own_control(table: JointTable, found: Finding) -> Iterator[str]:
    """Where interference is measured against the very replies that were chosen."""
    for role in table.roles():
        untold = table.block(role, "unconstrained")
        if untold is None or found.estimate("interference", role=role) is None:
            continue
        if (untold.sample == 0).all():
            yield (
                f"{role}: each problem was asked once without its rules, so interference has no control of "
                "its own: the reply that was chosen for meeting them stands in. --samples 2 gives one."
            )


def counts(table: JointTable, role: str) -> Iterator[Count]:
    """How the replies of a role ended, and what was found in them that was not judged."""
    for condition in table.conditions(role):
        block = table.block(role, condition)
        if block is not None:
            for code, reason in enumerate(FINISH_REASONS):
                n = int((block.finish_reason == code).sum())
                yield Count(role=role, condition=condition, metric=reason.value, n=n)
        if marks := table.unknown_marks.get((role, condition)):
            n = marks.total()
            yield Count(role=role, condition=condition, metric="unknown_thinking_mark", n=n)
        if n := table.special_tokens[role, condition]:
            yield Count(role=role, condition=condition, metric="special_tokens", n=n)


def _finish_reasons_in_words(table: JointTable, found: Finding) -> Iterator[str]:
    """How many replies did not end normally, one caveat a reason."""
    counts = {(c.role, c.condition, c.metric): c.n for c in found.counts}
    asked = [(role, condition) for role in table.roles() for condition in table.conditions(role)]
    for reason, what in (
        (FinishReason.unclosed_thinking, "Never finished thinking and unscored"),
        (FinishReason.failed, "Failed and unscored"),
        (FinishReason.truncated, "Truncated by the token budget and judged as they are"),
    ):
        shares = []
        for role, condition in asked:
            total = sum(counts[role, condition, each.value] for each in FinishReason)
            n = counts[role, condition, reason.value]
            if n <= LEAST_SHARE * total:
                continue
            said = f"{role}, {condition}: {n} of {total} replies"
            accuracy = found.estimate("accuracy", role=role, condition=condition)
            if reason is FinishReason.unclosed_thinking and accuracy is not None:
                least = accuracy.value * (total - accuracy.n_unscored) / total
                said += f" (were they all wrong, accuracy would be {least:.3f})"
            shares.append(said)
        if shares:
            yield f"{what}: {'; '.join(shares)}."


def _last_numbers_in_words(table: JointTable) -> Iterator[str]:
    """How many answers are only the last number of a reply that states none."""
    shares = []
    for role in table.roles():
        for condition in table.conditions(role):
            block = table.block(role, condition)
            if block is not None and (n := int(block.guessed.sum())):
                right = int((block.correct[block.guessed == 1] == 1).sum())
                asked = int(table.has_answer[block.problem].sum())
                shares.append(f"{role}, {condition}: {n} of {asked} replies, {right} of them right")
    if shares:
        yield (
            "No answer was stated, so the last number was taken as one, which may be a chance hit: "
            f"{'; '.join(shares)}."
        )
