/** Fly's specification as a contract, against which every request and answer of a test run is checked. */
import { type Contract, createContract } from "./contract.ts";
import { howToGetSpecs, type Json, loadSpec } from "./specs.ts";

/**
 * The specification without its gaps. Fly's documentation adds `?force=true` for the deletion of an app (Apps resource), and two codes
 * of errors. The specification lists few refusals, although all of them have one form. And its objects are open, which would let any
 * field pass.
 */
function toMachinesApi(json: Json): Json {
  const patched = JSON.parse(JSON.stringify(json), (_, value: unknown) => closed(value)) as Json;
  const { paths, components } = patched as unknown as Specification;
  for (const operations of Object.values(paths))
    for (const operation of Object.values(operations)) operation.responses.default ??= REFUSAL;
  paths["/apps/{app_name}"]?.delete?.parameters?.push(FORCE);
  components.schemas["main.statusCode"]?.enum?.push("volume_placement_capacity", "name_taken");
  return patched;
}

interface Specification {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly enum?: string[] }>> };
}

interface Operation {
  readonly parameters?: unknown[];
  readonly responses: Record<string, unknown>;
}

const REFUSAL = {
  content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorResponse" } } },
};
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
