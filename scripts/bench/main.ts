/** Every benchmark, one after the other: `npm run bench`. Figures are ratios of what ran side by side; quote none from a busy machine. */
import { run } from "../run.ts";

const BENCHMARKS: readonly string[] = [
  "scripts/size.ts",
  "scripts/bench/spawn.ts",
  "scripts/bench/guard.ts",
  "scripts/bench/streams.ts",
  "scripts/bench/reap.ts",
  "scripts/bench/slots.ts",
  "scripts/bench/writes.ts",
  "scripts/bench/looks.ts",
  "scripts/bench/latency.ts",
  "scripts/bench/operator.ts",
];

for (const benchmark of BENCHMARKS) {
  console.log(`\n=== ${benchmark}`);
  await run(process.execPath, ["--experimental-eventsource", benchmark]);
}
