"""Ways of writing samples without strategies: published baselines and an ablation, by `loop.augment`."""

from pada_local.methods import auggpt, llm2llm, raw_failures
from pada_local.methods.writing import Writer

WRITERS: dict[str, Writer] = {"rephrase": auggpt, "errors": llm2llm, "failures": raw_failures}
