"""Unsloth reads an exported data set and trains on it, by the program that the page about it shows."""

from pathlib import Path

from tests.export.exported import export_dataset, shown
from tests.export.reading import assert_as_trained, read


def test_unsloth_learns_the_answers_alone(tmp_path: Path) -> None:
    folder = export_dataset(tmp_path, "notes", "notes-data")
    program = shown("Unsloth").replace('output_dir="out"', 'output_dir="out", max_steps=2, per_device_train_batch_size=2')
    for role in ("user", "assistant"):  # the demo's student speaks ChatML
        program = program.replace(f"<|start_header_id|>{role}<|end_header_id|>\\n\\n", f"<|im_start|>{role}\\n")
    assert "<|start_header_id|>" not in program and "trainer.train()" in program
    found = read(program + "\ntell(trainer.train_dataset, tokenizer)", tmp_path, UNSLOTH_DISABLE_STATISTICS="1",
                 UNSLOTH_COMPILE_LOCATION=str(tmp_path / "compiled"))  # fmt: skip
    assert_as_trained(found, folder)
