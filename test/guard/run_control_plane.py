"""Tests what the Python guard learns from its control plane, on a clock of their own, and prints {sentence: failure or null}."""

import asyncio
import gzip
import http.server
import json
import logging
import os
import pathlib
import subprocess
import sys
import threading
import unittest

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

logging.disable(logging.CRITICAL)
FIRST, NEXT, STRANGE = "a" * 43, "b" * 43, "c" * 43
REJECTED = {"code": "UNAUTHORIZED", "details": {"credential": "pod"}}
BUSY = {"type": "about:blank", "title": "Too many requests", "status": 429, "code": "RATE_LIMIT", "retryable": True}


def answer(*tokens, **changes):
    whole = {
        "computeId": "c1",
        "revision": 1,
        "hashes": [{"hash": atlas_guard.hash_token(one), "expiresAt": None} for one in tokens],
        "generation": 0,
        "deadline": None,
        "now": "2023-11-14T22:13:20.000Z",
    }
    return 200, {**whole, **changes}


class Pod:
    """A guard whose clock and control plane belong to the test; no thread runs."""

    def __init__(self, *answers, **options):
        self.time, self.sent, self.answers = 0.0, [], list(answers)
        self.guard = atlas_guard.Guard(
            preshared_key=FIRST,
            signing_secret="test-secret",
            compute_id="c1",
            control_url="https://app.example/atlas/",
            pod_token="pod-token",
            public_paths=["/healthz"],
            fetch=self.fetch,
            now=lambda: 1_700_000_000 + self.time,
            monotonic=lambda: self.time,
            env={},
            **options,
        )
        self.control = self.guard._control
        self.control.start = self.guard._report.start = lambda: None

    def fetch(self, url, token, body):
        self.sent.append((self.time, url, token, body["signs"]))
        given = self.answers.pop(0) if self.answers else OSError("no connection")
        if isinstance(given, Exception):
            raise given
        status, content = given
        return status, content if isinstance(content, (str, bytes)) else json.dumps(content)

    def run(self, seconds):
        """Let time pass, with every question that is due."""
        end = self.time + seconds
        while True:
            wait = self.control.step()
            if wait and self.time + wait > end:
                self.time = end
                return
            self.time += wait

    def judge(self, token=FIRST, path="/", max_waiters=64):
        """Judge as a server does: ask where the verdict depends on it, with the question answered at once."""
        request = asked(token, path)
        verdict = self.guard._judge(request)
        question = self.guard._question_for(verdict, max_waiters)
        if question is None:
            return outcome(verdict)
        if not question.done():
            self.run(2)
        return outcome(self.guard._judge_again(request, question.result(0)))


def asked(token=FIRST, path="/"):
    return atlas_guard._Request("GET", path, [("authorization", "Bearer " + token)] if token else [])


def outcome(verdict):
    return verdict.credential if verdict.kind == "pass" else verdict.status


