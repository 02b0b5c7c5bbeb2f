/** A thread that carries out one job after another. Its schedules share nothing with those of other threads. */
import { parentPort } from "node:worker_threads";
import { carryOut } from "./job.ts";

parentPort?.on("message", async (job) => {
  parentPort?.postMessage(await carryOut(job));
});
