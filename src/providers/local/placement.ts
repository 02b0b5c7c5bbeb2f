/** What can be placed on this machine. */
import { existsSync } from "node:fs";
import { AtlasError } from "../../errors.ts";
import { invalid } from "../../internal/parse.ts";
import type { Candidate, PlacementRequest } from "../../provider.ts";
import { REGION } from "./convert.ts";
import { supervisorPath } from "./launch.ts";

/**
 * The one place there is.
 * @throws UNSUPPORTED for what this machine cannot promise; VALIDATION without a command.
 */
export function toCandidate(request: PlacementRequest): Candidate {
  const reason = unsupportedReason(request);
  if (reason !== undefined) throw new AtlasError("UNSUPPORTED", reason, { provider: "local" });
  requireCommand(request);
  return { region: REGION, costPerHour: 0 };
}

/** The command, without which there is nothing to run. @throws VALIDATION when there is none. */
export function requireCommand({ command }: PlacementRequest): readonly string[] {
  if (command !== undefined) return command;
  const allowed = 'what local() runs on this machine, such as ["node", "server.js"]';
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
    return `local() has no GPUs to offer (asked for: ${gpus.join(", ")}); leave gpu out, or use mock() from atlas-compute/mock`;
  if (regions.length > 0 && !regions.includes(REGION))
    return `local() has one region, "${REGION}" (asked for: ${regions.join(", ")})`;
  if (networkVolumeId !== undefined || volumeGb !== undefined)
    return "local() has no volumes; leave volumeGb and networkVolumeId out, the command sees this machine's disk";
  if (!existsSync(supervisorPath()))
    return `local() misses its supervisor (${supervisorPath()}): a bundler left it out; keep atlas-compute external, in Next by serverExternalPackages`;
  return undefined;
}
