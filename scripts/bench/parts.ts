/** The parts of `npm run bench`: each is a program beside this file, and a table in docs/benchmarks.md. */

/** A part and the first line of its table. */
export interface Part {
  readonly name: string;
  /** The headings of the columns for the figure, our value and the peer's. */
  readonly columns: readonly [measured: string, ours: string, peer: string];
}

/** The parts in the order in which they run. */
export const parts: readonly Part[] = [
  { name: "imports", columns: ["import and bundle", "`atlas-compute` with `runpod`", "peer"] },
  { name: "spawn", columns: ["spawn", "`spawnCompute`", "the same requests"] },
  { name: "credentials", columns: ["function", "`atlas-compute/auth`", "peer"] },
  { name: "guard", columns: ["requests per second", "ours", "peer"] },
  { name: "proxies", columns: ["proxy and figure", "the guard", "peer"] },
  { name: "streams", columns: ["way and figure", "the guard", "peer"] },
  { name: "transfers", columns: ["way and figure", "the guard", "peer"] },
  { name: "followers", columns: ["events", "ours", "peer"] },
  { name: "stores", columns: ["work and rows", "so many rows", "1,000 rows"] },
  { name: "slots", columns: ["read", "ours", "one statement by hand"] },
  { name: "writes", columns: ["write", "ours", "one statement by hand"] },
  { name: "looks", columns: ["at RunPod's fake", "requests", "one for each compute and look"] },
  { name: "latency", columns: ["store", "the page is `ready`", "the event stream has the report"] },
  { name: "operator", columns: ["page", "ours", "statements by hand"] },
];
