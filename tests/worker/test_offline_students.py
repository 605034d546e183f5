"""The complaint of other tools' users: offline, and still it calls the hub. A student is a folder, and nothing is looked up."""

import socket
import threading
from pathlib import Path

from pada_local.student.client import StudentClient
from tests.worker.tiny import generate_job, prompt, train_job


def test_offline_that_calls_the_hub_cannot_happen(student: Path, tmp_path: Path, monkeypatch) -> None:
    """Whatever the environment says about hubs and proxies: a listener in their place hears nothing."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.settimeout(0.2)
    heard, over = [], threading.Event()

    def listen() -> None:
        while not over.is_set():
            try:
                heard.append(listener.accept())
            except TimeoutError:
                continue

    ears = threading.Thread(target=listen)
    ears.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in ("HF_ENDPOINT", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    try:
        with StudentClient(tmp_path / "private", threads=1) as client:
            client.train(train_job(student, tmp_path / "adapter", steps=2), lambda step: None)
            answers = list(client.generate(generate_job(student, tmp_path / "adapter", [prompt(1)])))
    finally:
        over.set()
        ears.join()
        listener.close()
    assert answers and heard == []
