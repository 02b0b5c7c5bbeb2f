"""Tests the dead man's switch of the Python guard by dead-man-cases.json, and prints {sentence: failure or null}."""

import http.server
import json
import logging
import os
import pathlib
import socketserver
import sys
import tempfile
import threading
import traceback

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

TABLE = json.loads((HERE / "dead-man-cases.json").read_text("utf-8"))
START = 1_700_000_000
RUNPOD = {"RUNPOD_POD_ID": "pod1", "RUNPOD_API_KEY": "pod-scoped"}


class Lines(logging.Handler):
    """Keeps the lines of the guard's log."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


class Provider:
    """The API of a provider over HTTP, which answers each call with the next status: zero ends the connection."""

    def __init__(self, server_class, address, answers, note):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_DELETE(self):
                note(self)
                status = answers.pop(0) if answers else 204
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Location", self.path + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def address_string(self):
                return "test"

            def log_message(self, *_):
                pass

        self.server = server_class(address, Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self.server

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def iso(seconds):
    return "%s.000Z" % atlas_guard.datetime.datetime.fromtimestamp(START + seconds, atlas_guard.datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


class Timeline:
    """A guard whose clocks, control plane and provider belong to the test; no thread of the guard runs."""

    def __init__(self, case):
        self.time, self.case, self.ended = 0.0, case, []
        env = dict(RUNPOD)
        if "deadline" in case:
            env["ATLAS_DEADLINE"] = iso(case["deadline"])
        if "plane" in case:
            env.update({"ATLAS_CONTROL_URL": "https://app.example", "ATLAS_POD_TOKEN": "t", "ATLAS_COMPUTE_ID": "c1"})
        wanted = case.get("deadMan", True)
        if isinstance(wanted, dict):
            wanted = {"unreachable_seconds": wanted["unreachableSeconds"]}
        self.guard = atlas_guard.Guard(preshared_key="key", env=env, fetch=self.fetch, now=lambda: START + self.time,
                                       monotonic=lambda: self.time, dead_man=wanted)

    def fetch(self, _url, _token, _body):
        answer, deadline = next((one[1], one[2:]) for one in reversed(self.case["plane"]) if one[0] <= self.time)
        status, body = TABLE["answers"][answer]["status"], TABLE["answers"][answer]["body"]
        if status == 0:
            raise OSError("no connection")
        if isinstance(body, dict):
            body = {**body, "deadline": iso(deadline[0]) if deadline else None, "now": iso(self.time)}
        return status, body if isinstance(body, str) else json.dumps(body)

    def run(self):
        """Let time pass, with every question and every look that is due."""
        switch, control, end = self.guard._dead_man, self.guard._control, self.case["for"]
        look = 0.0 if switch._is_on else float("inf")
        while self.time < end:
            ask = self.time + (control.step() if control else end)
            if look <= self.time:
                wait = switch.step()
                look = float("inf") if wait is None else self.time + wait
            self.time = min(max(self.time, min(ask, look)), end)

    def note(self, handler):
        assert (handler.path, handler.headers["Authorization"]) == ("/v2/pods/pod1", "Bearer pod-scoped"), handler.path
        self.ended.append(self.time)


def check_timeline(case):
    lines, timeline = Lines(), Timeline(case)
    log = logging.getLogger("atlas_guard")
    log.addHandler(lines)
    try:
        with Provider(http.server.ThreadingHTTPServer, ("127.0.0.1", 0), list(case.get("provider", [])), timeline.note) as server:
            atlas_guard._RUNPOD_API = "http://127.0.0.1:%d/v2" % server.server_port
            timeline.run()
    finally:
        log.removeHandler(lines)
    assert len(timeline.ended) == len(case["ends"]), timeline.ended
    for time, (earliest, latest) in zip(timeline.ended, case["ends"]):
        assert earliest <= time <= latest, timeline.ended
    assert set(case.get("lines", [])) <= set(lines.lines), lines.lines


class SocketServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def check_means(case):
    calls = []
    kill, timer = os.kill, threading.Timer
    if not case["answers"]:
        threading.Timer = Ignored
    os.kill = lambda group, sent: calls.append("end the processes" if (group, sent) == (0, atlas_guard.signal.SIGTERM) else "kill")

    def note(handler):
        calls.append("%s %s %s" % (handler.command, handler.path, handler.headers["Authorization"] or handler.headers["Host"]))

    try:
        with tempfile.TemporaryDirectory() as directory:
            path, answers = os.path.join(directory, "api"), list(case["answers"])
            with Provider(http.server.ThreadingHTTPServer, ("127.0.0.1", 0), answers, note) as server, \
                    Provider(SocketServer, path, answers, note):
                atlas_guard._RUNPOD_API = "http://127.0.0.1:%d/v2" % server.server_port
                atlas_guard._FLY_SOCKET = path
                failure = atlas_guard._end_once(case["env"])
    finally:
        os.kill, threading.Timer = kill, timer
    assert (calls, failure) == (case["calls"], case["failure"]), (calls, failure)


def check_lost_provider(_case):
    atlas_guard._FLY_SOCKET = "/nowhere/api"
    assert atlas_guard._end_once({"FLY_APP_NAME": "a", "FLY_MACHINE_ID": "m"}) == "fly: FileNotFoundError"


def check_option(case):
    wanted, deadline = case
    try:
        atlas_guard.Guard(preshared_key="key", env={}, dead_man=wanted, deadline=deadline)
    except ValueError:
        return
    raise AssertionError("accepted")


class Ignored:
    """A timer that never ends, in place of the one that kills."""

    def __init__(self, *_):
        self.daemon = False

    def start(self):
        pass


def stranger(name):
    return {"plane": [[0, name]], "for": 3600, "ends": [[1800, 1830]]}


def failure_of(check, case):
    try:
        check(case)
        return None
    except Exception:
        return traceback.format_exc()


def main():
    logging.getLogger("atlas_guard").addHandler(logging.NullHandler())
    found = {one["name"]: failure_of(check_timeline, one) for one in TABLE["timelines"]}
    for name in TABLE["strangers"]:
        found["takes %s for no contact" % name] = failure_of(check_timeline, stranger(name))
    for one in TABLE["means"]:
        found["ends a pod " + one["name"]] = failure_of(check_means, one)
    found["names the kind of an error of the provider"] = failure_of(check_lost_provider, None)
    options = [(1, None), (None, None), ({"unreachable_seconds": 59}, None), ({"unreachable_seconds": True}, None), ({"seconds": 60}, None),
               (False, "soon"), (True, "2023-02-30T00:00:00Z"), (True, 5)]
    for one in options:
        found["refuses the options %r" % (one,)] = failure_of(check_option, one)
    print(json.dumps(found))


main()
