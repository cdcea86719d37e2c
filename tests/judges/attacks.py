"""Programs that try to get out, to hang, to grow, to lie. Data for `test_attacks.py`.

In each source CANARY is a file that must not appear, HIDDEN a file that must not be read, PORT a local
listener that must not be reached; the environment holds TWOFOLD_SECRET. What a program says when it
gets what it wants is True, so an expected None or False also says that it did not.
"""

# ruff: noqa: E501
from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """`says` is what `verify` honestly answers; None = unscored, whatever stopped it."""

    name: str
    says: bool | None
    source: str


def body(*lines: str) -> str:
    return "def verify(text):\n" + "".join(f"    {line}\n" for line in lines)


def one(expression: str, *imports: str) -> str:
    return "".join(f"import {name}\n" for name in imports) + body(f"return {expression}")


def swallowing(*lines: str) -> str:
    """Does something, swallows whatever stops it, then claims success."""
    return body(
        "try:", *(f"    {x}" for x in lines), "except BaseException:", "    pass", "return True"
    )


# fmt: off
FILES = [
    ("open-read", None, one("open('HIDDEN').read() == 'hush'")),
    ("open-write", None, body("open('CANARY', 'w').write('x')", "return True")),
    ("open-append", None, body("with open('CANARY', 'a') as f: f.write('x')", "return True")),
    ("open-fd", None, one("open(0).read() == ''")),
    ("pathlib-read", None, one("pathlib.Path('HIDDEN').read_text() == 'hush'", "pathlib")),
    ("pathlib-write", None, one("pathlib.Path('CANARY').write_text('x') > 0", "pathlib")),
    ("pathlib-mkdir", None, body("import pathlib", "pathlib.Path('CANARY').mkdir()", "return True")),
    ("pathlib-glob", None, one("len(list(pathlib.Path('/').iterdir())) > 0", "pathlib")),
    ("os-listdir", None, one("len(os.listdir('/')) > 0", "os")),
    ("os-open", None, one("os.open('CANARY', 65) > 0", "os")),
    ("os-remove", None, body("import os", "os.remove('HIDDEN')", "return True")),
    ("os-rename", None, body("import os", "os.rename('HIDDEN', 'CANARY')", "return True")),
    ("os-symlink", None, body("import os", "os.symlink('HIDDEN', 'CANARY')", "return True")),
    ("os-chdir", None, body("import os", "os.chdir('/proc')", "return True")),
    ("proc-environ", None, one("'hush' in open('/proc/self/environ').read()")),
    ("proc-parent", None, one("'hush' in open('/proc/1/environ').read()")),
    ("io-open", None, one("io.open('HIDDEN').read() == 'hush'", "io")),
    ("shutil", None, body("import shutil", "shutil.copy('HIDDEN', 'CANARY')", "return True")),
    ("tempfile", None, one("tempfile.mkdtemp() != ''", "tempfile")),
    ("exists-oracle", None, one("os.path.exists('HIDDEN')", "os")),
]

SURROUNDINGS = [
    ("environ", None, one("os.environ['TWOFOLD_SECRET'] == 'hush'", "os")),
    ("getenv", None, one("os.getenv('TWOFOLD_SECRET') == 'hush'", "os")),
    ("environ-walk", None, one("'hush' in str(dict(os.environ))", "os")),
    ("argv", False, one("len(sys.argv) > 1 or 'twofold' in str(sys.argv)", "sys")),
    ("urandom", None, one("os.urandom(1) != b''", "os")),
    ("socket", None, one("socket.create_connection(('127.0.0.1', PORT)) != 0", "socket")),
    ("urllib", None, body("import urllib.request", "urllib.request.urlopen('http://127.0.0.1:PORT')", "return True")),
    ("http", None, body("import http.client", "http.client.HTTPConnection('127.0.0.1', PORT).connect()", "return True")),
    ("asyncio-connect", None, body("import asyncio", "asyncio.run(asyncio.open_connection('127.0.0.1', PORT))", "return True")),
    ("requests", None, body("import requests", "requests.get('http://127.0.0.1:PORT')", "return True")),
    ("input", None, one("input() == ''")),
    ("subprocess", None, body("import subprocess", "subprocess.run(['touch', 'CANARY'])", "return True")),
    ("os-system", None, one("os.system('touch CANARY') == 0", "os")),
    ("os-popen", None, one("os.popen('touch CANARY').read() == ''", "os")),
    ("os-fork", None, body("import os", "while True: os.fork()")),
    ("os-exec", None, body("import os", "os.execv('/bin/touch', ['touch', 'CANARY'])")),
    ("os-kill", None, body("import os", "os.kill(os.getppid(), 9)", "return True")),
    ("signal", None, body("import signal", "signal.alarm(1)", "return True")),
    ("ctypes", None, one("ctypes.CDLL(None).system(b'touch CANARY') == 0", "ctypes")),
    ("threading", None, body("import threading", "threading.Thread(target=verify).start()", "return True")),
    ("multiprocessing", None, body("import multiprocessing", "multiprocessing.Process().start()", "return True")),
    ("mmap", None, one("len(mmap.mmap(-1, 1 << 40)) > 0", "mmap")),
    ("pickle", None, one("pickle.loads(b'cos\\nsystem\\n(S\"touch CANARY\"\\ntR.') == 0", "pickle")),
    ("marshal", None, one("marshal.loads(b'') == 0", "marshal")),
    ("gc", None, one("len(gc.get_objects()) > 0", "gc")),
    ("inspect", None, one("inspect.currentframe().f_back is not None", "inspect")),
]