class ControlPlaneTests(unittest.TestCase):
    def test_closed_start(self):
        """the guard is closed until the first answer, and says so"""
        pod = Pod(answer(FIRST))
        ready = pod.guard._judge(asked(None, atlas_guard.READINESS_PATH))
        self.assertEqual((ready.status, json.loads(ready.body)["waitingFor"]), (503, "control-plane"))
        self.assertEqual([pod.judge(), pod.judge(None), pod.judge(None, "/healthz")], [503, 401, "none"])
        pod.run(0)
        self.assertEqual(pod.judge(), "bearer")
        self.assertEqual(pod.guard._judge(asked(None, atlas_guard.READINESS_PATH)).status, 200)

    def test_first_tries(self):
        """before the first answer the guard asks after 1, 2, 4, 8 and then every 15 seconds"""
        pod = Pod()
        pod.run(50)
        self.assertEqual([one[0] for one in pod.sent], [0, 1, 3, 7, 15, 30, 45])
        self.assertEqual(pod.sent[0][1:], ("https://app.example/atlas/pod/heartbeat", "pod-token", []))

    def test_by_time(self):
        """the guard asks every 45 to 60 seconds without any traffic"""
        pod = Pod(*[answer(FIRST)] * 20)
        pod.run(600)
        times = [one[0] for one in pod.sent]
        pauses = [later - earlier for earlier, later in zip(times, times[1:])]
        self.assertTrue(all(44.9 < one < 60.1 for one in pauses), pauses)

    def test_signs(self):
        """signs of life go out at once, then once a minute at most, and again when they were lost"""
        pod = Pod(answer(FIRST), OSError("lost"), *[answer(FIRST)] * 200)
        pod.run(0)
        pod.time = 100
        pod.judge()
        pod.run(5)
        self.assertEqual(pod.sent[1][3], ["requests"])
        for _ in range(300):
            pod.judge()
            pod.guard.heartbeat()
            pod.run(1)
        reports = [one[0] for one in pod.sent[2:] if one[3]]
        self.assertTrue(all(later - earlier > 59.9 for earlier, later in zip(reports, reports[1:])), reports)
        self.assertEqual(pod.sent[2][3], ["heartbeats", "requests"])

    def test_rotated(self):
        """a token that is newer than the list works at its first use"""
        pod = Pod(answer(FIRST), answer(FIRST, NEXT, revision=2))
        pod.run(0)
        self.assertEqual(pod.judge(NEXT), "bearer")
        self.assertEqual(pod.sent[1][3], [])

    def test_revoked(self):
        """a revoked token ends at the next question, which needs no traffic"""
        pod = Pod(answer(FIRST), *[answer(revision=2)] * 2)
        pod.run(60)
        self.assertEqual(pod.judge(), 401)

    def test_unknown(self):
        """an unknown token is refused for ten seconds without a second question"""
        pod = Pod(*[answer(FIRST)] * 3)
        pod.run(0)
        self.assertEqual([pod.judge(STRANGE), pod.judge(STRANGE), len(pod.sent)], [401, 401, 2])
        pod.time += 11
        self.assertEqual([pod.judge(STRANGE), len(pod.sent)], [401, 3])

    def test_not_minted(self):
        """a token that no control plane can have made causes no question"""
        pod = Pod(answer(FIRST))
        pod.run(0)
        self.assertEqual([pod.judge("-" + "a" * 42), pod.judge("short"), len(pod.sent)], [401, 401, 1])

    def test_guessing(self):
        """guesses cause one question in two seconds, and the digests of at most 256 are kept"""
        pod = Pod(*[answer(FIRST)] * 2000)
        pod.run(0)
        for number in range(300):
            pod.judge("g%042d" % number)
        times = [one[0] for one in pod.sent]
        self.assertTrue(all(later - earlier > 1.9 for earlier, later in zip(times, times[1:])), times[:9])
        self.assertLessEqual(len(pod.control._unknown), 256)

    def test_waiters(self):
        """requests beyond the bound of waiters get 503 at once"""
        pod = Pod(answer(FIRST))
        pod.run(0)
        verdicts = [pod.guard._judge(asked("w%042d" % number)) for number in range(66)]
        questions = [pod.guard._question_for(one, 64) for one in verdicts]
        self.assertEqual([one.done() for one in questions], [False] * 64 + [True] * 2)
        self.assertEqual(outcome(pod.guard._judge_again(asked(STRANGE), questions[64].result())), 503)
        self.assertTrue(pod.guard._question_for(verdicts[65], 1).done())

    def test_only_later_question(self):
        """a question that began before the request says nothing about it"""
        pod = Pod(answer(FIRST), answer(FIRST, NEXT))
        pod.run(0)
        pod.control._begun, pod.control._last_begun = 5, pod.time
        question = pod.control.ask(64)
        pod.control._tell(5, True)
        self.assertFalse(question.done())
        pod.run(2)
        self.assertTrue(question.result(0))

    def test_unreachable(self):
        """without an answer an unknown token gets 503, and the list goes on"""
        pod = Pod(answer(FIRST))
        pod.run(0)
        self.assertEqual([pod.judge(STRANGE), pod.judge()], [503, "bearer"])
        pod.run(3600)
        self.assertEqual(pod.judge(), "bearer")

    def test_expiry_in_an_outage(self):
        """a token expires also while the control plane is away"""
        hashes = [{"hash": atlas_guard.hash_token(FIRST), "expiresAt": "2023-11-14T22:14:20Z"}]
        pod = Pod(answer(hashes=hashes))
        pod.run(59)
        self.assertEqual(pod.judge(), "bearer")
        pod.run(2)
        self.assertEqual(pod.judge(), 503)

    def test_foreign_answers(self):
        """only the control plane's own answer for this compute is contact"""
        whole = answer(NEXT, revision=9)[1]
        foreign = [
            *[(200, {**whole, name: value}) for name, value in (
                ("computeId", "c2"), ("computeId", None), ("revision", 4), ("revision", "9"), ("revision", True), ("revision", -1),
                ("generation", None), ("generation", 1.5), ("hashes", None), ("hashes", [{}]), ("hashes", [{"hash": "x", "expiresAt": None}]),
                ("hashes", whole["hashes"] * 101), ("deadline", "soon"), ("now", None), ("now", "2023-02-30T00:00:00Z"), ("ending", "x"),
            )],
            *[(200, {key: value for key, value in whole.items() if key != name}) for name in whole],
            (200, ""), (200, "[]"), (200, "<html>"), (200, "[" * 60_000), (204, ""), (302, whole), (404, whole), (410, whole),
            (401, {"code": "UNAUTHORIZED"}), (401, "<html>"), (429, "<html>"), (500, whole),
        ]
        for one in foreign:
            pod = Pod(answer(FIRST, revision=5), one)
            pod.run(60)
            self.assertEqual((len(pod.sent), pod.control._failures, pod.judge()), (2, 1, "bearer"), one)

    def test_rejected(self):
        """the control plane's own 401, twice and a minute apart, ends every credential"""
        pod = Pod(answer(FIRST), *[(401, REJECTED)] * 2, answer(FIRST, revision=2))
        pod.run(60)
        self.assertEqual(pod.judge(), "bearer")
        pod.run(60)
        self.assertEqual([pod.judge(), pod.judge(None, "/healthz")], [401, "none"])
        pod.run(60)
        self.assertEqual(pod.judge(), "bearer")

    def test_rejected_twice_at_once(self):
        """two rejections within a minute end nothing"""
        pod = Pod(answer(FIRST), *[(401, REJECTED)] * 3)
        pod.run(60)
        pod.judge(STRANGE)
        pod.run(4)
        self.assertEqual(pod.judge(), "bearer")

    def test_busy(self):
        """the control plane's own 429 is contact, but opens nothing"""
        pod = Pod((429, BUSY), answer(FIRST), (401, REJECTED), (429, BUSY), (401, REJECTED))
        pod.run(0)
        self.assertEqual(pod.judge(), 503)
        pod.run(200)
        self.assertEqual((len(pod.sent) >= 5, pod.judge()), (True, "bearer"))

    def test_busy_with_signs(self):
        """a refused report is followed by a question without signs, so that the list stays new"""
        pod = Pod(answer(FIRST), (429, BUSY), answer(revision=2))
        pod.run(0)
        pod.judge()
        pod.run(10)
        self.assertEqual([one[3] for one in pod.sent], [[], ["requests"], []])
        self.assertEqual(pod.control._seen, {"requests"})

    def test_generation(self):
        """a later generation ends the links and signed URLs of the earlier one"""
        exp, old, new = 1_700_000_600, "test-secret", atlas_guard.generation_secret("test-secret", 1)
        links = ["/.atlas/%d.1.%s/a/b" % (exp, atlas_guard._link_signature("prefix", ["/a/", str(exp)], one)) for one in (old, new)]
        signed = ["/a?exp=%d&sig=%s" % (exp, atlas_guard._signature("/a?exp=%d" % exp, one).decode()) for one in (old, new)]
        pod = Pod(answer(), answer(generation=1, revision=2))
        pod.run(0)
        self.assertEqual([pod.judge(None, one) for one in [*links, *signed]], ["prefix", 401, "signed-url", 401])
        pod.run(60)
        self.assertEqual([pod.judge(None, one) for one in [*links, *signed]], [401, "prefix", 401, "signed-url"])

    def test_ending(self):
        """on_ending hears of each planned end once, and its error ends nothing"""
        heard = []

        def on_ending(ending):
            heard.append(ending)
            raise RuntimeError("the application's mistake")

        ending = {"at": "2023-11-14T22:15:20Z", "reason": "idle"}
        pod = Pod(answer(FIRST, ending=ending), answer(FIRST, ending=ending), answer(FIRST), on_ending=on_ending)
        pod.run(200)
        self.assertEqual([heard, len(pod.sent) > 2], [[ending], True])

    def test_fork(self):
        """a forked worker starts closed, and asks for itself"""
        pod = Pod(answer(FIRST), answer(FIRST))
        pod.run(0)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            closed = outcome(pod.guard._judge(asked()))
            opened = pod.judge()
            os.write(writing, json.dumps([closed, opened, len(pod.sent)]).encode())
            os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual(json.loads(os.read(reading, 1000)), [503, "bearer", 2])
        self.assertEqual(pod.judge(), "bearer")

    def test_plain_http(self):
        """a control plane on plain http must be on a private host"""
        for url in ("http://app.example", "http://93.184.216.34/atlas", "ftp://app.example", "https://user@app.example", "https://"):
            with self.assertRaises(ValueError, msg=url):
                atlas_guard.Guard(preshared_key=FIRST, control_url=url, pod_token="t", env={})
        for url in ("http://10.0.0.5:3000", "http://web", "http://web.internal", "http://[::1]:3000", "https://app.example"):
            atlas_guard.Guard(preshared_key=FIRST, control_url=url, pod_token="t", env={})


