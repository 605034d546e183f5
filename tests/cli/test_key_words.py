"""Every command that takes a project file takes its key, in the same words."""

import argparse

from pada_local.cli.parser import make_parser

KEYS = {"--key-file", "--keyring"}


def commands(parser: argparse.ArgumentParser, name: str = "pada"):
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, command in action.choices.items():
                yield from commands(command, f"{name} {word}")


def test_who_takes_a_file_takes_its_key_and_nobody_else_does():
    checked = 0
    for name, command in commands(make_parser()):
        takes_file = any(action.dest in ("file", "files") and not action.option_strings for action in command._actions)
        words = {word for action in command._actions for word in action.option_strings}
        assert (words & KEYS) == (KEYS if takes_file else set()), name
        checked += takes_file
    assert checked > 20