INTROSPECTION = [
    ("import-function", None, one("__import__('os').system('touch CANARY') == 0")),
    ("importlib", None, one("importlib.import_module('os').system('touch CANARY') == 0", "importlib")),
    ("builtins-module", None, one("builtins.open('HIDDEN').read() == 'hush'", "builtins")),
    ("builtins-dict", None, one("__builtins__['open']('HIDDEN').read() == 'hush'")),
    ("host-package", None, one("twofold.judges.sandbox.sandbox is not None", "twofold.judges.sandbox.sandbox")),
    ("monty-package", None, one("pydantic_monty.Monty is not None", "pydantic_monty")),
    ("import-star", None, "from os import *\n" + body("return system('touch CANARY') == 0")),
    ("relative-import", None, "from . import secret\n" + body("return True")),
    ("sys-modules", None, one("sys.modules['os'].system('touch CANARY') == 0", "sys")),
    ("mro", None, one("().__class__.__mro__[1].__subclasses__() != []")),
    ("bases", None, one("''.__class__.__base__.__subclasses__() != []")),
    ("type-mro", None, one("type(text).__mro__[-1].__subclasses__() != []")),
    ("globals-of-function", None, one("verify.__globals__['__builtins__'] is not None")),
    ("code-object", None, one("verify.__code__.co_code != b''")),
    ("closure", None, one("(lambda: text).__closure__[0].cell_contents == text")),
    ("code-replace", None, body("verify.__code__ = (lambda t: 1).__code__", "return True")),
    ("frame-of-error", None, body("try: 1 / 0", "except ZeroDivisionError as e: return e.__traceback__.tb_frame.f_globals != {}")),
    ("frame-of-generator", None, one("(x for x in [1]).gi_frame.f_back is not None")),
    ("sys-getframe", None, one("sys._getframe(1).f_globals != {}", "sys")),
    ("getattr-built", None, one("getattr((), '__cl' + 'ass__').__mro__ != ()")),
    ("vars-dunder", None, one("vars(verify)['x'] == 1")),
    ("format-walk", None, one("'{0.__class__.__mro__}'.format(text) != ''")),
    ("format-index", None, one("'{0.__globals__[__builtins__]}'.format(verify) != ''")),
    ("format-map", None, one("'{t.__class__}'.format_map({'t': text}) != ''")),
    ("eval-import", None, one("eval(\"__import__('os').system('touch CANARY')\") == 0")),
    ("exec-open", None, body("exec(\"open('CANARY', 'w').write('x')\")", "return True")),
    ("compile", None, one("eval(compile(\"open('HIDDEN').read()\", 'x', 'eval')) == 'hush'")),
    ("decorator-eval", None, "@eval\n" + body("return True")),
    ("metaclass", None, "class M(type): pass\nclass A(metaclass=M): pass\n" + body("return True")),
    ("breakpoint", None, body("breakpoint()", "return True")),
    ("help", None, body("help()", "return True")),
]

