/** A server of this process behind a proxy of this process. */

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../src/clock.ts";
import { GuardCore } from "../../../src/guard/core.ts";
import type { GuardOptions } from "../../../src/guard/index.ts";
import { parseOptions } from "../../../src/guard/options.ts";
import { GuardProxy, type GuardProxyOptions } from "../../../src/guard/servers/proxy.ts";
import { TargetWatch } from "../../../src/guard/servers/target.ts";
import { start } from "./servers.ts";

export const PROXY_TOKEN = "proxy-token";
export const BEARER: Readonly<Record<string, string>> = { authorization: `Bearer ${PROXY_TOKEN}` };

/** A proxy, the address behind it, and its log. */
export interface Proxied extends AsyncDisposable {
  readonly url: string;
  readonly behind: Server;
  readonly target: URL;
  readonly proxy: GuardProxy;
  readonly watch: TargetWatch;
  readonly lines: Record<string, unknown>[];
  /** Errors that reached the final handler. No message should be able to cause one. */
  readonly defects: unknown[];
}

/** Puts a proxy in front of a server, and waits until the server listens. */
export async function proxied(
  listener: RequestListener,
  options: GuardOptions = {},
  more: Partial<GuardProxyOptions> = {},
): Promise<Proxied> {
  const behind = createServer(listener);
  const target = new URL(`http://127.0.0.1:${await start(behind)}`);
  const front = await proxyTo(target, options, more);
  await waitFor(() => front.watch.isListening);
  return { ...front, behind, [Symbol.asyncDispose]: () => closeBoth(front, behind) };
}

/** Puts a proxy in front of an address. */
export async function proxyTo(
  target: URL,
  options: GuardOptions = {},
  more: Partial<GuardProxyOptions> = {},
): Promise<Omit<Proxied, "behind">> {
  const defects: unknown[] = [];
  const lines: Record<string, unknown>[] = [];
  const closing = new AbortController();
  const watch = new TargetWatch(target, systemClock, closing.signal);
  const settings = parseOptions({
    presharedKey: PROXY_TOKEN,
    isReady: () => watch.isListening,
    log: () => {},
    env: {},
    ...options,
  });
  const core = new GuardCore(settings, () => {});
  const log = (line: string): void => void lines.push(JSON.parse(line));
  const onDefect = (error: unknown): void => void defects.push(error);
  const proxy = new GuardProxy({ core, target, watch, clock: systemClock, log, onDefect, ...more });
  const port = await start(proxy.server);
  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.all([proxy.close(0), core.close()]);
  };
  return {
    url: `http://127.0.0.1:${port}`,
    target,
    proxy,
    watch,
    lines,
    defects,
    [Symbol.asyncDispose]: close,
  };
}

/** Starts a server on a given port. */
export async function listenOn(server: Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
}

/** Finds a port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await start(server);
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Waits for a condition that has no event. */
export async function waitFor(isDone: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function closeBoth(front: AsyncDisposable, behind: Server): Promise<void> {
  await front[Symbol.asyncDispose]();
  behind.closeAllConnections();
  behind.close();
}
