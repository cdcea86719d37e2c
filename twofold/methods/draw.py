"""How are replies sampled outside of TRL? By the same model as in an audit, on all processes."""

from collections.abc import Sequence

from accelerate import PartialState
from accelerate.utils import gather_object

from twofold.models import resolve
from twofold.models.loading import free_memory
from twofold.progress import Progress
from twofold.types import Problem, Response, Sampling, Share


def draw(
    spec: str, problems: Sequence[Problem], sampling: Sampling, *, n: int, seed: int
) -> list[list[Response]]:
    """`n` replies of the model `spec` to each problem; every process gets all of them.

    The processes share the work. The model is freed afterwards, to leave memory for training.
    """
    state = PartialState()
    share = Share(state.process_index, state.num_processes)
    chats = [problem.messages() for problem in problems]
    mine = []
    total, shown = len(chats) * n, share.rank == 0
    with Progress(f"replies of {spec}", total=total, is_shown=shown) as progress:
        for p, g, response in resolve(spec).stream(chats, sampling, n=n, seed=seed, share=share):
            mine.append((p, g, response))
            progress.advance(share.world, tokens=len(response.ids or ()))
    free_memory()
    found = {(p, g): response for p, g, response in gather_object(mine)}
    return [[found[p, g] for g in range(n)] for p in range(len(problems))]
