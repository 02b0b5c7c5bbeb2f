/** RunPod's specification of 2026-08-20, updated to the behaviour of its API in October 2026. */
import { type Contract, createContract } from "./contract.ts";
import { findSpec, type Json } from "./specs.ts";

const published = findSpec("runpod-v2.openapi.json");
const spec = published && patched(published);

/** The contract, or `undefined` without the specification. */
export function runpodContract(): Contract | undefined {
  return spec && createContract({ spec, except: ({ pathname }) => !isRest(pathname) });
}

/** True when a path belongs to RunPod's REST API and not to an endpoint. */
export function isRest(pathname: string): boolean {
  return /^\/v2\/(pods|catalog)(\/|$)/.test(pathname);
}

/**
 * Adds the differences between the API and its published file that RunPod's command line tool and documentation show:
 *
 * - `GET /v2/pods` takes `limit` and `cursor`, and answers `pagination`;
 * - `cmd` and `entrypoint` replace `args`;
 * - `gpu` takes `minRamPerGpu` and `minVcpuCountPerGpu`.
 *
 * A newer file may already have them; then nothing changes.
 */
function patched(spec: Json): Json {
  const copy = structuredClone(spec) as Tree;
  const { schemas } = copy.components as { schemas: Record<string, Tree> };
  const parameters = at(copy, "paths", "/v2/pods", "get").parameters as Tree[];
  addParameter(parameters, "limit", { type: "integer", minimum: 1, maximum: 1000 });
  addParameter(parameters, "cursor", { type: "string", minLength: 1 });
  const pagination = {
    type: "object",
    required: ["nextCursor", "hasNextPage"],
    properties: { nextCursor: { type: ["string", "null"] }, hasNextPage: { type: "boolean" } },
  };
  addProperties(at(schemas, "ListPodsResponse"), { pagination });
  const texts = { type: "array", items: { type: "string" } };
  addProperties(at(schemas, "BaseContainerConfig"), { cmd: texts, entrypoint: texts });
  const count = { type: "integer", minimum: 1 };
  const gpu = at(schemas, "CreateGpuConfig").allOf as Tree[];
  addProperties(gpu[1] ?? {}, { minRamPerGpu: count, minVcpuCountPerGpu: count });
  return copy;
}

type Tree = Record<string, unknown>;

function at(tree: Tree, ...path: readonly string[]): Tree {
  return path.reduce((inner, key) => inner[key] as Tree, tree);
}

function addParameter(parameters: Tree[], name: string, schema: Json): void {
  if (!parameters.some((parameter) => parameter.name === name))
    parameters.push({ name, in: "query", schema });
}

function addProperties(schema: Tree, properties: Tree): void {
  schema.properties = { ...properties, ...(schema.properties as Tree | undefined) };
}
