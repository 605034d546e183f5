"""import-adapter."""

import argparse
from typing import Any

from pada_local.cli import talk
from pada_local.errors import ExitCode


def import_adapter(options: argparse.Namespace) -> int:
    """Take a LoRA as a run and tell what it scored."""
    from pada_local.intake.adapter import import_adapter as bring

    bar = talk.Bar()
    try:
        done = bring(options.file, options.folder, options.name, bar.show, lambda: False)
    finally:
        bar.end()
    if options.json:
        talk.facts(done)
        return ExitCode.DONE
    talk.data(f"run {done['run']} ({done['recipe']}): {done['layers']} layers of rank {done['rank']}")
    for split in ("validation", "test"):
        talk.data(f"{split}: {_told(done['metric'], done[split])}")
    talk.say(f"Compare it: pada compare {options.file} RUN {done['run'][:8]}")
    return ExitCode.DONE


def _told(metric: str, found: dict[str, Any] | None) -> str:
    if found is None:
        return "nothing could be scored"
    return f"{metric} {found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}], n={found['n']}"
