"""Record the hashes of the demo's models in models/catalog.toml: `python models/training/hashes.py`."""

from pathlib import Path

from pada_local.runtime.catalog import record_hashes

if __name__ == "__main__":
    print("\n".join(record_hashes(Path(__file__).resolve().parent.parent)))
