"""How does MathIF compare two answers as numbers? The second of its two graders.

It is lenient: the relative tolerance is 1e-4, and a value 100 times too large or too small also
counts as right (meant for percentages). The first grader and the source are in `official_answer`.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from tokenize import TokenError

import sympy
from pylatexenc.latexwalker import LatexWalkerError
from sympy.parsing.sympy_parser import parse_expr, standard_transformations

TOLERANCE = 1e-4
BRACKETS = "()[]"
# What parsers and sympy raise on text that is not mathematics.
FAILURES = (
    ArithmeticError, AttributeError, LookupError, MemoryError, NameError, NotImplementedError,
    RecursionError, SyntaxError, TokenError, TypeError, ValueError, LatexWalkerError,
    sympy.SympifyError,
)  # fmt: skip

_NAMES: dict[str, object] = {
    name: getattr(sympy, name)
    for name in [
        *("Integer", "Float", "Rational", "Symbol", "Function", "factorial", "factorial2"),
        *("E", "I", "pi", "oo", "sqrt", "cbrt", "exp", "log", "ln", "Abs", "floor", "ceiling"),
        *("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
        *("re", "im", "ff", "rf", "li"),
    ]
} | {"__builtins__": {}}
_UNSAFE = re.compile(r"""[_\\'"`;@]|\.\s*[^\W\d]|:=|\blambda\b|\bfor\b""")


def same_value(found: str, gold: str, *, pi: float) -> bool:
    """Whether two answers are equal strings, close numbers, or expressions of the same value.

    Raises:
        ValueError: Where the published code fails on the text, which then counts as wrong.
    """
    a, b = _valued(found, pi), _valued(gold, pi)
    a = a[:1000] if isinstance(a, str) else a
    if isinstance(a, str) and isinstance(b, str) and _same_string(a, b):
        return True
    x, y = (as_float(s.replace("{,}" if "{,}" in s else ",", "")) for s in (str(a), str(b)))
    if x is not None and y is not None:
        return any(math.isclose(v, x, rel_tol=TOLERANCE) for v in (y / 100, y, y * 100))
    if a == "" or a == ():
        return False
    left, right = _interval(str(a).strip()), str(b).strip()
    if _bare(left, right) or _same_parts(left, right):
        return True
    if "," in left and "," in right:
        lefts, rights = left.split(","), right.split(",")
        if len(lefts) == len(rights):
            return _pairwise(lefts, rights)
    return _symbolic(left, right)


def _same_string(a: str, b: str) -> bool:
    return a.strip().lower() == b.strip().lower() or a.replace(" ", "") == b.replace(" ", "")


def _pairwise(lefts: list[str], rights: list[str]) -> bool:
    verdicts = [
        same_value(a.strip(), b.strip(), pi=math.pi) for a, b in zip(lefts, rights, strict=True)
    ]
    return all(verdicts)


def _same_parts(left: str, right: str) -> bool:
    """Whether two tuples with the same brackets have equal parts."""
    if not (left and right and left[0] in "([" and left[-1] in ")]"):
        return False
    if left[0] != right[0] or left[-1] != right[-1]:
        return False
    lefts, rights = left[1:-1].split(","), right[1:-1].split(",")
    return len(lefts) == len(rights) and _pairwise(lefts, rights)


def _bare(left: str, right: str) -> bool:
    """Whether two texts are equal without brackets (but square and round ones are different)."""
    square = left.startswith("[") and left.endswith("]") and not right.startswith("(")
    round_ = left.startswith("(") and left.endswith(")") and not right.startswith("[")
    if square or round_:
        left, right = left.strip(BRACKETS), right.strip(BRACKETS)
    return re.sub(r"[{}()]", "", left) == re.sub(r"[{}()]", "", right)


def _interval(text: str) -> str:
    """`Interval.Ropen(a, b)` as `[a, b)`, and so on."""
    found = re.match(r"^Interval(\.Ropen|\.Lopen|\.open)?\((.*)\)$", text)
    if found is None:
        return text
    left = "(" if found[1] in (".Lopen", ".open") else "["
    right = ")" if found[1] in (".Ropen", ".open") else "]"
    return left + found[2] + right


def _valued(text: str, pi: float) -> str | float | tuple[object, ...]:
    """An amount or a percentage without its sign, a number without its base, π as a number."""
    if re.match(r"\$\d+(\.\d+)?", text):
        return text[1:]
    if re.match(r"^\d+(\.\d+)?\\?%$", text):
        return text.replace(r"\%", "").replace("%", "")
    if "_" in text:
        return int(float(text.split("_")[0]))
    if r"\pi" not in text:
        return text
    head, *rest = text.split(r"\pi")
    for part in rest:
        head += ("*" if head[-1:].isdigit() else "1*") + str(pi) + part
    try:
        return _arithmetic(ast.parse(head, mode="eval").body)
    except FAILURES:
        return head


_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow,
    ast.Div: operator.truediv, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip


def _arithmetic(node: ast.AST) -> float | tuple[object, ...]:
    """The value of a syntax tree of numbers, signs, brackets and commas."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_arithmetic(part) for part in node.elts)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_arithmetic(node.left), _arithmetic(node.right))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_arithmetic(node.operand))
    raise ValueError("not arithmetic")


def _symbolic(left: str, right: str) -> bool:
    """Whether two expressions with Python's operators (`^` is no power) are equal or close."""
    try:
        a = parsed(left, standard_transformations)
        b = parsed(right, standard_transformations)
        if sympy.simplify(a - b) == 0:
            return True
        return math.isclose(sympy.N(a), sympy.N(b), rel_tol=TOLERANCE)
    except FAILURES:
        return False


def as_float(text: str) -> float | None:
    """The text as a number; None if it is not one."""
    try:
        return float(text)
    except ValueError:
        return None


def parsed(text: str, rules: tuple[Callable[..., object], ...]) -> sympy.Basic:
    """Text as an expression, and never as a program.

    sympy's parser evaluates Python. So it sees only a fixed list of names, and text that contains
    an attribute, a string or an underscore is refused.

    Raises:
        ValueError: For text that is refused. What the parser itself raises is among `FAILURES`.
    """
    if _UNSAFE.search(text):
        raise ValueError("not an expression")
    return parse_expr(text, transformations=rules, global_dict=dict(_NAMES))
