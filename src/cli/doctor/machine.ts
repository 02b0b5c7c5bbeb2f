/** This process: its Node, its configuration, and its deployment's name. */
import { deploymentFrom } from "../../deployment-name.ts";
import type { Desk } from "../client.ts";
import { check, type Finding } from "./finding.ts";

/** Looks at this process. */
export function machineFindings({ configFile, parts, world }: Desk): readonly Finding[] {
  const { ok, warning } = check("client");
  const place = configFile ?? "the flags of this command";
  const names = parts.providers.map(({ name }) => name).join(", ");
  const findings = [
    ok(`Node ${process.versions.node}; ${place}; providers ${names}; namespace "${parts.namespace}"`),
  ];
  if (parts.signingKeys.length === 0)
    findings.push(
      warning(
        "the client has no signing key, so only the process that spawned a compute can sign its URLs",
        "set signingKey in createAtlas, or ATLAS_SIGNING_KEY for this command: openssl rand -base64 32 makes one",
      ),
    );
  if (
    configFile === undefined &&
    parts.store.migrate !== undefined &&
    deploymentFrom(world.env) === undefined
  )
    findings.push(
      warning(
        'this deployment has no name, so it is "default": a copy of its database would pass for the original',
        "set ATLAS_DEPLOYMENT to another name in each environment",
      ),
    );
  return findings;
}