MEMORY = [
    ("list-times", None, one("len([0] * 10**9) > 0")),
    ("tuple-times", None, one("len((0,) * 10**9) > 0")),
    ("str-times", None, one("len('a' * 10**11) > 0")),
    ("bytes-times", None, one("len(b'a' * 10**11) > 0")),
    ("bytearray", None, one("len(bytearray(10**11)) > 0")),
    ("str-doubling", None, body("s = 'a'", "while True: s += s")),
    ("list-doubling", None, body("x = [1]", "while True: x += x")),
    ("list-self-append", None, body("x = []", "while True: x = [x, x[:]]")),
    ("dict-growth", None, body("d = {}", "i = 0", "while True:", "    d[i] = str(i) * 100", "    i += 1")),
    ("set-growth", None, one("len({i for i in range(10**12)}) > 0")),
    ("nested-comprehension", None, one("len([[[0] * 999 for _ in range(999)] for _ in range(999)]) > 0")),
    ("generator-to-list", None, one("len(list(x for x in range(10**12))) > 0")),
    ("product", None, one("len(list(itertools.product(range(99), repeat=9))) > 0", "itertools")),
    ("permutations", None, one("len(list(itertools.permutations(range(20)))) > 0", "itertools")),
    ("sorted-range", None, one("sorted(range(10**10))[0] == 0")),
    ("replace-growth", None, one("len(('a' * 10**6).replace('a', 'b' * 10**6)) > 0")),
    ("join-growth", None, one("len(('b' * 10**5).join(['a'] * 10**5)) > 0")),
    ("split-growth", None, one("len(('a ' * 6 * 10**6).split()) > 0")),
    ("ljust", None, one("len(text.ljust(10**12)) > 0")),
    ("zfill", None, one("len(text.zfill(10**12)) > 0")),
    ("expandtabs", None, one("len('\\t'.expandtabs(10**12)) > 0")),
    ("format-width", None, one("len('{:>1000000000000}'.format(1)) > 0")),
    ("fstring-width", None, one("len(f'{1:>9999999999}') > 0")),
    ("percent-width", None, one("len('%9999999999d' % 1) > 0")),
    ("unpack-doubling", None, body("a = [1]", "for _ in range(60): a = [*a, *a]", "return True")),
    ("closure-chain", None, body("f = lambda: 0", "while True:", "    f = (lambda g: lambda: g())(f)")),
    ("swallow-memory", None, swallowing("x = [0] * 10**9")),
    ("definition-bomb", None, "x = [0] * 10**9\n" + body("return True")),
    ("returns-giant", None, one("['a' * 100] * 10**5")),
    ("raises-giant", None, body("raise ValueError('x' * 5_000_000)")),
    ("assert-giant", None, body("assert text == 'y' * 5_000_000")),
]

TIME = [
    ("while-true", None, body("while True: pass")),
    ("while-true-definition", None, "while True: pass\n" + body("return True")),
    ("for-count", None, body("for _ in itertools.count(): pass").replace("def", "import itertools\ndef", 1)),
    ("for-cycle", None, body("for _ in itertools.cycle([1]): pass").replace("def", "import itertools\ndef", 1)),
    ("sum-range", None, one("sum(range(10**14)) > 0")),
    ("all-range", None, one("all(True for _ in iter(int, 1))")),
    ("zip-repeat", None, one("sum(1 for _ in zip(itertools.repeat(1), itertools.repeat(2))) > 0", "itertools")),
    ("recursion", None, one("verify(text)")),
    ("mutual-recursion", None, "def f(x): return verify(x)\n" + one("f(text)")),
    ("tree-recursion", None, "def f(n): return n < 2 or (f(n - 1) and f(n - 2))\n" + one("f(60)")),
    ("lambda-y", None, one("(lambda f: f(f))(lambda f: f(f))")),
    ("swallow-time", None, swallowing("while True: pass")),
    ("finally-time", None, body("try:", "    while True: pass", "finally:", "    return True")),
    ("retry-swallow", None, body("while True:", "    try:", "        while True: pass", "    except BaseException: pass")),
    ("exit-swallows", None, "class C:\n    def __enter__(s): return s\n    def __exit__(s, *a): return True\n"
        + body("with C():", "    while True: pass", "return True")),
    ("exception-flood", None, body("while True:", "    try: raise ValueError('x' * 99)", "    except ValueError: pass")),
    ("exception-chain", None, body("e = None", "while True:", "    try:", "        raise ValueError('x') from e", "    except ValueError as f: e = f")),
    ("regex-nested", True, one("re.search(r'(a+)+$', 'a' * 5000 + '!') is None", "re")),
    ("regex-backreference", None, one(r"re.search(r'(a*)*\1\1b', 'a' * 60) is None", "re")),
    ("regex-alternation", None, one(r"re.search(r'^(a|a)*\1c$', 'a' * 60 + 'b') is None", "re")),
    ("regex-lookahead", True, one("re.search(r'^(?=(a|aa)+$)(?!x)(a|aa)+b', 'a' * 90) is None", "re")),
    ("regex-counted", None, one("re.search(r'((a{1000}){1000}){1000}', text) is None", "re")),
    ("regex-many", None, body("import re", "while True: re.sub('a*', 'b', 'a' * 10**5)")),
    ("asyncio-loop", None, "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\n" + one("asyncio.run(f())")),
    ("sort-slow-key", None, one("[sum(range(10**5)) for _ in sorted(range(10**5), key=lambda i: sum(range(10**4)))] == []")),
    ("eq-hangs", None, "class E:\n    def __eq__(s, o):\n        while True: pass\n" + one("E() == 1")),
    ("hash-collisions", None, "class E:\n    def __hash__(s): return 1\n    def __eq__(s, o): return s is o\n"
        + body("d = {}", "while True: d[E()] = 1")),
    ("iter-hangs", None, "class E:\n    def __iter__(s): return s\n    def __next__(s): return 1\n" + one("max(E()) == 1")),
    ("sleep", True, body("import time", "time.sleep(10**6)", "return True")),
    ("sleep-for-ever", None, body("import time", "while True: time.sleep(10**6)")),
    ("busy-clock", None, body("import time", "t = time.time()", "while time.time() < t + 9: pass", "return True")),
]

