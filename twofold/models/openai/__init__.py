"""Models behind an OpenAI-compatible server, called through the `openai` package.

That package sends requests, retries them, obeys `Retry-After` and times out. These files add a
circuit breaker, resumable sampling, messages without the key, and the split of thought and reply.
"""
