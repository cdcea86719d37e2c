"""Which parts of a reply are code or mathematics?

There, signs such as `- 3`, `a*b*c` or `[i]` are not bullets, highlights or placeholders.
"""

import re

_CODE = re.compile(
    r"""
      ^[ \t]*(`{3,}|~{3,}) .*? (?: \n[ \t]*\1[`~]*[ \t]*$ | \Z )   # a fence; unclosed runs to the end
    | `[^`\n]+`                                                    # inline
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# TeX allows no blank line inside a formula, so an unclosed one ends there at the latest.
_MATH = re.compile(
    r"""
      \\\[ .*? (?: \\\] | (?=\n[ \t]*\n) | \Z )
    | \\\( [^\n]*? (?: \\\) | $ )
    | \\begin\{(\w+\*?)\} .*? (?: \\end\{\1\} | (?=\n[ \t]*\n) | \Z )
    | \$\$ (?: (?!\n[ \t]*\n) . )+? \$\$
    | (?<![\\$]) \$ (?=[^\s$]) [^$\n]* (?<=[^\s\\]) \$ (?!\d)      # not the prices $5 and $6
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def mask_code(text: str) -> str:
    """`text` with fenced and inline code replaced by dots; lines and lengths stay."""
    return _CODE.sub(_overwritten, text)


def mask_math(text: str) -> str:
    r"""`text` with LaTeX formulas replaced by dots; lines and lengths stay.

    A formula is `\[ \]`, `\( \)`, `$$ $$`, an environment, or `$ $` by Pandoc's rule: no space just
    inside the dollars and no digit after the second, so prices stay.
    """
    return _MATH.sub(_overwritten, text)


def _overwritten(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", ".", found[0])
