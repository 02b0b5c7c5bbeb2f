import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test, vi } from "vitest";
import { atProcessEnd } from "../../src/internal/process-end.ts";

interface Program {
  readonly child: ChildProcess;
  readonly words: string[];
  readonly ended: Promise<unknown[]>;
}

async function start(mode: string): Promise<Program> {
  const path = join(import.meta.dirname, "programs/ending.ts");
  const child = spawn(process.execPath, [path, mode], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const words: string[] = [];
  const ended = once(child, "close");
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout ?? expect.unreachable() }).on("line", (word) => {
      words.push(word);
      if (word === "ready") resolve();
    });
  });
  return { child, words, ended };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "a process with a reaper and an open event stream ends its stream on %s, and then ends by the signal",
  async (signal) => {
    const { child, words, ended } = await start("alone");
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
    expect(words).toEqual(["ready", "stream ended"]);
  },
);

test("a process whose framework listens for the signal too closes its streams for it, and leaves the end to it", async () => {
  const { child, words, ended } = await start("server");
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(words).toEqual(["ready", "framework", "stream ended", "server closed"]);
});

test("nothing listens for a signal while there is nothing to do", () => {
  const before = process.listenerCount("SIGTERM");
  const releases = ["streams", "loops", "loops"].map((phase) =>
    atProcessEnd(phase === "streams" ? "streams" : "loops", () => undefined),
  );
  expect(process.listenerCount("SIGTERM")).toBe(before + 1);
  for (const release of releases) release();
  expect(process.listenerCount("SIGTERM")).toBe(before);
  releases[0]?.();
});

test("a copy of the module in another bundle shares the one listener", async () => {
  const before = process.listenerCount("SIGTERM");
  vi.resetModules();
  const copy = await import("../../src/internal/process-end.ts");
  expect(copy.atProcessEnd).not.toBe(atProcessEnd);
  const releases = [atProcessEnd("loops", () => undefined), copy.atProcessEnd("loops", () => undefined)];
  expect(process.listenerCount("SIGTERM")).toBe(before + 1);
  for (const release of releases) release();
  expect(process.listenerCount("SIGTERM")).toBe(before);
});
