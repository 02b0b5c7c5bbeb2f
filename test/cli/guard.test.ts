import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { waitFor } from "../guard/support/proxied.ts";
import { startGuard, TOKEN, waitUntilReady } from "./support/guard-process.ts";

const SCRIPT = (code: string) => (): string[] => [process.execPath, "-e", code];

describe.concurrent("atlas-compute guard", () => {
  it("starts a command, waits for it, guards it, and logs each request without a secret", async () => {
    await using guard = await startGuard({
      flags: ["--origin", "https://app.example", "--public", "/healthz"],
    });
    await waitUntilReady(guard);
    const passed = await guard.call("/a?q=1", {
      headers: { authorization: `Bearer ${TOKEN}`, origin: "https://app.example" },
    });
    const seen = await passed.text();
    expect(passed.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(JSON.parse(seen)).toMatchObject({ url: "/a?q=1" });
    expect(seen).not.toContain(TOKEN);
    expect((await fetch(`${guard.url}/a?token=${TOKEN}`)).status).toBe(401);
    expect((await fetch(`${guard.url}/healthz`)).status).toBe(200);
    await waitFor(() => guard.stdout().includes('"/healthz"'));
    expect(guard.stdout()).toContain('"path":"/a","status":401');
    expect(guard.stdout() + guard.stderr()).not.toContain(TOKEN);
  });

  it.each([
    ["no secret of the pod", [], ["ATLAS_COMPUTE_ID"]],
    [
      "every variable with --pass-secrets",
      ["--pass-secrets"],
      ["ATLAS_COMPUTE_ID", "ATLAS_POD_TOKEN", "ATLAS_PRESHARED_KEY"],
    ],
  ] as const)("gives its command %s", async (_, flags, names) => {
    const code =
      "console.log(Object.keys(process.env).filter((name) => name.startsWith('ATLAS_')).sort().join())";
    const env = { ATLAS_COMPUTE_ID: "atlascompute12345678", ATLAS_POD_TOKEN: "token-of-the-pod" };
    await using guard = await startGuard({ flags, env, command: SCRIPT(code) });
    expect(await guard.exited).toBe(0);
    expect(guard.stdout().trim()).toBe(names.join(","));
  });

  it("writes no request lines with --no-log", async () => {
    await using guard = await startGuard({ flags: ["--no-log"] });
    await waitUntilReady(guard);
    await guard.call();
    expect(guard.stdout()).toBe("");
  });

  it("goes on when the reader of its log is gone", async () => {
    await using guard = await startGuard();
    await waitUntilReady(guard);
    guard.child.stdout?.destroy();
    guard.child.stderr?.destroy();
    const answers = [await guard.call(), await guard.call(), await guard.call()];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("ends with its command and the exit code of the command", async () => {
    await using guard = await startGuard();
    await waitUntilReady(guard);
    await guard.call("/exit");
    expect(await guard.exited).toBe(5);
  });

  it.each<[string, () => string[], number, string]>([
    ["dies of a signal", SCRIPT("process.kill(process.pid, 'SIGKILL')"), 137, ""],
    ["does not exist", () => ["/no/such/program"], 127, "could not be started: ENOENT"],
    ["is not executable", () => [tmpdir()], 126, "could not be started: EACCES"],
  ])("ends with a shell's exit code for a command that %s", async (_, command, code, said) => {
    await using guard = await startGuard({ command });
    expect(await guard.exited).toBe(code);
    expect(guard.stderr()).toContain(said);
  });

  it("passes a signal on and returns the exit code", async () => {
    await using guard = await startGuard();
    await waitUntilReady(guard);
    guard.child.kill("SIGINT");
    expect(await guard.exited).toBe(7);
  });

  it("lets open requests finish before it passes SIGTERM on", async () => {
    await using guard = await startGuard();
    await waitUntilReady(guard);
    const answer = guard.call("/slow");
    await waitFor(() => guard.stdout().includes("a slow request"));
    guard.child.kill("SIGTERM");
    expect(await (await answer).text()).toBe("done");
    expect(await guard.exited).toBe(143);
  });

  it("guards a server that it did not start, and ends with code 0", async () => {
    await using guard = await startGuard({ command: () => [] });
    await waitFor(async () => {
      const response = await guard.call().catch(() => undefined);
      return response?.status === 503;
    });
    guard.child.kill("SIGTERM");
    expect(await guard.exited).toBe(0);
  });

  it("refuses every request without a key, and names the variable to set", async () => {
    await using guard = await startGuard({ env: { ATLAS_PRESHARED_KEY: "" } });
    await waitUntilReady(guard);
    expect((await guard.call()).status).toBe(401);
    expect(guard.stderr()).toContain("Set ATLAS_PRESHARED_KEY");
  });

  it.each<[string, string[], string]>([
    ["an origin with a path", ["--origin", "https://app.example/x"], "origins[0]"],
    ["a target with a path", ["--target", "http://127.0.0.1:1/x"], "without a path"],
    ["an address without a port", ["--listen", "localhost"], "0.0.0.0:8000"],
    ["an unknown sign", ["--signs", "cpu"], "requests, sockets, heartbeats"],
    ["malformed seconds", ["--drain-seconds", "soon"], "whole number"],
    ["an unknown option", ["--orign", "x"], "--origin"],
  ])("ends at once for %s", async (_, flags, said) => {
    await using guard = await startGuard({ flags });
    expect(await guard.exited).toBeGreaterThan(0);
    expect(guard.stderr()).toContain(said);
    expect(guard.stderr()).not.toContain("    at ");
  });

  it("reports a port that is in use", async () => {
    await using first = await startGuard();
    await waitUntilReady(first);
    await using second = await startGuard({ flags: ["--listen", first.url.replace("http://", "")] });
    expect(await second.exited).toBe(1);
    expect(second.stderr()).toContain("EADDRINUSE");
  });

  it("ends itself and its command after the deadline with --dead-man, and only then", async () => {
    const deadline = new Date(Date.now() + 1000).toISOString();
    const env = { ATLAS_DEADLINE: deadline };
    await using patient = await startGuard({ env });
    await using guard = await startGuard({ env, flags: ["--dead-man"], detached: true });
    await waitUntilReady(patient);
    expect(await guard.exited).toBe(143);
    expect(guard.stderr()).toContain("its deadline has passed");
    await expect(guard.call()).rejects.toThrow();
    expect((await patient.call()).status).toBe(200);
  });
});

describe("dist/guard.mjs", () => {
  it("is one file that needs no others", async () => {
    const directory = await mkdtemp(join(tmpdir(), "atlas-guard-"));
    const outfile = join(directory, "guard.mjs");
    await build({
      entryPoints: [fileURLToPath(new URL("../../src/cli/guard-main.ts", import.meta.url))],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node22.12",
    });
    await using guard = await startGuard({ entry: [outfile] });
    await waitUntilReady(guard);
    expect((await guard.call()).status).toBe(200);
    expect((await fetch(guard.url)).status).toBe(401);
    await rm(directory, { recursive: true });
  });
});