NUMBERS = [
    ("power", None, one("10**10**8 > 0")),
    ("power-tower", None, one("9**9**9**9 > 0")),
    ("pow-function", None, one("pow(7, 10**10) > 0")),
    ("pow-modulus", None, one("pow(3, (1 << 200_000) - 1, (1 << 200_000) + 1) > 0")),
    ("shift", None, one("1 << 10**12 > 0")),
    ("factorial", None, one("math.factorial(10**8) > 0", "math")),
    ("comb", None, one("math.comb(10**7, 5 * 10**6) > 0", "math")),
    ("int-to-str", None, one("len(str(1 << 10**7)) > 0")),
    ("str-to-int", None, one("int('9' * 10**6) > 0")),
    ("fibonacci", None, body("a, b = 1, 1", "while True: a, b = b, a + b")),
    ("decimal", None, one("decimal.Decimal(9) ** 999999999 > 0", "decimal")),
    ("float-overflow", None, one("1e308 * 10 == 10.0 ** 400")),
    ("nan", False, one("float('nan') == float('nan')")),
    ("giant-range", False, one("-1 in range(10**18)")),
]

OUTPUT = [
    ("print-loop", None, body("while True: print('x' * 1000)")),
    ("print-giant", None, body("print('x' * 5_000_000)", "return True")),
    ("print-definition", None, "print('x' * 100_000)\n" + body("return True")),
    ("print-swallow", None, swallowing("for _ in range(10**4): print('x' * 1000)")),
    ("print-no-newline", None, body("while True: print('x', end='')")),
    ("print-stderr", None, body("import sys", "while True: print('x' * 1000, file=sys.stderr)")),
    ("stdout-write", None, body("import sys", "sys.stdout.write('[true, \"\"]\\n' * 10)", "return None")),
    ("forged-answer", None, body("print('[true, \"\"]')", "return None")),
    ("print-a-little", True, body("print('fine')", "return True")),
]

