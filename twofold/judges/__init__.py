"""Rules that a program cannot check as it stands: judged criterion by criterion.

| question | file |
|---|---|
| what is a judge? | `judge` |
"""

from twofold.judges.judge import Asked, Judge

__all__ = ["Asked", "Judge"]
