/** A proxy in a process of its own, so that a test can measure its memory alone. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { proxyTo, waitFor } from "./proxied.ts";

/** A running proxy that reports its memory. */
export interface ProxyProcess extends AsyncDisposable {
  readonly url: string;
  /** Resolves with the memory of the whole process in megabytes, because buffers lie outside of the heap. */
  residentMegabytes(): Promise<number>;
}

/** Starts a proxy in front of an address, and waits until the proxy has found a server there. */
export async function startProxyProcess(target: string): Promise<ProxyProcess> {
  const child = fork(fileURLToPath(import.meta.url), [target], { execArgv: [] });
  const [url] = await once(child, "message");
  return {
    url,
    residentMegabytes: () => askForMemory(child),
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await once(child, "exit");
    },
  };
}

async function askForMemory(child: ChildProcess): Promise<number> {
  const answered = once(child, "message");
  child.send("memory");
  const [bytes] = await answered;
  return bytes / 2 ** 20;
}

async function runProxy(target: string): Promise<void> {
  const { url, watch } = await proxyTo(new URL(target));
  await waitFor(() => watch.isListening);
  process.on("message", () => process.send?.(process.memoryUsage.rss()));
  process.on("disconnect", () => process.exit());
  process.send?.(url);
}

const [, program, target] = process.argv;
if (program === fileURLToPath(import.meta.url) && target !== undefined) await runProxy(target);
