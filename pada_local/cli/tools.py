"""recipes, models, doctor, and the terminal app."""

import argparse
import contextlib
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pada_local.cli import talk
from pada_local.errors import ExitCode, MissingError, UsageError
from pada_local.recipe import to_toml
from pada_local.runtime import allowed, catalog, keys, places, recipes, registered
from pada_local.runtime import doctor as examination
from pada_local.runtime.recipes import find_recipe
from pada_local.session import Session, memory_plan


def list_recipes(options: argparse.Namespace) -> int:
    """Every recipe that can be named; one that is broken is listed with its trouble."""
    rows = [
        {"name": one.name, "about": one.about or one.problem, "path": str(one.path), "own": one.own, "problem": one.problem}
        for one in recipes.known()
    ]
    if options.json:
        talk.facts(rows)
    elif rows:
        talk.data(talk.table([[row["name"], row["about"]] for row in rows], ["recipe", "what it does"]))
    else:
        raise MissingError(
            "There are no recipes.", f"Looked in {places.recipes_folder()}.", "Install the project again: make install"
        )
    return ExitCode.DONE


def show_recipe(options: argparse.Namespace) -> int:
    """Every field with its value and its meaning; the output is a recipe file again."""
    recipe = find_recipe(options.recipe)
    if options.json:
        talk.facts(msgspec.to_builtins(recipe) | {"id": recipe.id})
        return ExitCode.DONE
    talk.data(to_toml(recipe).rstrip("\n"))
    return ExitCode.DONE


def check_recipe(options: argparse.Namespace) -> int:
    """Whether a recipe can be used; find_recipe raises with every rule that it breaks."""
    recipe = find_recipe(options.recipe)
    if options.json:
        talk.facts({"name": recipe.name, "id": recipe.id, "problems": []})
    else:
        talk.data(f"The recipe {recipe.name} is sound.")
    return ExitCode.DONE


def list_models(options: argparse.Namespace) -> int:
    """Models that can be named. What has changed since it was hashed is hashed, so `sound` means sound."""
    rows = [
        {"name": one.model.name, "role": one.model.role, "path": str(one.path), "about": one.model.about, "own": one.own}
        | {"sound": not one.problems, "problems": one.problems}
        for one in registered.installed()
    ]
    if options.json:
        talk.facts(rows)
        return ExitCode.DONE
    if not rows:
        raise MissingError("No model can be named.", f"{Path(places.models_folder())} has no catalog.", catalog.REBUILD)
    state = [[row["name"], row["role"], "sound" if row["sound"] else "; ".join(row["problems"]), row["path"]] for row in rows]
    talk.data(talk.table(state, ["model", "role", "state", "path"]))
    return ExitCode.DONE


@contextlib.contextmanager
def _hashing() -> Iterator[registered.Tell]:
    """A bar on a terminal while gigabytes are hashed."""
    bar = talk.Bar()
    try:
        yield lambda done, total: bar.show("hashing", total // 2**20, done / max(1, total), "MiB")
    finally:
        bar.end()


def add_model(options: argparse.Namespace) -> int:
    """Register a model of the user's: looked at in a child process, hashed, and told whether it fits."""
    with _hashing() as tell:
        model, facts = registered.add(options.path, options.name, tell)
    if options.json:
        talk.facts({"name": model.name, "sha256": model.sha256} | msgspec.to_builtins(facts))
        return ExitCode.DONE
    talk.data("\n".join(registered.described(model, facts)))
    talk.say(f"Use it with --{facts.role} {model.name}")
    return ExitCode.DONE


def remove_model(options: argparse.Namespace) -> int:
    """Forget a registered model; its files stay."""
    model = registered.remove(options.name)
    if options.json:
        talk.facts({"name": model.name, "path": model.path})
    else:
        talk.say(f"{model.name} is forgotten; its files stay in {model.path}.")
    return ExitCode.DONE


def allow_template(options: argparse.Namespace) -> int:
    """Show the chat template that a teacher's file brings, with its hash; with that hash, let the server run it."""
    name = options.name
    if options.hash:
        allowed.allow_template(name, options.hash)
    found = allowed.template_of(name)
    if options.json:
        talk.facts({"name": name, "template": found._asdict() if found else None})
    elif found is None:
        talk.say(f"The chat template of {name} is of a known family; PaDA Local writes such prompts itself. Nothing to allow.")
    elif found.allowed:
        talk.say(f"The chat template of {name} may be run, as long as it stays as it is (SHA-256 {found.sha256}).")
    else:
        talk.data(found.text)
        talk.say(
            "This is a program that came with the model. llama-server would run it in its sandbox, on every prompt.\n"
            f"Allow it: pada models allow {name} --hash {found.sha256}"
        )
    return ExitCode.DONE


def verify_models(options: argparse.Namespace) -> int:
    """Hash every file of one model or of all; 3 when one is not as it was recorded."""
    with _hashing() as tell:
        found = registered.verify(options.name, tell)
    if options.json:
        talk.facts(found)
    else:
        talk.data(talk.table([[name, "; ".join(wrong) or "every file is as it was recorded"] for name, wrong in found.items()],
                             ["model", "files"]))  # fmt: skip
    return ExitCode.MISSING if any(found.values()) else ExitCode.DONE


def doctor(options: argparse.Namespace) -> int:
    """Look at the machine; 3 when something is missing that a run needs."""
    if bool(options.student) != bool(options.teacher):
        raise UsageError("A memory plan needs a student and a teacher.", "One of them is named.", "Name both, or none.")
    findings = examination.examine()
    if options.student:
        plan = memory_plan(options.student, options.teacher, find_recipe(options.recipe))
        findings += [examination.Finding(f"memory for {name}", "ok" if fits else "note", words) for name, fits, words in plan]
    if options.json:
        talk.facts([msgspec.to_builtins(finding) for finding in findings])
    else:
        for finding in findings:
            mark = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}[finding.state]
            talk.data(f"{mark}  {finding.name}: {finding.found}" + (f"\n         -> {finding.fix}" if finding.fix else ""))
    return ExitCode.MISSING if any(finding.state == "missing" for finding in findings) else ExitCode.DONE


def open_tui(options: argparse.Namespace) -> int:
    """The terminal app; without a terminal, a sentence."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fix = f"Use 'pada status {options.file}'." if options.file else "Start with 'pada demo --quick', or see 'pada --help'."
        raise MissingError("The terminal app needs a terminal.", "", fix)
    if options.file and keys.file_is_encrypted(options.file):
        Session.start_host(options.file).close()  # a passphrase is asked for here, before the screen is the app's
    keys.ring.ask = None
    from tui.door import Door

    door = Door(options.file) if options.file else None
    if door is not None:
        door.knock()  # the host starts while the app is loaded
    gc.disable()  # loading makes objects that stay: no garbage is found among them. The app turns it on with its first picture
    from tui.app import show

    return show(options.file, door)


def replay(options: argparse.Namespace) -> int:
    """A stored run through the app's screens. Asked first, so that a wrong run is a sentence and no empty screen."""
    from tui.replay import FASTEST, SLOWEST

    if not SLOWEST <= options.speed <= FASTEST:
        raise UsageError(f"--speed must be from {SLOWEST} to {FASTEST:g}.", "1 is the run's own speed.")
    with Session.start_host(options.file) as session:  # kept while the app is open, so that its host does not come and go
        run = session.ask("stored_events", run=options.run)["run_id"]
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise MissingError("A replay needs a terminal.", "", f"Use 'pada report {options.file}'.")
        from tui.replay_app import show_replay

        return show_replay(options.file, run, options.speed)
