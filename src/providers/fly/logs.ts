/** Log lines, from an API that Fly's command line uses and Fly does not document. */
import type { CallContext } from "../../call-context.ts";
import { defined } from "../../internal/defined.ts";
import type { InstanceReference, LogLine, LogOptions } from "../../provider.ts";
import { type Account, appOf } from "./account.ts";
import { getInstance } from "./instances.ts";
import type { LogEntry } from "./wire.ts";

const MAX_PAGES = 50;
const POLL_MILLISECONDS = 2_000;

/** The instance's last lines, then, when following, every new line until the instance is gone or the signal aborts. */
export async function* readLogs(
  account: Account,
  reference: InstanceReference,
  { tail, follow }: LogOptions,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  try {
    const { lines, nextToken } = await readBacklog(account, reference, tail, context);
    yield* lines;
    if (follow) yield* followLogs(account, reference, nextToken, context);
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
}

interface Backlog {
  readonly lines: readonly LogLine[];
  readonly nextToken: string | undefined;
}

async function readBacklog(
  account: Account,
  reference: InstanceReference,
  tail: number,
  context: CallContext,
): Promise<Backlog> {
  let lines: readonly LogLine[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const next = await readPage(account, reference, nextToken, context);
    lines = tail === 0 ? [] : [...lines, ...next.lines].slice(-tail);
    const isLast = next.nextToken === undefined || next.nextToken === nextToken || next.lines.length === 0;
    nextToken = next.nextToken ?? nextToken;
    if (isLast) break;
  }
  return { lines, nextToken };
}

async function* followLogs(
  account: Account,
  reference: InstanceReference,
  from: string | undefined,
  context: CallContext,
): AsyncGenerator<LogLine, void, undefined> {
  let nextToken = from;
  for (;;) {
    const page = await readPage(account, reference, nextToken, context);
    yield* page.lines;
    nextToken = page.nextToken ?? nextToken;
    if (page.lines.length > 0) continue;
    if (await isGone(account, reference, context)) return;
    await account.clock.sleep(POLL_MILLISECONDS, context.signal);
  }
}

async function isGone(
  account: Account,
  reference: InstanceReference,
  context: CallContext,
): Promise<boolean> {
  const instance = await getInstance(account, reference, context);
  return instance === undefined || instance.status === "terminated" || instance.status === "failed";
}

async function readPage(
  account: Account,
  { name, providerId }: InstanceReference,
  nextToken: string | undefined,
  context: CallContext,
): Promise<Backlog> {
  const app = appOf(account, name);
  const instance = providerId === name ? undefined : providerId;
  const page = await account.api.logs({ app, instance, nextToken }, context);
  return { lines: page.entries.map(toLogLine), nextToken: page.nextToken };
}

function toLogLine({ attributes: { message, timestamp, meta } }: LogEntry): LogLine {
  const at = new Date(timestamp ?? Number.NaN);
  return defined({
    line: message,
    source: (meta?.event?.provider ?? "app") === "app" ? "container" : "system",
    at: Number.isNaN(at.getTime()) ? undefined : at,
  } as const);
}
