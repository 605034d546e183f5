"""What the documents show is true: the tree, the links, the commands and the queries."""

import re
import shlex
from pathlib import Path

import pytest

from pada_local.cli.parser import make_parser
from pada_local.store.project import Project

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "models" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LEFT_OUT = {"build", "dist", "demo-run", "__pycache__", "__init__.py"}
COMMAND = re.compile(r"(?:^    |`)(pada (?:[^`\n\\]|\\\n)*)", re.MULTILINE)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def named_in_tree() -> dict[str, str]:
    """Path to description, from the README's tree; two spaces are one level down."""
    [tree] = re.findall(r"## The tree\n+```\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    found, above = {}, ""
    for line in tree.splitlines():
        name, about = line.split(maxsplit=1)
        above = above if line.startswith("  ") else name
        found[above + name if line.startswith("  ") else name] = about
    return found


def really_there(folder: Path, above: str = "") -> set[str]:
    children = (path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in LEFT_OUT)
    kept = (path for path in children if path.suffix not in (".egg-info", ".duckdb", ".wal"))
    return {f"{above}{path.name}{'/' if path.is_dir() else ''}" for path in kept}


def test_the_tree_is_the_real_one():
    real = really_there(ROOT) | really_there(ROOT / "pada_local", "pada_local/")
    assert set(named_in_tree()) == real


@pages
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


@pages
def test_files_that_are_named_exist(page):
    """In backquotes: what looks like a path from the root of this project."""
    text = page.read_text(encoding="utf-8")
    rooms = "|".join(name.rstrip("/") for name in sorted(really_there(ROOT)) if name.endswith("/"))
    for name in re.findall(rf"`((?:{rooms})/[\w./*-]+)`", text):
        assert list(ROOT.glob(name.rstrip("/"))), name


def words_of(line: str) -> list[str]:
    """The command's own words: `pada recipes list|show|check` is `recipes`, `pada run FILE` is `run`."""
    words = line.split()[1:]
    named = [words[0]] if words and re.fullmatch(r"[a-z]+(-[a-z]+)*", words[0]) else []
    return named + [word for word in words[1:2] if named and named[0] in ("recipes", "models") and word.isalpha()]


def all_commands() -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for page in PAGES:
        for line in COMMAND.findall(page.read_text(encoding="utf-8")):
            found.setdefault(tuple(words_of(line)), []).append(line)
    return found


@pytest.mark.parametrize("words", sorted(all_commands()), ids=" ".join)
def test_every_command_that_is_named_has_a_help_with_its_options(words, capsys):
    with pytest.raises(SystemExit) as left:
        make_parser().parse_args([*words, "--help"])
    assert left.value.code == 0
    help = capsys.readouterr().out
    for line in all_commands()[words]:
        options = re.findall(r"(?<!\S)\[?(--[a-z]+)", line.split("#")[0])
        assert all(option in help for option in options), (line, options)


def test_whole_command_lines_are_understood():
    """Indented lines are meant to be copied: every word of them has to be right."""
    indented = re.compile(r"^    (pada (?:[^\n\\]|\\\n)*)$", re.MULTILINE)
    lines = [line for page in PAGES for line in indented.findall(page.read_text(encoding="utf-8"))]
    assert len(lines) >= 8
    for line in lines:
        make_parser().parse_args(shlex.split(line.replace("\\\n", " "), comments=True)[1:])


def test_every_query_runs(tmp_path):
    queries = [
        query
        for page in PAGES
        for block in re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for query in block.split(";")
        if query.strip()
    ]
    assert len(queries) >= 7
    with Project.create(tmp_path / "empty.duckdb", {}, []) as project:
        for query in queries:
            assert project.sql(query) == []
