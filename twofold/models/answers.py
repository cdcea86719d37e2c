"""How are planned batches answered, from the cache or anew, each reply once?

Finished batches are skipped, partly finished ones are made again as a whole, and batches are distributed
over the processes in turn; see `batches`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from twofold.models.batches import PlannedRow, SampleKey
from twofold.models.cache import Cache
from twofold.types import FinishReason, Response, Share

NO_ROOM = "out of memory with this prompt alone; lower max_tokens or take a smaller model"
NO_NUMBERS = (
    "the network's logits are not numbers (an overflow, or broken weights); run it in a dtype with a "
    "larger range, or copy the model again"
)
Batch = Sequence[SampleKey]


def streamed(
    batches: Sequence[Batch],
    *,
    done: AbstractSet[SampleKey],
    share: Share,
    cache: Cache,
    key: Callable[[SampleKey], str],
    generated: Callable[[Batch], Mapping[SampleKey, Response]],
) -> Iterator[tuple[int, int, Response]]:
    """Answer batch by batch what is not done; see `Model.stream`.

    Args:
        batches: The plan for all the work.
        done: What is on disk already.
        share: The part of this process.
        cache: Where replies are looked up and stored; failed ones are not.
        key: The cache's key of a reply.
        generated: Makes the replies of a batch anew.
    """
    for batch in batches[share.rank :: share.world]:
        if set(batch) <= done:
            continue
        keys = {item: key(item) for item in batch}
        known = cache.get(keys.values())
        found = {
            item: Response.from_json(json.loads(known[at]))
            for item, at in keys.items()
            if at in known
        }
        missing = [item for item in batch if item not in found]
        if not set(missing) <= done:
            fresh = generated(missing)
            found |= fresh
            cache.put(
                {
                    keys[item]: json.dumps(response.to_json())
                    for item, response in fresh.items()
                    if response.finish_reason is not FinishReason.failed
                }
            )
        yield from ((p, g, found[p, g]) for p, g in batch if (p, g) not in done)


def replies(
    planned: Mapping[SampleKey, PlannedRow | str],
    decoded: Callable[[Sequence[PlannedRow]], Sequence[Sequence[int] | str]],
    response_of: Callable[[SampleKey, Sequence[int]], Response],
) -> dict[SampleKey, Response]:
    """The replies of a batch; a text in place of a row or of its tokens says why there is none.

    Args:
        planned: The rows; see `batches.planned_row`.
        decoded: The new token ids of rows.
        response_of: The reply that new token ids are.
    """
    rows = {item: row for item, row in planned.items() if not isinstance(row, str)}
    new = dict(zip(rows, decoded(list(rows.values())), strict=True))
    found: dict[SampleKey, Response] = {}
    for item, row in planned.items():
        said = row if isinstance(row, str) else new[item]
        found[item] = failed(said) if isinstance(said, str) else response_of(item, said)
    return found


def failed(error: str) -> Response:
    """A call that gave no reply, and why."""
    return Response(raw="", reply="", finish_reason=FinishReason.failed, error=error)
