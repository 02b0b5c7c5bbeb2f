/** A compute as the command line shows it: in a table, and by itself. */

import type { Compute } from "../compute.ts";
import type { ComputeSnapshot } from "../compute-json.ts";
import { defined } from "../internal/defined.ts";
import type { Column } from "./table.ts";
import { dollars, duration, secondsBetween } from "./text.ts";

/** The columns of a list of computes. */
export const COMPUTE_COLUMNS: readonly Column<ComputeSnapshot>[] = [
  { title: "ID", cell: ({ id }) => id },
  { title: "STATUS", cell: statusOf },
  { title: "USER", cell: ({ userId }) => userId ?? "", order: 2 },
  { title: "SLOT", cell: ({ slot }) => slot ?? "", order: 5 },
  { title: "PROVIDER", cell: ({ provider }) => provider, order: 1 },
  { title: "GPU", cell: gpuOf, order: 3 },
  { title: "AGE", cell: (compute) => duration(ageOf(compute)), order: 4 },
  { title: "ENDS IN", cell: (compute) => endsIn(compute) ?? "" },
  { title: "$/HOUR", cell: ({ costPerHour }) => dollars(costPerHour), order: 6 },
  { title: "SO FAR", cell: ({ costSoFar }) => dollars(costSoFar) },
];

/** The state, and the reason of an end. */
export function statusOf({ status, reason }: Pick<ComputeSnapshot, "status" | "reason">): string {
  return reason === null ? status : `${status} (${reason})`;
}

/** The facts of one compute, as pairs. Its token is not among them: only its spawn shows that. */
export function computeFacts(compute: Compute): readonly (readonly [string, string | undefined])[] {
  const shown = compute.snapshot();
  const { auth, lastError, metadata, ports } = shown;
  const tokens = compute.tokens.filter(
    ({ expiresAt }) => expiresAt === null || expiresAt > new Date(shown.now),
  );
  return [
    ["id", shown.id],
    ["status", statusOf(shown)],
    ["provider", `${shown.provider}${shown.region === null ? "" : `, ${shown.region}`}`],
    ["instance", shown.providerId ?? undefined],
    ["name", shown.name],
    ["gpu", gpuOf(shown) || undefined],
    ["user", shown.userId ?? undefined],
    ["slot", shown.slot ?? undefined],
    ["tenant", shown.tenantId ?? undefined],
    ...ports.map(({ internal, url, protocol }): [string, string] => [
      `port ${internal}`,
      url ?? `${protocol}, no address yet`,
    ]),
    ["auth", auth === undefined ? "none" : auth.schemes.join(", ")],
    ["tokens", auth?.hash === undefined ? undefined : `${tokens.length}, the newest with hash ${auth.hash}`],
    ["created", `${shown.createdAt}, ${duration(ageOf(shown))} ago`],
    ["idle end", shown.idleDeadline ?? undefined],
    ["latest end", shown.lifetimeDeadline ?? undefined],
    ["ends in", endsIn(shown)],
    ["cost", `${dollars(shown.costSoFar)} so far, ${dollars(shown.costPerHour)} an hour`],
    ...Object.entries(metadata).map(([name, value]): [string, string] => [`metadata ${name}`, value]),
    ["reports", Object.keys(compute.reports).join(", ") || undefined],
    ["last error", lastError ?? undefined],
  ];
}

/** The URLs of its ports, as pairs. */
export function portFacts({ ports }: Compute): readonly (readonly [string, string | undefined])[] {
  const label = (internal: number): string => (ports.length === 1 ? "url" : `port ${internal}`);
  return ports.map(({ internal, url }) => [label(internal), url ?? "not known yet"]);
}

/** The JSON line of a compute that this command spawned: as `POST /computes` answers. */
export function spawnedJson(compute: Compute): unknown {
  const { auth } = compute;
  if (auth === undefined) return compute.snapshot();
  const { schemes, hash, token } = auth;
  return { ...compute.snapshot(), auth: { schemes, ...defined({ token, hash }) } };
}

function gpuOf({ gpu, gpuCount }: ComputeSnapshot): string {
  if (gpu === null) return "";
  return gpuCount === 1 ? gpu : `${gpuCount} × ${gpu}`;
}

function ageOf({ createdAt, now }: ComputeSnapshot): number {
  return secondsBetween(new Date(createdAt), new Date(now));
}

/** The time until the earliest planned end; `undefined` where none is planned. */
export function endsIn({ endsAt, now }: Pick<ComputeSnapshot, "endsAt" | "now">): string | undefined {
  return endsAt === null ? undefined : duration(secondsBetween(new Date(now), new Date(endsAt)));
}
