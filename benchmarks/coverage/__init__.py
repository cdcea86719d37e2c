"""`python -m benchmarks coverage`: does every interval and every claim hold as often as it says?

Simulated data with a known truth, a cell of a grid at a time. Every finished cell is a line of
`runs/coverage.jsonl`, so the command can be stopped and run again; it ends with the tables of
`docs/statistics.md`.
"""
