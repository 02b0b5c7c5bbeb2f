/** The process of the fake provider, as the run sees it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ProviderMessage, ProviderReport, ProviderRequest } from "./messages.ts";
import type { ProviderSettings } from "./settings.ts";

const PROGRAM = fileURLToPath(new URL("provider-process.ts", import.meta.url));

/** A provider that runs. */
export interface RemoteProvider {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Ends all faults and lags, and does at once what was late. */
  heal(): Promise<void>;
  report(): Promise<ProviderReport>;
  stop(): Promise<void>;
}

/** Starts the provider. */
export async function startProvider(settings: ProviderSettings): Promise<RemoteProvider> {
  const child = fork(PROGRAM, [JSON.stringify(settings)], { execArgv: [] });
  const listening = await next(child);
  if (listening.kind !== "listening") throw new Error("the fake provider does not listen");
  const ask = (request: ProviderRequest): Promise<ProviderMessage> => {
    child.send(request);
    return next(child);
  };
  return {
    url: listening.url,
    heal: async () => {
      await ask("heal");
    },
    report: async () => {
      const answer = await ask("report");
      if (answer.kind !== "report") throw new Error("the fake provider did not report");
      return answer.report;
    },
    stop: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}

async function next(child: ChildProcess): Promise<ProviderMessage> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the fake provider ended with ${code}`);
  });
  const [message] = await Promise.race([once(child, "message"), ended]);
  return message;
}
