"""The rules of docs/design.md that a machine can check: layers, edges, budgets, who prints, nothing swallowed."""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("pada_local", "tui")
FILE_LINES, FUNCTION_LINES = 400, 60
HEAVY = ("torch", "transformers", "unsloth", "llama_cpp", "textual", "sklearn", "scipy", "pandas", "datasets")


@cache
def parsed() -> tuple[tuple[str, str, ast.Module], ...]:
    """(path from the root, source, syntax tree) of every module."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return tuple((str(file.relative_to(ROOT)), text := file.read_text(encoding="utf-8"), ast.parse(text)) for file in files)


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path, _, tree in parsed():
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, kinds))


def may_print(path: str) -> bool:
    """The command line speaks to people; the worker's main and the reader of headers speak to their owner through stdout."""
    parts, children = Path(path).parts, (("worker", "main.py"), ("worker", "__main__.py"), ("runtime", "gguf_header.py"))
    return parts[1].startswith("cli") or parts[1:] in children


def test_imports_keep_the_layers(tmp_path):
    """Runs import-linter with the contracts of pyproject.toml."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=sys.argv[1]))"
    # Not measured: coverage would only slow the analysis down.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_CORE_"))}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["pada_local.session", "pada_local.cli"])
def test_front_ends_start_light(module):
    code = f"import {module}, sys; print(*sorted(set(sys.argv[1:]) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_files_are_short():
    long = {path: len(text.splitlines()) for path, text, _ in parsed() if len(text.splitlines()) > FILE_LINES}
    assert not long, f"more than {FILE_LINES} lines: {long}"


def test_functions_are_short():
    long = {
        f"{path}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        if node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    }
    assert not long, f"more than {FUNCTION_LINES} lines: {long}"


def test_only_the_command_line_prints():
    """print() and writes to sys.stdout; a child's protocol on stdout is the worker main's affair."""
    found = []
    for path, node in nodes(ast.Call):
        called = ast.unparse(node.func)
        if called in ("print", "sys.stdout.write", "sys.__stdout__.write") and not may_print(path):
            found.append(f"{path}:{node.lineno} {called}")
    assert not found, found


def test_nothing_is_swallowed():
    """No bare `except:`, and no broad one that only passes; a narrow type says what is let go."""
    broad, found = {"Exception", "BaseException"}, []
    for path, node in nodes(ast.ExceptHandler):
        silent = all(isinstance(line, ast.Pass) or ast.unparse(line) == "..." for line in node.body)
        names = {ast.unparse(name) for name in getattr(node.type, "elts", [node.type]) if name}
        if node.type is None or (silent and names & broad):
            found.append(f"{path}:{node.lineno}")
    for path, node in nodes(ast.Call):
        if ast.unparse(node.func).endswith("suppress") and {ast.unparse(name) for name in node.args} & broad:
            found.append(f"{path}:{node.lineno}")
    assert not found, found


def test_fakes_live_in_tests_only():
    fakes = [f"{path}:{node.lineno} {node.name}" for path, node in nodes(ast.ClassDef) if node.name.lower().startswith("fake")]
    assert not fakes, fakes


def test_every_module_says_what_it_is():
    silent = [path for path, text, tree in parsed() if text.strip() and not ast.get_docstring(tree)]
    assert not silent, silent


def test_every_test_file_has_a_name_of_its_own():
    """pytest imports them by their names alone, and one of two twins would be left out."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
