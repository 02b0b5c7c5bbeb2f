/**
 * The run of slots: `npm run chaos:slots`, or `npm run chaos:slots -- --calls 2000 --kills 20 --users 100 --seconds 60`.
 *
 * Four processes ask for the computes of 500 users' slots on one PostgreSQL, against a provider that loses answers, while the run kills them
 * without warning. No two instances may ever live for one slot, and every caller gets the same compute. It exits with 1 when one law is broken.
 */
import { parseArgs } from "node:util";
import { runSlots } from "../test/chaos/slots.ts";

const number = { type: "string" } as const;
const { values } = parseArgs({
  options: { seed: number, users: number, processes: number, calls: number, kills: number, seconds: number },
});
const settings = {
  seed: Number(values.seed ?? Math.floor(Math.random() * 1e9)),
  users: Number(values.users ?? 500),
  processes: Number(values.processes ?? 4),
  calls: Number(values.calls ?? 10_000),
  kills: Number(values.kills ?? 100),
  seconds: Number(values.seconds ?? 300),
};
console.log(`seed ${settings.seed}`);
let told = 0;
const { answers, kills, provider, findings } = await runSlots(settings, (done, killed) => {
  if (performance.now() - told < 5000) return;
  told = performance.now();
  console.log(`${done} calls, ${killed} kills`);
});
const outcomes = Map.groupBy(answers, ({ code, isNew }) => code ?? (isNew ? "spawned" : "found"));
console.log(`calls     ${[...outcomes].map(([outcome, all]) => `${outcome} ${all.length}`).join(", ")}`);
console.log(`kills     ${kills}`);
console.log(`users     ${new Set(answers.map(({ userId }) => userId)).size}`);
console.log(
  `provider  ${provider.requests} requests, at most ${provider.peaks.computesPerUser} instance for one slot at one moment`,
);
console.log(
  `faults    ${Object.entries(provider.faults)
    .map(([fault, count]) => `${fault} ${count}`)
    .join(", ")}`,
);
for (const finding of findings) console.error(`BROKEN    ${finding}`);
process.exitCode = findings.length > 0 ? 1 : 0;
