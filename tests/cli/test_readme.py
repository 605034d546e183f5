"""What the README shows works: its queries run on a project, and its commands are the parser's."""

import re
import shlex

from pada_local.cli.parser import make_parser
from tests.cli.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_queries_run_on_a_filled_project(filled):
    [block] = re.findall(r"```sql\n(.*?)```", README, re.S)
    queries = [query for query in block.split(";") if query.strip()]
    assert len(queries) == 3
    for query in queries:
        filled.sql(query)
    assert filled.sql(queries[0]) and filled.sql(queries[1])


def test_the_commands_are_understood():
    lines = re.findall(r"^    (pada .*?)(?<!\\)$", README, re.S | re.M)
    assert len(lines) >= 5
    for line in lines:
        make_parser().parse_args(shlex.split(line.replace("\\\n", " "), comments=True)[1:])
