"""A chat template of no known family is shown before it is run, and runs only as it was shown."""

import json

import pytest

from pada_local.crew import source_of
from pada_local.errors import MissingError, UsageError
from pada_local.runtime import allowed, registered
from pada_local.runtime.places import models_folder
from pada_local.runtime.recipes import find_recipe
from pada_local.teacher.protocol import Ask
from tests.cli.conftest import pada
from tests.gguf_help import with_template

TEACHER = models_folder() / "demo-teacher" / "demo-teacher-f16.gguf"
OWN = "{% for message in messages %}<<{{ message.role }}>> " + "{{ message.content }} " * 40 + "\n{% endfor %}<<assistant>> "
HOSTILE = "{{ ''.__class__.__mro__ }}{% for message in messages %}\x1b[2J{{ message.content }}{% endfor %}"


def opened(file):
    return source_of(str(file), find_recipe("demo-pada"), file.parent / "teacher", lambda _: None)


def test_a_known_family_needs_no_leave(tmp_path):
    opened(with_template(TEACHER, tmp_path / "known.gguf", "<|im_start|>{{ messages }}"))
    registered.add(tmp_path / "known.gguf")
    assert allowed.template_of("known") is None


@pytest.mark.parametrize("add", [False, True])
def test_a_template_that_nobody_allowed_is_not_run_and_the_sentence_says_what_to_do(tmp_path, add):
    file = with_template(TEACHER, tmp_path / "own.gguf", OWN)
    if add:
        registered.add(file)
    with pytest.raises(MissingError) as refused:
        opened(file)
    assert str(file) in refused.value.detail and "pada models allow" in refused.value.fix
    assert ("pada models add" in refused.value.fix) is not add


def test_an_allowed_template_is_what_the_server_runs(tmp_path):
    file = with_template(TEACHER, tmp_path / "own.gguf", OWN)
    registered.add(file)
    registered.add(TEACHER, "another")
    shown = allowed.template_of("own")
    assert shown.text.strip() == OWN.strip() and not shown.allowed
    allowed.allow_template("own", shown.sha256)
    assert allowed.template_of("own").allowed and registered.own("another").template == ""
    backend, replies = opened(file).open(), []
    try:
        question = Ask(purpose="probe", prompt="Say something.", schema=None, max_tokens=4)
        backend.ask_all([question], lambda _, reply: replies.append(reply), lambda: False)
    finally:
        backend.close()
    assert replies[0].state in ("ok", "cut") and replies[0].prompt_tokens > 40, replies


def test_another_template_in_the_same_place_needs_leave_again(tmp_path):
    file = with_template(TEACHER, tmp_path / "own.gguf", OWN)
    registered.add(file)
    before = allowed.template_of("own")
    allowed.allow_template("own", before.sha256)
    with_template(TEACHER, file, HOSTILE)
    with pytest.raises(MissingError, match="has not been allowed"):
        opened(file)
    with pytest.raises(UsageError, match="not the hash"):
        allowed.allow_template("own", before.sha256)


def test_the_command_shows_the_text_and_takes_only_its_hash(tmp_path, user_dirs):
    registered.add(with_template(TEACHER, tmp_path / "own.gguf", HOSTILE))
    shown = pada("models", "allow", "own")
    assert shown.returncode == 0 and "__mro__" in shown.stdout and "\x1b" not in shown.stdout
    wrong = pada("models", "allow", "own", "--hash", "0" * 64)
    assert wrong.returncode == 2 and "not the hash" in wrong.stderr
    digest = json.loads(pada("models", "allow", "own", "--json").stdout)["template"]["sha256"]
    assert digest in shown.stderr
    done = pada("models", "allow", "own", "--hash", digest)
    assert done.returncode == 0 and digest in done.stderr
    assert registered.own("own").template == digest


@pytest.mark.parametrize("name", ["demo-teacher", "nobody", "learner"])
def test_models_that_cannot_need_leave_are_told_so(name):
    registered.add(models_folder() / "demo-student", "learner")
    with pytest.raises(UsageError):
        allowed.template_of(name)
