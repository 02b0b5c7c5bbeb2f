import { readFileSync } from "node:fs";

const MAX_CONNECTIONS = 10_000;
/** Descriptors for the log, the control plane, the server's own socket and what Node opens. */
const RESERVED_DESCRIPTORS = 64;

/** The most connections that this process can serve. A connection takes two descriptors: its own, and one to the server behind. */
export function defaultMaxConnections(): number {
  const limit = descriptorLimit();
  if (limit === undefined) return MAX_CONNECTIONS;
  return Math.max(1, Math.min(MAX_CONNECTIONS, Math.floor((limit - RESERVED_DESCRIPTORS) / 2)));
}

/** Reads the limit where the system shows it: Node has raised it to the highest value that the system permits. */
function descriptorLimit(): number | undefined {
  try {
    const found = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found?.[1] === undefined ? undefined : Number(found[1]);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