class ReadyTests(unittest.TestCase):
    """The report that the server listens."""

    def report(self, *answers, readiness=(), is_ready=lambda: True, begin=None):
        """Run the report on a clock of its own, and return the times of its calls to the ports and to the control plane."""
        self.time, self.asked, self.sent, given = 0.0, [], [], list(answers)
        found = dict(readiness)

        def ask(address):
            self.asked.append((self.time, address))
            one = found[address]
            if isinstance(one, Exception):
                raise one
            return one

        def send():
            self.sent.append(self.time)
            one = given.pop(0) if given else 204
            if isinstance(one, Exception):
                raise one
            return one, ""

        def sleep(seconds):
            self.time += seconds
            if begin is not None and self.time >= begin:
                report.note_listening()
            if self.time > 3600:
                raise TimeoutError("no report within an hour")

        report = atlas_guard._ReadyReport("c1", is_ready, send, lambda: list(found), ask, sleep)
        report.start = lambda: None
        report.run()

    def test_first_request(self):
        """the first request shows that the server listens"""
        self.report(readiness={("127.0.0.1", 1): "<html>"}, begin=100)
        self.assertEqual((len(self.asked), len(self.sent)), (1, 1))
        self.assertTrue(100 <= self.sent[0] < 106, self.sent)

    def test_foreign_port(self):
        """a port of another program is asked once"""
        foreign = {("127.0.0.1", 1): ConnectionResetError(), ("127.0.0.1", 2): "SSH-2.0", ("::1", 3): json.dumps({"status": "ready"})}
        self.report(readiness=foreign, begin=600)
        self.assertEqual((len(self.asked), len(self.sent)), (3, 1))

    def test_slow_port(self):
        """a port that accepts nothing yet is asked again"""
        self.report(readiness={("127.0.0.1", 1): TimeoutError() if sys.version_info >= (3, 10) else atlas_guard.socket.timeout()}, begin=600)
        self.assertTrue(10 < len(self.asked) < 120, len(self.asked))

    def test_other_worker(self):
        """the worker that takes the request reports, and no other one"""
        for status in ("ready", "starting"):
            self.report(readiness={("127.0.0.1", 1): json.dumps({"computeId": "c1", "status": status})})
            self.assertEqual((len(self.asked), self.sent), (1, []))

    def test_other_pod(self):
        """another pod's answer at a port of this process ends nothing"""
        self.report(readiness={("127.0.0.1", 1): json.dumps({"computeId": "c2", "status": "ready"})}, begin=50)
        self.assertEqual(len(self.sent), 1)

    def test_application(self):
        """the report waits for is_ready, whose error counts as false"""
        given = iter([False, 1 / 3, False])

        def is_ready():
            one = next(given, True)
            if one == 1 / 3:
                raise RuntimeError("the application's mistake")
            return one

        self.report(is_ready=is_ready, begin=0)
        self.assertEqual(self.sent, [1.0])

    def test_repeated(self):
        """a report that the control plane does not take is repeated, and a rejected one is not"""
        self.report(OSError(), 503, 429, 408, 401, begin=0)
        self.assertEqual(len(self.sent), 5)
        gaps = [later - earlier for earlier, later in zip(self.sent, self.sent[1:])]
        self.assertTrue(all(11 <= one <= 60 for one in gaps), gaps)

    def test_locks(self):
        """a look at the sockets of the process leaves its other files alone"""
        with open(__file__) as held, atlas_guard.socket.socket() as listening, atlas_guard.socket.socket() as idle:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            idle.bind(("127.0.0.1", 0))
            copied, before = [], atlas_guard.socket.fromfd
            atlas_guard.socket.fromfd = lambda descriptor, *rest: (copied.append(descriptor), before(descriptor, *rest))[1]
            try:
                found = atlas_guard._listening_addresses()
            finally:
                atlas_guard.socket.fromfd = before
            self.assertEqual(found, [listening.getsockname()])
            self.assertEqual((held.fileno() in copied, listening.fileno() in copied), (False, True))


