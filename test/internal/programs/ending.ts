/**
 * A process with a reaper and an open stream that ends by a signal. It prints what happens: `ready`, then a word for each step.
 * `<mode>`: `alone`, or `server` for a process in which a framework listens for the signal too and ends by itself.
 */
import { createServer } from "node:http";
import { createAtlas } from "../../../src/atlas.ts";
import { mock } from "../../../src/providers/mock/index.ts";
import { createControlPlane } from "../../../src/server/index.ts";

const say = (word: string): void => void process.stdout.write(`${word}\n`);
const atlas = createAtlas({ providers: [mock()] });
const plane = createControlPlane({
  atlas,
  authorize: () => ({ userId: "ada" }),
  request: () => ({ image: "ghcr.io/me/server:1", ports: [8000] }),
});
atlas.startReaper({ everySeconds: 3600, untilSignal: true });

const post = new Request("http://localhost/computes", {
  method: "POST",
  headers: { authorization: "Bearer x", "content-type": "application/json" },
  body: "{}",
});
const { id } = (await (await plane(post)).json()) as { id: string };
const stream = await plane(new Request(`http://localhost/computes/${id}/events`));
const reading = stream.text().then(() => say("stream ended"));

if (process.argv[2] === "server") {
  const server = createServer().listen(0, "127.0.0.1");
  process.once("SIGTERM", () => {
    say("framework");
    reading.then(() => server.close(() => say("server closed")));
  });
} else setInterval(() => undefined, 1000);
say("ready");
