"""Seeds for the teacher's calls and for draws: functions of what they are for, so that a resumed run asks the same things."""

import random

from pada_local.records import content_id


def call_seed(*parts: object) -> int:
    """A seed below 2**31 from the run's seed and the place of the call."""
    return int(content_id("seed", *parts)[:8], 16) & 0x7FFFFFFF


def rng(*parts: object) -> random.Random:
    """A generator for one place in the run."""
    return random.Random(call_seed(*parts))
