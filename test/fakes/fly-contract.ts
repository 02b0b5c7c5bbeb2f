/** Fly's specification as a contract, against which every request and answer of a test run is checked. */
import { type Contract, createContract } from "./contract.ts";
import { howToGetSpecs, type Json, loadSpec } from "./specs.ts";

/**
 * The specification without its gaps. Fly's documentation adds `?force=true` for the deletion of an app (Apps resource), and two codes
 * of errors; Fly's own client adds `?wait=true` to the create of an app. The specification lists few refusals, although all of them have one form. And its objects are open, which would let any
 * field pass.
 */
function toMachinesApi(json: Json): Json {
  const patched = JSON.parse(JSON.stringify(json), (_, value: unknown) => closed(value)) as Json;
  const { paths, components } = patched as unknown as Specification;
  for (const operations of Object.values(paths))
    for (const operation of Object.values(operations)) operation.responses.default ??= REFUSAL;
  paths["/apps/{app_name}"]?.delete?.parameters?.push(FORCE);
  const createApp = paths["/apps"]?.post;
  if (createApp !== undefined) createApp.parameters = [...(createApp.parameters ?? []), WAIT];
  components.schemas["main.statusCode"]?.enum?.push("volume_placement_capacity", "name_taken");
  return patched;
}

interface Specification {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly enum?: string[] }>> };
}

interface Operation {
  parameters?: unknown[];
  readonly responses: Record<string, unknown>;
}

const REFUSAL = {
  content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorResponse" } } },
};
const WAIT = { name: "wait", in: "query", schema: { type: "boolean" } };
const FORCE = { name: "force", in: "query", schema: { type: "boolean" } };

function closed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("properties" in value) || "allOf" in value)
    return value;
  return { additionalProperties: false, ...value };
}

const spec = loadSpec("fly-machines.openapi.json");

/** The contract, or `undefined` without the specification. */
export const flyContract: Contract | undefined =
  spec === undefined
    ? undefined
    : createContract({
        spec: toMachinesApi(spec),
        basePath: "/v1",
        except: ({ pathname }) => pathname.startsWith("/api/"),
      });

/** The contract. @throws Error without the specification. */
export function requireFlyContract(): Contract {
  if (flyContract === undefined) throw new Error(howToGetSpecs);
  return flyContract;
}