LIES = [
    ("truthy-int", None, one("1")),
    ("truthy-str", None, one("'True'")),
    ("truthy-list", None, one("[True]")),
    ("falsy-none", None, body("pass")),
    ("falsy-zero", None, one("0")),
    ("float-one", None, one("1.0")),
    ("not-implemented", None, one("NotImplemented")),
    ("ellipsis", None, one("...")),
    ("exception-object", None, one("ValueError(True)")),
    ("error-dict", None, one("{'_error': 'x'}")),
    ("lying-bool", None, "class T:\n    def __bool__(s): return True\n" + one("T()")),
    ("lying-eq", None, "class T:\n    def __eq__(s, o): return True\n    def __hash__(s): return 1\n" + one("T()")),
    ("lying-name", None, "class type:\n    def __init__(s, x): pass\n    __name__ = True\n" + one("1")),
    ("lying-type", None, "def type(x): return True\n" + one("1")),
    ("class-verify", None, "class verify:\n    def __init__(s, t): pass\n"),
    ("type-named-giant", None, one("type('x' * 5_000_000, (), {})()")),
    ("rebind-true", None, "True = False\n" + one("True")),
    ("rebind-bool", None, "bool = lambda x: True\nisinstance = lambda *a: True\n" + one("1")),
    ("rebind-builtins", None, "import builtins\nbuiltins.bool = int\n" + one("1")),
    ("rebind-said", None, "__said__ = True\n" + one("None")),
    ("rebind-text", False, "__text__ = 'x'\n" + one("text == 'x'")),
    ("rebind-verify", None, "def verify(text):\n    global verify\n    verify = lambda t: True\n"),
    ("delete-verify", None, body("return True") + "del verify\n"),
    ("system-exit", None, body("raise SystemExit")),
    ("system-exit-definition", None, body("return True") + "raise SystemExit\n"),
    ("sys-exit", None, body("import sys", "sys.exit(0)")),
    ("os-exit", None, body("import os", "os._exit(0)")),
    ("exit", None, body("exit()")),
    ("keyboard-interrupt", None, body("raise KeyboardInterrupt")),
    ("generator-exit", None, body("raise GeneratorExit")),
    ("stop-iteration", None, body("raise StopIteration")),
    ("raise-true", None, body("raise True")),
    ("async", None, "async def verify(text):\n    return True\n"),
    ("generator", None, body("yield True")),
    ("await-outside", None, body("await verify(text)")),
    ("wrong-arity", None, "def verify():\n    return True\n"),
    ("extra-arity", None, "def verify(text, other):\n    return True\n"),
    ("verify-is-true", None, "verify = True\n"),
    ("no-verify", None, "def check(text):\n    return True\n"),
    ("external-name", None, one("host_function(text)")),
    ("swallow-name", True, body("try: return undefined", "except NameError: return True")),
    ("eval-true", True, one("eval('True')")),
]

SOURCES = [
    ("empty", None, ""),
    ("blank", None, " \n\t\n"),
    ("prose", None, "I would check that the text has three bullets."),
    ("null-byte", None, "def verify(text):\n    return True\0\n"),
    ("surrogate", None, "def verify(text):\n    return '\ud800' == text\n"),
    ("bidi", None, "def verify(text):\n    return \u202eTrue\n"),
    ("homoglyph", None, "def v\u0435rify(text):\n    return True\n"),
    ("fullwidth", None, "def verify(text):\n    return \uff34rue\uff0e__class__\n"),
    ("form-feed", True, "\x0cdef verify(text):\n    return True\n"),
    ("byte-order-mark", True, "\ufeffdef verify(text):\n    return True\n"),
    ("coding-cookie", True, "# -*- coding: utf-7 -*-\ndef verify(text):\n    return True\n"),
    ("huge", None, "# " + "x" * 10**6 + "\n" + one("True")),
    ("many-lines", None, "\n".join(f"x{i} = {i}" for i in range(1500)) + "\n" + one("undefined")),
    ("deep-parentheses", None, one("(" * 8000 + "1" + ")" * 8000)),
    ("deep-brackets", None, "x = " + "[" * 9000 + "]" * 9000),
    ("deep-unary", None, "x = " + "-" * 19_000 + "1"),
    ("deep-not", None, one("not " * 4500 + "text")),
    ("deep-attributes", None, one("text" + ".a" * 9000)),
    ("deep-calls", None, one("verify" + "()" * 9000)),
    ("deep-plus", None, one("1" + "+1" * 9000)),
    ("deep-lambda", None, one("lambda: " * 2000 + "1")),
    ("deep-if", None, "".join(" " * i + "if 1:\n" for i in range(150)) + " " * 150 + "pass\n"),
    ("deep-fstring", None, one("f'{" * 500 + "1" + "}'" * 500)),
    ("unterminated-string", None, "def verify(text):\n    return '''"),
    ("unterminated-bracket", None, "def verify(text):\n    return ("),
    ("trailing-backslash", None, "def verify(text):\n    return True\n\\"),
    ("comment-swallows", True, one("True") + "# verify = None \\"),
    ("string-swallows", None, one("True") + '"""'),
    ("giant-literal", None, "x = " + "9" * 19_000 + "\n" + one("True")),
    ("star-arguments", None, one("max(*" + "*" * 500 + "[1])")),
]
# fmt: on

ATTACKS = [
    Attack(f"{family}:{name}", says, source)
    for family, attacks in (
        ("files", FILES),
        ("surroundings", SURROUNDINGS),
        ("introspection", INTROSPECTION),
        ("memory", MEMORY),
        ("time", TIME),
        ("numbers", NUMBERS),
        ("output", OUTPUT),
        ("lies", LIES),
        ("sources", SOURCES),
    )
    for name, says, source in attacks
]