class NetworkTests(unittest.TestCase):
    """Against a control plane on a socket."""

    def setUp(self):
        self.asked, self.tokens, tests = [], [FIRST], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                tests.asked.append((self.path, self.headers["Authorization"]))
                self.rfile.read(int(self.headers["Content-Length"]))
                tests.answer(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.sender = atlas_guard._Sender()

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        self.send(handler, 200, json.dumps(answer(*self.tokens)[1]).encode())

    def send(self, handler, status, body, headers=()):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def post(self):
        return self.sender(self.url + "/pod/heartbeat", "pod-token", {"signs": []})

    def test_redirect(self):
        """no redirect is followed with the pod's credential"""
        path = "/pod/heartbeat"
        others = ["/elsewhere", path, path + "//", path + "/?a=1", path + "/#a", "//127.0.0.2" + path + "/", "https://127.0.0.1" + path + "/"]
        for status in (301, 302, 303, 307, 308):
            for location in [*others, "http://127.0.0.1:1" + path + "/", self.url + "@127.0.0.2" + path + "/", "http://[" + path + "/"]:
                self.asked.clear()
                self.answer = lambda handler: self.send(handler, status, b"", [("Location", location)])
                try:
                    self.assertEqual(self.post()[0], status, location)
                except ValueError:
                    self.assertIn("[", location)
                self.assertEqual(len(self.asked), 1, location)

    def test_slash(self):
        """a redirect to the same URL with or without a slash at its end is the form from then on"""
        path, steps = "/pod/heartbeat", ((308, "/"), (301, ""), (307, "/"), (308, ""))
        form = ""
        for status, wanted in steps:
            def told(handler):
                if handler.path == path + wanted:
                    return self.send(handler, 200, b"{}")
                return self.send(handler, status, b"", [("Location", path + wanted)])

            self.answer = told
            self.asked.clear()
            self.assertEqual([self.post()[0], self.post()[0]], [200, 200])
            self.assertEqual(self.asked, [(path + one, "Bearer pod-token") for one in (form, wanted, wanted)])
            form = wanted

    def test_slash_loop(self):
        """two redirects to each other cause two requests, not more"""
        self.answer = lambda handler: self.send(
            handler, 308, b"", [("Location", handler.path[:-1] if handler.path.endswith("/") else handler.path + "/")])
        self.assertEqual([self.post()[0], len(self.asked)], [308, 2])

    def test_bomb(self):
        """a small answer that unpacks to gigabytes is no answer, and costs little memory"""
        bomb = gzip.compress(bytes(100_000_000), 9)
        self.answer = lambda handler: self.send(handler, 200, bomb, [("Content-Encoding", "gzip")])
        self.assertRaises(ValueError, self.post)
        self.answer = lambda handler: self.send(handler, 200, bytes(70_000))
        self.assertRaises(ValueError, self.post)
        self.answer = lambda handler: self.send(handler, 200, gzip.compress(b"{}"), [("Content-Encoding", "gzip")])
        self.assertEqual(self.post(), (200, b"{}"))

    def test_imports(self):
        """a call to the control plane imports nothing, so that a worker which is forked during one waits for no import"""
        script = "import sys; sys.path.insert(0, %r); import atlas_guard; before = set(sys.modules); " \
            "status = atlas_guard._Sender()(%r, 'pod-token', {'signs': []})[0]; print(status, sorted(set(sys.modules) - before))"
        asked = [sys.executable, "-B", "-c", script % (str(HERE.parents[1] / "pod" / "python"), self.url + "/pod/heartbeat")]
        self.assertEqual(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip(), "200 []")

    def test_slow(self):
        """an answer that comes byte by byte is cut"""
        stop = threading.Event()

        def drip(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            while not stop.wait(0.02):
                handler.wfile.write(b" ")

        self.answer, before = drip, atlas_guard.TIMEOUT_SECONDS
        atlas_guard.TIMEOUT_SECONDS = 0.2
        try:
            self.assertRaises(Exception, self.post)
        finally:
            atlas_guard.TIMEOUT_SECONDS = before
            stop.set()

    def test_asgi(self):
        """a request over ASGI waits for the answer that knows its token"""
        guard, sent = self.guard(), []

        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def send(message):
            sent.append(message.get("status"))

        async def call(token):
            headers = [(b"authorization", b"Bearer " + token.encode())]
            await guarded({"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "headers": headers}, None, send)
            return sent[0]

        async def scenario():
            while await call(FIRST) == 503:
                sent.clear()
                await asyncio.sleep(0.01)
            sent.clear()
            self.tokens.append(NEXT)
            return await call(NEXT)

        guarded = guard.asgi(app)
        self.assertEqual(asyncio.run(scenario()), 200)

    def test_wsgi(self):
        """a request over WSGI waits for the answer that knows its token"""
        guard, statuses = self.guard(), []
        guarded = guard.wsgi(lambda environ, start_response: start_response("200 OK", []) or [])

        def call(token):
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "", "HTTP_AUTHORIZATION": "Bearer " + token}
            guarded(environ, lambda status, headers, *_: statuses.append(status))
            return statuses[-1]

        while call(FIRST).startswith("503"):
            threading.Event().wait(0.01)
        self.tokens.append(NEXT)
        self.assertEqual(call(NEXT), "200 OK")

    def guard(self):
        return atlas_guard.Guard(compute_id="c1", control_url=self.url, pod_token="pod-token", env={})


class Report(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.found = {}

    def addSuccess(self, test):
        self.found[test.shortDescription()] = None

    def addFailure(self, test, error):
        self.found[test.shortDescription()] = self._exc_info_to_string(error, test)

    addError = addFailure


def main():
    report = Report()
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]).run(report)
    print(json.dumps(report.found))


main()
