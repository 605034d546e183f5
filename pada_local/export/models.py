"""Exports of the tuned student: merged weights, GGUF files, an adapter alone as GGUF, a folder for Ollama.

Each is written by child processes into a draft, loaded again there and asked the validation prompts, before it gets its name.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from pada_local.data.chat import begins_with, conversation, end_token, prompt_and_answer
from pada_local.data.templates import JINJA
from pada_local.errors import StudentError, UsageError, WorkerLost
from pada_local.export import asking, ollama, parity
from pada_local.export.asking import Tell
from pada_local.export.card import write_card
from pada_local.export.folder import new_folder
from pada_local.export.parity import Prompts
from pada_local.export.subject import Subject
from pada_local.runtime.converters import find_converters
from pada_local.runtime.examine import examine_model
from pada_local.student.client import StudentClient
from pada_local.student.protocol import LoraToGguf, Merge, RenderChats, ToGguf
from pada_local.teacher.quantise import TYPES as QUANTISED
from pada_local.teacher.quantise import quantise

WHOLE_TYPES = ("f16", "bf16", "f32")
TYPES = (*WHOLE_TYPES, *QUANTISED)
DTYPES = ("auto", "float16", "bfloat16")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: `kind` merged, gguf, openai, lora or ollama; GGUF `types`; validation examples to answer at `most`."""

    kind: str
    types: tuple[str, ...] = ("f16",)
    dtype: str = "auto"
    most: int = 256


def check(wish: Wish) -> None:
    """Raises UsageError for a type that there is not."""
    wrong = [name for name in wish.types if name not in TYPES]
    if wrong or not wish.types:
        detail = f"Known types: {', '.join(TYPES)}."
        raise UsageError(f"There is no GGUF type '{', '.join(wrong)}'.", detail, "Name one with --type.")
    if wish.kind in ("ollama", "openai") and len(wish.types) != 1:
        raise UsageError(
            f"A folder for {wish.kind} holds one model.", f"{len(wish.types)} types were named.", "Name one with --type."
        )


