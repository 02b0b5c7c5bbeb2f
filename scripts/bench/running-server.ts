/** A server in a process of its own, and the processor time that it has taken. */
import { readdirSync, readFileSync } from "node:fs";

/** The token that every server accepts. */
export const TOKEN = "c2VjcmV0LXRva2VuLW9mLXRoZS1iZW5jaG1hcms_0123";
/** The origin whose pages may call. */
export const ORIGIN = "https://app.example";

/** A server on a loopback port. */
export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** The processor time of a server so far, in microseconds: of all of its threads, as Linux counts it. */
export function processorTime({ pid }: RunningServer): number {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).reduce((sum, thread) => sum + threadTime(`${folder}/${thread}/schedstat`), 0);
}

/** The first figure counts nanoseconds. A thread that has just ended counts no more. */
function threadTime(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").split(" ")[0]) / 1000;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
