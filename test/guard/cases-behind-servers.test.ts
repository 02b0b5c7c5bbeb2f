import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { casesFor, essence, expectedOf, isWebSocket, type Observed, table } from "./support/cases.ts";
import type { GuardedServer } from "./support/fetch-server.ts";
import { adapters } from "./support/servers.ts";

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
    expect(observed && essence(observed)).toEqual(expectedOf(one, upgraded));
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
    expect(observed && essence(observed)).toEqual(expectedOf(one, isWebSocket(one)));
  });
});
