/** The dead man's switch in TypeScript and in Python, by one table of cases. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createGuard } from "../../src/guard/index.ts";
import { deleteOverSocket, endOnce } from "../../src/guard/life/self-ending.ts";
import { loadRetry } from "../../src/internal/retry.ts";
import { manualClock } from "../../src/providers/mock/index.ts";

interface Timeline {
  readonly name: string;
  readonly deadMan?: boolean | { readonly unreachableSeconds: number | null };
  /** Seconds after the start, like all times of a case. */
  readonly deadline?: number;
  /** The control plane's answers, each from a time on, with its deadline. Without them there is no control plane. */
  readonly plane?: readonly (readonly [from: number, answer: string, deadline?: number])[];
  /** The statuses of the provider's answers; 204 after them, and 0 is a lost connection. */
  readonly provider?: readonly number[];
  readonly for: number;
  /** The earliest and the latest time of each call that ends the pod. */
  readonly ends: readonly (readonly [earliest: number, latest: number])[];
  readonly lines?: readonly string[];
}

interface Means {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly answers: readonly number[];
  readonly calls: readonly string[];
  readonly failure: string | null;
}

interface Table {
  readonly answers: Readonly<Record<string, { readonly status: number; readonly body: string | object }>>;
  readonly timelines: readonly Timeline[];
  readonly strangers: readonly string[];
  readonly means: readonly Means[];
}

const table: Table = JSON.parse(readFileSync(new URL("dead-man-cases.json", import.meta.url), "utf8"));
const RUNPOD = { RUNPOD_POD_ID: "pod1", RUNPOD_API_KEY: "pod-scoped" };

beforeAll(loadRetry);

function answerAt(one: Timeline, seconds: number, iso: (seconds: number) => string): Response {
  const [, name = "", deadline] = one.plane?.findLast(([from]) => from <= seconds) ?? [];
  const { status = 0, body = "" } = table.answers[name] ?? {};
  if (status === 0) throw new TypeError("fetch failed");
  if (typeof body === "string") return new Response(body, { status });
  const times = { deadline: deadline === undefined ? null : iso(deadline), now: iso(seconds) };
  return Response.json({ ...body, ...times }, { status });
}

async function run(one: Timeline): Promise<{ ended: number[]; lines: string[] }> {
  const clock = manualClock();
  const start = clock.now().getTime();
  const seconds = (): number => (clock.now().getTime() - start) / 1000;
  const iso = (after: number): string => new Date(start + after * 1000).toISOString();
  const ended: number[] = [];
  const lines: string[] = [];
  const end = (input: unknown, init: RequestInit): Response => {
    expect(String(input)).toBe("https://api.runpod.io/v2/pods/pod1");
    expect(new Headers(init.headers).get("authorization")).toBe("Bearer pod-scoped");
    const status = one.provider?.[ended.length] ?? 204;
    ended.push(seconds());
    if (status === 0) throw new TypeError("fetch failed");
    return new Response(null, { status });
  };
  const plane = { ATLAS_CONTROL_URL: "https://app.example", ATLAS_POD_TOKEN: "t", ATLAS_COMPUTE_ID: "c1" };
  await using _guard = createGuard({
    presharedKey: "key",
    env: {
      ...RUNPOD,
      ...(one.deadline === undefined ? {} : { ATLAS_DEADLINE: iso(one.deadline) }),
      ...(one.plane === undefined ? {} : plane),
    },
    fetch: async (input, init) =>
      init?.method === "DELETE" ? end(input, init) : answerAt(one, seconds(), iso),
    deadMan: one.deadMan ?? true,
    clock,
    log: (line) => lines.push(line),
  });
  await clock.advance(one.for);
  return { ended, lines };
}

describe("a dead man's switch in TypeScript", () => {
  const strangers = table.strangers.map((name): Timeline => {
    return { name: `takes ${name} for no contact`, plane: [[0, name]], for: 3600, ends: [[1800, 1830]] };
  });

  it.each([...table.timelines, ...strangers].map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const { ended, lines } = await run(one);
    expect(ended).toHaveLength(one.ends.length);
    for (const [index, [earliest, latest]] of one.ends.entries()) {
      expect(ended[index]).toBeGreaterThanOrEqual(earliest);
      expect(ended[index]).toBeLessThanOrEqual(latest);
    }
    expect(lines).toEqual(expect.arrayContaining([...(one.lines ?? [])]));
  });

  it.each(table.means.map((one) => [one.name, one] as const))("ends a pod %s", async (_, one) => {
    const calls: string[] = [];
    const answers = [...one.answers];
    const note = ({ method, url, headers }: IncomingMessage): void => {
      calls.push(`${method} ${url} ${headers.authorization ?? headers.host}`);
    };
    const server = createServer((request, response) => {
      note(request);
      response.writeHead(answers.shift() ?? 204, { location: `${request.url}/elsewhere` }).end();
    });
    const directory = await mkdtemp(join(tmpdir(), "atlas-"));
    const path = join(directory, "api");
    const isSocket = "FLY_APP_NAME" in one.env;
    server.listen(isSocket ? path : 0);
    await once(server, "listening");
    const failure = await endOnce({
      env: one.env,
      fetch: (input, init) => {
        const { port } = server.address() as AddressInfo;
        return fetch(String(input).replace("https://api.runpod.io", `http://127.0.0.1:${port}`), init);
      },
      deleteOverSocket: (asked, target) => {
        expect(asked).toBe("/.fly/api");
        return deleteOverSocket(path, target);
      },
      endProcesses: () => calls.push("end the processes"),
    });
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
    expect([calls, failure ?? null]).toEqual([one.calls, one.failure]);
  });
});

describe("a dead man's switch in Python", () => {
  const script = new URL("run_dead_man.py", import.meta.url).pathname;
  const found: Record<string, string | null> = JSON.parse(
    execFileSync("python3", [script], { encoding: "utf8" }),
  );

  it.each(Object.entries(found))("%s", (_, failure) => {
    expect(failure).toBeNull();
  });

  it("is tested by the same table", () => {
    const names = [
      ...table.timelines.map(({ name }) => name),
      ...table.means.map(({ name }) => `ends a pod ${name}`),
    ];
    expect(Object.keys(found)).toEqual(expect.arrayContaining(names));
  });
});
