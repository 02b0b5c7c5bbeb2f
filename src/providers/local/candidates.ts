/** The candidate of a request on this machine, and the checks of a request. */
import { existsSync } from "node:fs";
import { AtlasError } from "../../errors.ts";
import { invalid } from "../../internal/parse.ts";
import type { Candidate, PlacementRequest } from "../../provider.ts";
import { REGION } from "./convert.ts";
import { supervisor } from "./supervisor.ts";

/**
 * Finds the only candidate: this machine.
 * @throws UNSUPPORTED for features that this machine lacks, VALIDATION without a command.
 */
export function findCandidates(request: PlacementRequest): readonly Candidate[] {
  checkRequest(request);
  return [{ region: REGION, costPerHour: 0 }];
}

function checkRequest(request: PlacementRequest): void {
  const reason = unsupportedReason(request);
  if (reason !== undefined) throw new AtlasError("UNSUPPORTED", reason, { provider: "local" });
  requireCommand(request);
}

/** The request's command. @throws VALIDATION when it has none. */
export function requireCommand({ command }: PlacementRequest): readonly string[] {
  if (command !== undefined) return command;
  const allowed = 'the command that local() runs on this machine, such as ["node", "server.js"]';
  throw invalid("The request", [{ field: "command", received: "nothing", allowed }]);
}

function unsupportedReason({
  gpus,
  regions,
  networkVolumeId,
  volumeGb,
}: PlacementRequest): string | undefined {
  if (process.platform === "win32")
    return "local() runs on Linux and macOS; on Windows use WSL, or mock() from atlas-compute/mock";
  if (gpus.length > 0)
    return `local() has no GPUs (requested: ${gpus.join(", ")}); leave gpu out, or use mock() from atlas-compute/mock`;
  if (regions.length > 0 && !regions.includes(REGION))
    return `local() has one region, "${REGION}" (requested: ${regions.join(", ")})`;
  if (networkVolumeId !== undefined || volumeGb !== undefined)
    return "local() has no volumes; leave volumeGb and networkVolumeId out, because the command sees this machine's disk";
  if ("path" in supervisor && !existsSync(supervisor.path))
    return `local() lacks its supervisor (${supervisor.path}): a bundler left it out; keep atlas-compute external, in Next with serverExternalPackages`;
  return undefined;
}
