/**
 * Spawns a GPU pod for one user, hands the browser its URL and its token, keeps only the token's hash, and never leaves an abandoned pod running.
 *
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { runpod } from "atlas-compute/runpod";
 * import { sqliteStore } from "atlas-compute/sqlite";
 *
 * const atlas = createAtlas({ providers: [runpod()], store: sqliteStore("./atlas.db") });
 * const compute = await atlas.spawnCompute({ gpu: "h100", image: "ghcr.io/me/server:1", ports: [8000], userId: "user_42" });
 * ```
 * @module
 */
export { type Atlas, createAtlas } from "./atlas.ts";
export type { AtlasJobs } from "./atlas-jobs.ts";
export type { AtlasOptions } from "./atlas-options.ts";
export type { AtlasTotals } from "./atlas-totals.ts";
export type { CallContext } from "./call-context.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Compute, SpawnedCompute } from "./compute.ts";
export type { AuthOf, BearerHeaders, BearerSecrets, ComputeAuth, SigningSecrets } from "./compute-auth.ts";
export type { ComputeFacts, ComputeJson, ComputeSnapshot } from "./compute-json.ts";
export type { OpenOptions, SignOptions } from "./compute-links.ts";
export type { ComputeList, ComputePage } from "./compute-list.ts";
export { spawnCompute } from "./default-client.ts";
export {
  AtlasError,
  type AtlasErrorCode,
  type AtlasErrorFacts,
  atlasErrorCodes,
  type CandidateRefusal,
  isAtlasError,
  type Problem,
} from "./errors.ts";
export {
  canonicalGpu,
  expandGpu,
  type GpuInput,
  gpuNames,
  type KnownGpu,
  type ResolvedGpu,
  resolveGpus,
} from "./gpus.ts";
export type {
  Job,
  JobHealth,
  JobPolicy,
  JobReference,
  JobRequest,
  JobRunner,
  JobStatus,
} from "./job-runner.ts";
export type { ActOptions } from "./lifecycle/actor.ts";
export type { Logger, Phase, Progress, Retention, Timing } from "./lifecycle/context.ts";
export type { EventOptions } from "./lifecycle/events.ts";
export type { ExpectedAnswer } from "./lifecycle/expect.ts";
export type { ExtendOptions } from "./lifecycle/extend.ts";
export type { GetOrSpawnRequest } from "./lifecycle/get-or-spawn.ts";
export type { AtlasJob, JobAddress, RunJobRequest } from "./lifecycle/jobs.ts";
export type { ComputeFilter, ListOptions, TotalsOptions } from "./lifecycle/list.ts";
export type { LogsOptions } from "./lifecycle/logs.ts";
export type { Costs, CostsOptions } from "./lifecycle/money/costs.ts";
export type { ReaperOptions } from "./lifecycle/reap/loop.ts";
export type { ReapOptions, ReapReport } from "./lifecycle/reap/reap.ts";
export type { Reaper } from "./lifecycle/reap/reaper.ts";
export type { ReapEntry } from "./lifecycle/reap/task.ts";
export type { ReportKind } from "./lifecycle/reports.ts";
export type { SpawnOptions } from "./lifecycle/spawn/spawn.ts";
export type { RotatedToken, RotateOptions } from "./lifecycle/tokens.ts";
export type { WaitOptions } from "./lifecycle/wait.ts";
export type { WebhookData, WebhookMessage } from "./lifecycle/webhooks/message.ts";
export type { WebhookEndpoint } from "./lifecycle/webhooks/options.ts";
export type {
  Budget,
  Candidate,
  CreateRequest,
  Edge,
  GpuType,
  Instance,
  InstanceReference,
  InstanceStatus,
  LogLine,
  LogOptions,
  PlacementRequest,
  Port,
  PortProtocol,
  PortRequest,
  Provider,
} from "./provider.ts";
export type { AuthInput, PortInput, ProviderOptions, SpawnRequest } from "./request.ts";
export {
  type AuthScheme,
  type Claim,
  type ComputeEvent,
  type ComputeRecord,
  type ComputeStatus,
  type CostKey,
  type CostQuery,
  type CostSum,
  type Cursor,
  type CursorClaim,
  type CursorMove,
  checkLimits,
  type DaySpending,
  type EndReason,
  type EventFilter,
  type Forgetting,
  isLive,
  type Limits,
  liveStatuses,
  type Migrations,
  type MonthCosts,
  type NewEvent,
  type Note,
  type Page,
  type RecordFilter,
  type Replacing,
  type SlotKey,
  type Snapshot,
  type Store,
  slotTaken,
  type TokenHash,
  type Total,
  type TotalKey,
  type TotalsQuery,
  type Usage,
} from "./store.ts";
export { memoryStore } from "./stores/memory/index.ts";
export type { TenantCredential, TenantRecord, TenantSnapshot, TenantStore } from "./tenant-store.ts";