def export_model(subject: Subject, to: Path, wish: Wish, tell: Tell, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Write, load again, compare; returns the parity report with `to`. A folder that differs is kept and says so."""
    check(wish)
    with new_folder(to) as draft, _private(draft) as private, StudentClient(private / "student", subject.threads,
                                                                            cancelled=cancelled) as client:  # fmt: skip
        work = _Work(subject, draft, private, wish, client, tell)
        files = {"merged": work.merged, "gguf": work.gguf, "lora": work.lora, "ollama": work.ollama, "openai": work.openai}[
            wish.kind
        ]()
        report = parity.whole_report(subject, files, work.reference_facts)
        text = parity.render(report)
        (draft / "parity.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (draft / "parity.txt").write_text(text + "\n", encoding="utf-8")
        # The card is what is shown around: it holds figures, and no example.
        write_card(subject, draft, parity.render(report, examples=False), work.how_to, alone=wish.kind == "lora")
    return report | {"to": str(to), "text": text}


@contextmanager
def _private(draft: Path) -> Iterator[Path]:
    """A folder for what is large and not kept, on the disk that the export goes to."""
    private = draft.with_name(draft.name + ".work")
    try:
        private.mkdir(mode=0o700)
        yield private
    finally:
        shutil.rmtree(private, ignore_errors=True)


class _Work:
    """One export under way."""

    def __init__(self, subject: Subject, draft: Path, private: Path, wish: Wish, client: StudentClient, tell: Tell) -> None:
        self.subject, self.draft, self.private, self.wish, self.client, self.tell = subject, draft, private, wish, client, tell
        self.prompts: Prompts = asking.prompts_of(subject, wish.most)
        self.reference_facts: dict[str, Any] = {}
        self.how_to = ""
        self._reference: list[str] = []

    def merged(self) -> list[dict[str, Any]]:
        self._merge(self.draft, self.wish.dtype)
        # The export's own folder is checked as the final one will be: nothing else lies in it yet.
        answers, form = asking.ask_folder(self.client, self.subject, self.draft, self.prompts, self.tell)
        self.how_to = (
            "A folder for Transformers, vLLM and whatever else reads safetensors. Nothing in it is code.\n\n"
            "    from transformers import AutoModelForCausalLM, AutoTokenizer\n"
            '    tokenizer, model = AutoTokenizer.from_pretrained("THIS FOLDER"), '
            'AutoModelForCausalLM.from_pretrained("THIS FOLDER")\n'
        )
        return [self._judge("model", answers, form, quantised=False)]

    def gguf(self) -> list[dict[str, Any]]:
        files = self._gguf_files()
        self.how_to = "    llama-server --model FILE.gguf --jinja\n\nor `pada serve THIS FOLDER`. The template is in the file."
        return [self._check(file, numbers in QUANTISED) for numbers, file in files.items()]

    def openai(self) -> list[dict[str, Any]]:
        files = self.gguf()
        self.how_to = (
            "    pada serve THIS FOLDER\n\nserves it on this machine alone, OpenAI-style, and prints address and key. "
            "Without PaDA Local:\n\n    llama-server --model FILE.gguf --jinja --host 127.0.0.1 --api-key-file KEYFILE"
        )
        return files

    def lora(self) -> list[dict[str, Any]]:
        """The adapter alone, checked on top of an f16 file of its base."""
        if self.subject.adapter is None:
            raise UsageError("A model folder has no adapter.", str(self.subject.base), "Give a project file.")
        base = self.private / "base-f16.gguf"
        bare = msgspec.structs.replace(self.subject, adapter=None)
        self._convert(self._merge(self.private / "base", "float32", bare), base, "f16")
        shutil.rmtree(self.private / "base")
        to = self.draft / f"{self.subject.name}-lora-f16.gguf"
        self.tell("writing the adapter", 0, 0)
        job = LoraToGguf(base=str(self.subject.base), adapter=str(self.subject.adapter), to=str(to), numbers="f16",
                         converters=str(find_converters()))  # fmt: skip
        self.client.export(job)
        command = f"    llama-server --model BASE-f16.gguf --lora {to.name} --jinja"
        self.how_to = f"{command}\n\nBASE is a GGUF file of `{self.subject.base.name}`, with the template of training."
        return [self._check(base, False, to)]

    def ollama(self) -> list[dict[str, Any]]:
        files = self._gguf_files()
        numbers, file = next(iter(files.items()))
        (self.draft / "Modelfile").write_text(ollama.modelfile(self.subject, file.name, self._stops()), encoding="utf-8")
        name = self.subject.name.lower()
        commands = f"    ollama create {name} -f Modelfile\n    ollama run {name}"
        self.how_to = f"{commands}\n\nThe Modelfile holds template, stop tokens and parameters."
        return [self._check(file, numbers in QUANTISED)]

    def _gguf_files(self) -> dict[str, Path]:
        """Every wanted type; the quantised ones are made from the f16 file, or from f32 where that is wanted anyway."""
        find_converters()
        merged = self._merge(self.private / "merged", "float32")
        files: dict[str, Path] = {}
        for numbers in self.wish.types:
            if numbers in WHOLE_TYPES:
                files[numbers] = self._convert(merged, self.draft / f"{self.subject.name}-{numbers}.gguf", numbers)
        wanted = [numbers for numbers in self.wish.types if numbers in QUANTISED]
        source = files.get("f32") or files.get("f16") or files.get("bf16")
        if wanted and source is None:
            source = self._convert(merged, self.private / "source-f16.gguf", "f16")
        shutil.rmtree(merged)
        for numbers in wanted:
            self.tell(f"quantising to {numbers}", 0, 0)
            files[numbers] = self.draft / f"{self.subject.name}-{numbers}.gguf"
            quantise(source, files[numbers], numbers, self.private / "quantise", self.subject.threads or os.cpu_count() or 1)
        return {numbers: files[numbers] for numbers in self.wish.types}

    def _merge(self, to: Path, dtype: str, subject: Subject | None = None) -> Path:
        self.tell("merging", 0, 0)
        subject = subject or self.subject
        trained = self.subject.trained
        job = Merge(
            base=str(subject.base), adapter=str(subject.adapter or ""), to=str(to), dtype=dtype,
            chat_template=self._template() if trained else "", end_token=end_token(subject.chat) if trained else "",
        )  # fmt: skip
        self.client.export(job)
        return to

    def _convert(self, folder: Path, to: Path, numbers: str) -> Path:
        self.tell(f"writing {numbers}", 0, 0)
        trained = self.subject.trained
        job = ToGguf(
            folder=str(folder), to=str(to), numbers=numbers, name=self.subject.name, converters=str(find_converters()),
            end_token=end_token(self.subject.chat) if trained else "", licence=examine_model(self.subject.base).licence,
            add_bos=bool(begins_with(self.subject.chat)) if trained else None,
        )  # fmt: skip
        self.client.export(job)
        return to

    def _template(self) -> str:
        """The base's own template where it writes what the student was trained on, else the family's."""
        chat, texts = self.subject.chat, ("one", "another text\nof two lines")
        system = self.subject.system
        conversations = [conversation(chat, system, text) for text in texts]
        wanted = [prompt_and_answer(chat, system, text, "")[0] for text in texts]
        try:
            rendered = self.client.render_chats(RenderChats(base=str(self.subject.base), conversations=conversations))
        except WorkerLost:
            raise
        except StudentError:  # some refuse what the student was trained with, such as a system text
            return JINJA[chat]
        return rendered.own if rendered.texts == wanted else JINJA[chat]

    def _stops(self) -> Sequence[str]:
        tokenizer = json.loads((self.subject.base / "tokenizer_config.json").read_text(encoding="utf-8"))
        eos = tokenizer.get("eos_token") or ""
        ends = (end_token(self.subject.chat), eos if isinstance(eos, str) else eos["content"])
        return [one for one in dict.fromkeys(ends) if one]

    def _check(self, file: Path, quantised: bool, lora: Path | None = None) -> dict[str, Any]:
        self._answer()
        answers, form = asking.ask_file(self.client, self.subject, file, self.prompts, self.private / "server", self.tell, lora)
        return self._judge((lora or file).name, answers, form, quantised)

    def _judge(self, name: str, answers: Sequence[str], form: parity.Form, quantised: bool) -> dict[str, Any]:
        self._answer()
        return parity.judge(self.subject, name, self.prompts, self._reference, answers, form, quantised)

    def _answer(self) -> None:
        """The reference, once."""
        if not self._reference:
            subject, texts = self.subject, self.prompts.texts
            self._reference = asking.ask_worker(self.client, subject, subject.base, subject.adapter, texts, self.tell)
            known = self.client.generate_facts()
            self.reference_facts = {name: known[name] for name in ("base_precision", "dtype", "device") if name in known}
