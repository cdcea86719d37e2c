"""What is told? Families of word problems, each a function that tells a story of `n_steps` steps.

`bus` is told in the test split only: does what was learnt carry over to a new story structure?
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from twofold.problems.synthetic.arithmetic import MOST, Sign, Step, between, next_step
from twofold.problems.synthetic.cast import Cast, Split


@final
@dataclass(frozen=True)
class Story:
    """A told problem: its family, its text, and its solution, whose last result is the answer."""

    family: str
    text: str
    steps: tuple[Step, ...]

    @property
    def answer(self) -> int:
        """The number asked for."""
        return self.steps[-1].result


# Tells a story with a cast in so many steps, 1 to 5.
Family = Callable[[Cast, int], Story]


def up_to(usual: int, n_steps: int) -> int:
    """The largest number to draw: one digit in stories of one step, which small models can solve."""
    return 9 if n_steps == 1 else usual


_HOARD_MOVES: dict[Sign, tuple[str, ...]] = {
    "+": (
        "{name} buys {k} more.",
        "A friend gives {name} {k} more.",
        "{name} finds {k} more in a drawer.",
    ),
    "-": (
        "{name} gives {k} of them to a neighbour.",
        "{name} sells {k} of them.",
        "{name} loses {k} of them on the way home.",
    ),
    "×": ("A prize then makes the collection {k} times as large.",),
    "÷": ("{name} then makes {k} equal piles and keeps only one of these piles.",),
}


def hoard(cast: Cast, n_steps: int) -> Story:
    """One person's collection grows and shrinks, one step a sentence."""
    (name,) = cast.names(1)
    things = cast.pick(["marbles", "stamps", "buttons", "postcards"], ["shells", "badges"])
    largest = up_to(40, n_steps)
    start = between(cast.rng, 5, largest)
    told, steps = [f"{name} has {start} {things}."], list[Step]()
    for _ in range(n_steps):
        steps.append(_next(cast, start, steps, largest))
        move = cast.pick(_HOARD_MOVES[steps[-1].sign])
        told.append(move.format(name=name, k=steps[-1].right))
    told.append(f"How many {things} does {name} have {cast.pick(['now', 'in the end'])}?")
    return Story("hoard", " ".join(told), tuple(steps))


def _next(cast: Cast, start: int, steps: list[Step], largest: int) -> Step:
    value, before = (steps[-1].result, steps[-1].sign) if steps else (start, None)
    return next_step(cast.rng, value, before=before, largest=largest)


_TIMES = {2: "twice", 3: "3 times", 4: "4 times", 5: "5 times"}
_PARTS = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth"}


def _compared(step: Step, things: str) -> str:
    """The step as a comparison, up to the name of the other person."""
    if step.sign in "+-":
        return f"{step.right} {'more' if step.sign == '+' else 'fewer'} {things} than"
    factors = _TIMES if step.sign == "×" else _PARTS
    return f"{factors[step.right]} as many {things} as"


def comparison(cast: Cast, n_steps: int) -> Story:
    """Each person is compared with the previous one; the last is asked for, or first and last."""
    did, do, things = cast.pick(
        [("picked", "pick", "apples"), ("baked", "bake", "cookies"), ("painted", "paint", "eggs")],
        [("collected", "collect", "leaves"), ("folded", "fold", "paper boats")],
    )
    together = n_steps > 1 and cast.rng.random() < 0.5
    names = cast.names(n_steps + (0 if together else 1))
    largest = up_to(40, n_steps)
    start = between(cast.rng, 5, largest)
    told, steps = [f"{names[0]} {did} {start} {things}."], list[Step]()
    for one, other in zip(names[1:], names, strict=False):
        steps.append(_next(cast, start, steps, largest))
        told.append(f"{one} {did} {_compared(steps[-1], things)} {other}.")
    if together:
        steps.append(Step(start, "+", steps[-1].result))
        told.append(f"How many {things} did {names[0]} and {names[-1]} {do} together?")
    else:
        told.append(f"How many {things} did {names[-1]} {do}?")
    return Story("comparison", " ".join(told), tuple(steps))


def purchase(cast: Cast, n_steps: int) -> Story:
    """Goods at a price each, then what is left of the money."""
    (name,) = cast.names(1)
    goods, more = cast.pick(
        [("notebooks", "pens"), ("cups", "plates"), ("ropes", "buckets")],
        [("candles", "lanterns"), ("kites", "balls")],
    )
    most = up_to(12, n_steps)
    first, second = (Step(between(cast.rng, 2, 9), "×", between(cast.rng, 2, most)) for _ in "ab")
    told = f"{name} buys {first.left} {goods} for {first.right} dollars each"
    steps = [first]
    if n_steps >= 3:
        told += f" and {second.left} {more} for {second.right} dollars each"
        steps += [second, Step(first.result, "+", second.result)]
    told += "."
    if n_steps == 5:
        steps.append(Step(steps[-1].result, "-", between(cast.rng, 1, 5)))
        told += f" The shop takes {steps[-1].right} dollars off the whole bill."
    if n_steps in (1, 3):
        question = f"How many dollars does {name} pay?"
    else:
        money = steps[-1].result + between(cast.rng, 3, 60)
        steps.append(Step(money, "-", steps[-1].result))
        told = f"{name} comes to the shop with {money} dollars. {told}"
        question = f"How many dollars does {name} have left?"
    return Story("purchase", f"{told} {question}", tuple(steps))


