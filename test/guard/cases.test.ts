import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allowOrigins } from "../../src/guard/verdict/cors.ts";
import { decide } from "../../src/guard/verdict/decide.ts";
import {
  type Case,
  essence,
  expectedEssence,
  guardFor,
  isWebSocket,
  type Observed,
  table,
} from "./support/cases.ts";
import { judgeAtOnce } from "./support/judge.ts";
import { adapters, type GuardedServer } from "./support/servers.ts";

function casesFor(speaks: "http" | "fetch"): Case[] {
  return table.cases.filter(({ only }) => only === undefined || only === speaks);
}

describe("the decision", () => {
  it.each(table.cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { method = "GET", url, headers = [], config = "default", expect: expected } = one;
    const verdict = judgeAtOnce(guardFor(config), {
      method,
      url,
      header: (wanted) => {
        const values = headers
          .filter(([name]) => name.toLowerCase() === wanted)
          .map(([, value]) => value.trim());
        return values.length === 0 ? undefined : values.join(wanted === "cookie" ? "; " : ", ");
      },
    });
    if (expected.kind === "refused")
      expect(verdict).toMatchObject({ kind: "refused", reason: expected.reason });
    else if (expected.kind === "pass")
      expect(verdict).toMatchObject({ kind: "pass", credential: expected.credential });
    else expect(verdict.kind).toBe(/ready|starting/.test(expected.kind) ? "readiness" : expected.kind);
  });
});

describe.each(adapters.map((adapter) => [adapter.name, adapter] as const))("behind %s", (_, adapter) => {
  const servers = new Map<string, GuardedServer>();
  beforeAll(async () => {
    for (const config of Object.keys(table.configs)) servers.set(config, await adapter.open(config));
  });
  afterAll(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]();
  });

  const cases = casesFor(adapter.speaks).filter(({ except }) => !except?.includes(adapter.name));

  it.each(cases.map((one) => [one.name, one] as const))("%s", async (_name, one) => {
    const observed = await servers.get(one.config ?? "default")?.send(one);
    const upgraded = adapter.speaks === "http" && isWebSocket(one);
    expect(observed && essence(observed)).toEqual(withoutBodyOf(one, expectedEssence(one, upgraded)));
  });
});

describe.each(["asgi", "wsgi"])("behind Python's %s", (protocol) => {
  const runner = new URL("run_cases.py", import.meta.url).pathname;
  const observations: Record<string, Observed> = JSON.parse(
    execFileSync("python3", [runner, protocol], { encoding: "utf8" }),
  );
  const cases = casesFor("http").filter((one) => protocol === "asgi" || !isWebSocket(one));

  it.each(cases.map((one) => [one.name, one] as const))("%s", (name, one) => {
    const observed = observations[name];
    expect(observed && essence(observed)).toEqual(withoutBodyOf(one, expectedEssence(one, isWebSocket(one))));
  });
});

/** The answer to HEAD has no body. */
function withoutBodyOf({ method }: Case, expected: object): object {
  return method === "HEAD" && "body" in expected ? { ...expected, body: "" } : expected;
}

it("decides without a change of its arguments", () => {
  const state = Object.freeze({
    hashes: Object.freeze([]),
    signingSecrets: Object.freeze([]),
    origins: allowOrigins([]),
    publicPaths: Object.freeze([]),
    schemes: new Set<never>(),
    signedMethods: new Set<never>(),
    standing: "alone" as const,
    computeId: null,
    isReady: () => true,
    now: 0,
  });
  const request = Object.freeze({ method: "GET", url: "/", header: () => undefined });
  expect(decide(request, state)).toEqual(decide(request, state));
});
