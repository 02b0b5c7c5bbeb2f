import { describe, expect, it, vi } from "vitest";
import { AtlasError } from "../../src/errors.ts";
import { createAtlas, memoryStore } from "../../src/index.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { makeWorld } from "../providers/local/world.ts";
import { intercept } from "../support/intercept.ts";
import { failureOf } from "../support/scene.ts";

/** A server that opens to its token alone, in one line. */
const server = `require("node:http").createServer((request, response) => {
  console.log("asked for " + request.url);
  response.statusCode = request.headers.authorization === "Bearer " + process.env.ATLAS_PRESHARED_KEY ? 200 : 401;
  if (response.statusCode === 401) response.setHeader("www-authenticate", "Bearer");
  response.end(process.env.ATLAS_COMPUTE_ID);
}).listen(process.env.PORT, "127.0.0.1")`;
const command = [process.execPath, "-e", server];

describe("a real process as a compute", () => {
  it("is spawned, reached with its token only, frozen, thawed, and ended by another client", async () => {
    const { provider } = await makeWorld();
    const store = memoryStore();
    const atlas = createAtlas({ providers: [provider], store });
    const compute = await atlas.spawnCompute({ command, ports: [8000], maxLifetimeSeconds: 600 });
    await compute.waitUntilReady({ path: "/healthz" });
    const authorization = `Bearer ${compute.auth?.token}`;
    expect((await fetch(compute.url(8000, "/"))).status).toBe(401);
    const answer = await fetch(compute.url(8000, "/mine"), { headers: { authorization } });
    expect([answer.status, await answer.text()]).toEqual([200, compute.id]);
    // The supervisor writes a line a moment after the program printed it.
    await vi.waitFor(async () => {
      const lines = await Array.fromAsync(atlas.logs(compute.id));
      expect(lines.map(({ line }) => line)).toContain("asked for /mine");
    });
    expect((await atlas.stop(compute.id)).status).toBe("stopped");
    await atlas.start(compute.id);
    const other = createAtlas({ providers: [provider], store });
    await (await other.getCompute(compute.id)).waitUntilReady();
    expect((await other.terminate(compute.id)).status).toBe("terminated");
    await expect(fetch(compute.url(8000))).rejects.toThrow();
    expect((await other.reap()).orphans).toEqual([]);
  });

  it("fails to boot with its code and its last words, and is gone then", async () => {
    const { provider } = await makeWorld();
    const atlas = createAtlas({ providers: [provider] });
    const program = 'console.error("no model here"); setTimeout(() => process.exit(3), 100)';
    const compute = await atlas.spawnCompute({ command: [process.execPath, "-e", program], ports: [8000] });
    const error = await failureOf(compute.waitUntilReady());
    expect(error).toMatchObject({ code: "BOOT_FAILED", computeId: compute.id });
    expect(error.message).toContain("no model here");
    expect(await atlas.getCompute(compute.id)).toMatchObject({ status: "terminated", reason: "exited" });
  });

  it("is found and ended after its process died before writing it down", async () => {
    const { provider } = await makeWorld();
    const clock = manualClock();
    const kept = memoryStore({ clock });
    const dying = intercept(kept, ["replace"], () => {
      throw new AtlasError("STORE_UNAVAILABLE", "the store is down", { retryable: false });
    });
    const error = await failureOf(
      createAtlas({ providers: [provider], store: dying }).spawnCompute({ command, ports: [8000] }),
    );
    expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", mayHaveCreated: true });
    const atlas = createAtlas({ providers: [provider], store: kept });
    expect((await atlas.reap()).orphans).toEqual([]);
    await vi.waitFor(async () => {
      await clock.advance(601);
      await atlas.reap();
      const { status, reason } = await atlas.getCompute(error.computeId ?? "");
      expect([status, reason]).toEqual(["terminated", "abandoned"]);
    }, 10_000);
    expect(
      await provider.list(
        { namePrefix: "atlas-" },
        { signal: new AbortController().signal, requestTimeoutSeconds: 5 },
      ),
    ).toEqual([]);
  });
});
