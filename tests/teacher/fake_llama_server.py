"""Stands in for llama-server in tests: same flags, UNIX socket and HTTP; its "model" file says how it behaves.

The model file holds a list of behaviours, one for each start (the last one for all later starts). Beside it, `.starts`
gets a line for every start and `.asked` one for every question.
"""

import json
import os
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path


def flag(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads, request_queue_size = True, 64
    behaviour: dict = {}
    answered = 0
    lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "unix"

    def do_GET(self):
        ready = self.server.behaviour["kind"] != "unready"
        self.whole(200 if ready else 503, {"status": "ok"})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != "Bearer " + Path(flag("--api-key-file")).read_text().strip():
            return self.whole(401, {"error": {"message": "Invalid API Key", "code": 401}})
        if self.path.startswith("/slots/"):
            return self.slot(request["filename"])
        prompt = request["messages"][0]["content"]
        with self.server.lock, open(flag("--model") + ".asked", "a") as file:
            file.write(json.dumps(prompt) + "\n")
        getattr(self, "kind_" + self.server.behaviour["kind"])(prompt)

    def slot(self, name):
        """Saves and restores the state of a slot, as far as a client can tell; `saves` false refuses."""
        slot, _, action = self.path.removeprefix("/slots/").partition("?action=")
        file = Path(flag("--slot-save-path")) / name
        with self.server.lock, open(flag("--model") + ".slots", "a") as log:
            log.write(f"{action} {slot} {name}\n")
        fine = self.server.behaviour.get("saves", True) and (action == "save" or file.exists())
        if action == "save" and fine:
            file.write_bytes(b"state")
        self.whole(200 if fine else 501, {"id_slot": int(slot)})

    def whole(self, status, content):
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def chunk(self, data: bytes):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, content=None, finish=None, **more):
        choice = {"index": 0, "delta": {"content": content} if content is not None else {}, "finish_reason": finish}
        self.chunk(b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n")

    def head(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event()

    def stream(self, text, pause=0.0, finish="stop"):
        self.head()
        for character in text:
            self.event(character)
            time.sleep(pause)
        self.event(finish=finish)
        self.chunk(b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\ndata: [DONE]\n\n')
        self.chunk(b"")

    def kind_answer(self, prompt):
        self.stream(json.dumps({"answer": prompt}))

    def kind_die(self, prompt):
        """Answers some questions and dies in the middle of the next one."""
        with self.server.lock:
            self.server.answered += 1
            dies = self.server.answered > self.server.behaviour["after"]
        if dies:
            self.head()
            self.event('{"ans')
            os._exit(9)
        self.kind_answer(prompt)

    def kind_stall(self, prompt):
        self.head()
        self.event("{")
        threading.Event().wait()

    def kind_mute(self, prompt):
        threading.Event().wait()

    def kind_think(self, prompt):
        self.stream(f"<think>about {prompt}</think>\n\nyes", finish="length")

    def kind_drip(self, prompt):
        self.stream(json.dumps({"answer": prompt}), pause=0.01)

    def kind_status(self, prompt):
        self.whole(self.server.behaviour["status"], {"error": {"message": "no", "code": self.server.behaviour["status"]}})

    def kind_error_event(self, prompt):
        self.head()
        self.chunk(b'data: {"error":{"code":500,"message":"decode failed"}}\n\n')
        self.chunk(b"")

    def kind_raw(self, prompt):
        """Sends the given bytes in place of an event and ends."""
        self.head()
        self.chunk(self.server.behaviour["bytes"].encode())
        self.chunk(b"")

    def kind_not_http(self, prompt):
        self.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        self.close_connection = True

    def kind_free(self, prompt):
        self.stream("Sure! Here is what I think.")

    def kind_endless(self, prompt):
        self.head()
        while True:
            self.event("x")

    def kind_small(self, prompt):
        """Refuses prompts longer than the context, as llama-server does, with a token per byte."""
        context = int(flag("--ctx-size")) // int(flag("--parallel"))
        if len(prompt) > min(context, self.server.behaviour.get("trained", 10**9)):
            error = {"code": 400, "message": "request exceeds the context size", "n_prompt_tokens": len(prompt)}
            return self.whole(400, {"error": error})
        self.stream('{"answer": "fits"}')


def main():
    if "--help" in sys.argv:
        return print("--slot-save-path PATH")
    model = Path(flag("--model"))
    starts = Path(f"{model}.starts")
    number = len(starts.read_text().splitlines()) if starts.exists() else 0
    behaviours = json.loads(model.read_text())
    with starts.open("a") as file:
        file.write(f"{os.getpid()}\n")
    behaviour = behaviours[min(number, len(behaviours) - 1)]
    if behaviour["kind"] == "exit":
        sys.exit("error: this file is no model")
    with Server(flag("--host"), Handler) as server:
        server.behaviour = behaviour
        server.serve_forever()


main()
