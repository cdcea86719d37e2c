"""Models behind an OpenAI-compatible server, asked through the `openai` package.

That package makes the requests, retries them, waits as long as `Retry-After` says, and times out.
Here is what it lacks: a circuit breaker, replies that can be resumed, messages without the key, and
the thought split from the reply. Importing this package imports neither `openai` nor `anyio`.
"""
