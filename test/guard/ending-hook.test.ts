import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { hashToken, mintToken } from "../../src/auth/index.ts";
import { endingHook } from "../../src/guard/life/ending.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { startGuard, TOKEN, waitUntilReady } from "../cli/support/guard-process.ts";
import { listenOn, waitFor } from "./support/proxied.ts";
import { start } from "./support/servers.ts";

const ENDING = { at: "2030-01-01T00:00:00.000Z", reason: "idle" };

describe("the ending hook", () => {
  it("tells the server behind of a planned end, once", async () => {
    let isPlanned = false;
    const control = createServer((_request, response) => {
      const facts = { computeId: "c1", revision: 1, hashes: [{ hash: hashToken(TOKEN), expiresAt: null }] };
      const rest = { generation: 0, deadline: null, now: new Date().toISOString() };
      response.end(JSON.stringify({ ...facts, ...rest, ...(isPlanned ? { ending: ENDING } : {}) }));
    });
    const told: string[] = [];
    const behind = createServer((request, response) => {
      request.on("data", (chunk) => told.push(`${request.method} ${request.url} ${chunk}`));
      request.on("end", () => response.end());
    });
    let targetPort = 0;
    const options = {
      flags: ["--ending-hook", "/atlas/ending"],
      env: {
        ATLAS_CONTROL_URL: `http://127.0.0.1:${await start(control)}`,
        ATLAS_POD_TOKEN: "t",
        ATLAS_COMPUTE_ID: "c1",
      },
      command: (port: number) => {
        targetPort = port;
        return [];
      },
    };
    await using guard = await startGuard(options);
    await listenOn(behind, targetPort);
    await waitUntilReady(guard);
    isPlanned = true;
    // A token that the guard does not know makes it ask at once.
    await guard.call("/", { headers: { authorization: `Bearer ${mintToken().token}` } });
    await waitFor(() => told.length > 0);
    expect(told).toEqual([`POST /atlas/ending ${JSON.stringify(ENDING)}`]);
    for (const server of [control, behind]) {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each<[string, () => Promise<Response>, string]>([
    ["answers with an error", async () => new Response(null, { status: 500 }), "answered 500"],
    ["cannot be reached", () => Promise.reject(new TypeError("fetch failed")), "failed: TypeError"],
    ["does not answer in 10 seconds", () => new Promise(() => {}), "failed: TimeoutError"],
  ])("logs a server that %s, and does not repeat it", async (_what, answer, line) => {
    const clock = manualClock();
    const lines: string[] = [];
    let calls = 0;
    const fetch = (): Promise<Response> => {
      calls += 1;
      return answer();
    };
    const url = new URL("http://127.0.0.1:1/atlas/ending");
    const hook = endingHook({ url, fetch, clock, log: (text) => lines.push(text) });
    const posted = hook(ENDING);
    await clock.advance(600);
    await posted;
    expect(lines).toEqual([`The ending hook /atlas/ending ${line}.`]);
    expect(calls).toBe(1);
  });
});
