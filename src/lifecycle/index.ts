/** Every step of a compute's life in one module, which is loaded at the first call and not at the import of the package. */

export { terminate } from "./end.ts";
export { allEvents, followEvents } from "./events.ts";
export { extend } from "./extend.ts";
export { getOrSpawn } from "./get-or-spawn.ts";
export { heartbeat } from "./heartbeat.ts";
export { cancelJob, getJob, jobHealth, runJob, streamJob } from "./jobs.ts";
export { addUp, pageReader } from "./list.ts";
export { readLogs } from "./logs.ts";
export { costs } from "./money/costs.ts";
export { start, stop, touch } from "./power.ts";
export { listGpuTypes } from "./providers.ts";
export { reap } from "./reap/reap.ts";
export { loadRecord } from "./record/change.ts";
export { recordReport } from "./reports.ts";
export { spawn } from "./spawn/spawn.ts";
export { addToken, findByToken, revokeToken, rotateToken } from "./tokens.ts";
export { waitUntilReady } from "./wait.ts";