def workshop(cast: Cast, n_steps: int) -> Story:
    """A daily production, of which some are lost and the rest packed and sold."""
    place, things = cast.pick(
        [("bakery", "loaves"), ("workshop", "chairs"), ("factory", "toys")],
        [("pottery", "bowls"), ("printing house", "posters")],
    )
    (name,) = cast.names(1)
    per_hour, hours = between(cast.rng, 3, up_to(12, n_steps)), between(cast.rng, 2, 8)
    steps = [Step(per_hour, "×", hours)]
    told = f"{name}'s {place} makes {per_hour} {things} an hour"
    if n_steps == 1:
        text = f"{told}. How many {things} does it make in {hours} hours?"
        return Story("workshop", text, tuple(steps))
    days = between(cast.rng, 2, 6)
    steps.append(Step(steps[-1].result, "×", days))
    told += f" and works {hours} hours a day."
    question = f"How many {things} does it make in {days} days?"
    if n_steps >= 3:
        box, made = between(cast.rng, 2, 6), steps[-1].result
        spoilt = made % box + box * between(cast.rng, 0, made // box // 3)
        spoilt += box if spoilt < 2 else 0
        steps.append(Step(made, "-", spoilt))
        told += f" After {days} days, {spoilt} of the {things} turn out to be damaged."
        question = f"How many good {things} are there?"
    if n_steps >= 4:
        steps.append(Step(steps[-1].result, "÷", box))
        told += f" The good ones are packed into boxes of {box}."
        question = "How many boxes are filled?"
    if n_steps == 5:
        boxes = steps[-1].result
        steps.append(Step(boxes, "×", between(cast.rng, 2, min(5, MOST // boxes))))
        told += f" Each box is sold for {steps[-1].right} dollars."
        question = "How many dollars do all the boxes bring in?"
    return Story("workshop", f"{told} {question}", tuple(steps))


def sharing(cast: Cast, n_steps: int) -> Story:
    """Things are put together and shared equally."""
    one, other = cast.names(2)
    things = cast.pick(["sweets", "nuts", "grapes"], ["plums", "biscuits"])
    children, each = between(cast.rng, 2, 8), between(cast.rng, 3, up_to(15, n_steps))
    pile, steps = children * each, list[Step]()
    eaten = between(cast.rng, 2, 9) if n_steps >= 3 else 0
    told = f"{one} brings {pile} {things}."
    if n_steps >= 2:
        brought = between(cast.rng, 2, pile + eaten - 2)
        steps.append(Step(brought, "+", pile + eaten - brought))
        told = f"{one} brings {brought} {things} and {other} brings {steps[0].right} {things}."
    if n_steps >= 3:
        steps.append(Step(pile + eaten, "-", eaten))
        told += f" A crow steals {eaten} of them."
    steps.append(Step(pile, "÷", children))
    rest = "The rest" if eaten else "All of them"
    told += f" {rest} are shared equally among {children} children."
    question = f"How many {things} does each child get?"
    if n_steps >= 4:
        steps.append(Step(each, "+", between(cast.rng, 2, 20)))
        told += f" Each child already had {steps[-1].right} {things} before."
        question = f"How many {things} does each child have now?"
    if n_steps == 5:
        held = steps[-1].result
        steps.append(Step(held, "-", between(cast.rng, 2, min(5, held - 2))))
        told += f" Then each child gives {steps[-1].right} {things} to a teacher."
    return Story("sharing", f"{told} {question}", tuple(steps))


def bus(cast: Cast, n_steps: int) -> Story:
    """Passengers leave and enter, two steps a stop; in the test split only."""
    start = between(cast.rng, 5, 9) if n_steps == 1 else between(cast.rng, 12, 40)
    (name,) = cast.names(1)
    told = [f"{name} drives a bus that leaves the depot with {start} passengers."]
    steps, value = list[Step](), start
    stops = ["the market", "the school", "the bridge", "the harbour", "the museum"]
    while len(steps) < n_steps:
        stop = stops.pop(between(cast.rng, 0, len(stops) - 1))
        if len(steps) == n_steps - 1:
            steps.append(Step(value, "+", between(cast.rng, 2, up_to(20, n_steps))))
            told.append(f"At {stop}, {steps[-1].right} more people get on.")
        else:
            steps.append(Step(value, "-", between(cast.rng, 2, value - 3)))
            steps.append(Step(steps[-1].result, "+", between(cast.rng, 4, 20)))
            off, on = steps[-2].right, steps[-1].right
            told.append(f"At {stop}, {off} people get off and {on} people get on.")
        value = steps[-1].result
    told.append("How many passengers are on the bus now?")
    return Story("bus", " ".join(told), tuple(steps))


_SEEN: tuple[Family, ...] = (hoard, comparison, purchase, workshop, sharing)

FAMILIES: dict[Split, tuple[Family, ...]] = {"train": _SEEN, "test": (*_SEEN, bus)}
