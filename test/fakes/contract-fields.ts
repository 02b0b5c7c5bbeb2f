/** Finds the response fields that an adapter's wire schema reads and the specification lacks. */
import { toJSONSchema, type ZodType } from "zod";
import type * as z from "zod/mini";
import type { Contract } from "./contract.ts";
import type { Json } from "./specs.ts";

/**
 * The paths of the fields that the wire schema names and the specified answer of this operation lacks: `"pods[].gpu.model"`.
 * A specified object that is open (`additionalProperties`) has every field.
 */
export function missingFields(contract: Contract, operation: string, wire: z.ZodMiniType): readonly string[] {
  const schema = toJSONSchema(wire as unknown as ZodType, { io: "input", unrepresentable: "any" }) as Json;
  return walk(contract, schema, [contract.answerSchema(operation)], "");
}

function walk(contract: Contract, wire: Json, specified: readonly Json[], at: string): readonly string[] {
  const variants = [wire, ...branches(wire)];
  const homes = specified.flatMap((schema) => flatten(contract, schema));
  return variants.flatMap((variant) => [
    ...Object.entries(record(variant.properties)).flatMap(([name, inner]) => {
      const found = homes.flatMap((home) => propertyOf(home, name));
      const path = at === "" ? name : `${at}.${name}`;
      return found.length === 0 ? [path] : walk(contract, inner, found, path);
    }),
    ...(isSchema(variant.items)
      ? walk(
          contract,
          variant.items,
          homes.flatMap((home) => (isSchema(home.items) ? [home.items] : [])),
          `${at}[]`,
        )
      : []),
  ]);
}

/** The schema with all of its parts. */
function flatten(contract: Contract, schema: Json): readonly Json[] {
  const resolved = contract.resolve(schema);
  return [resolved, ...branches(resolved).flatMap((branch) => flatten(contract, branch))];
}

function branches(schema: Json): readonly Json[] {
  return [schema.allOf, schema.anyOf, schema.oneOf].flatMap((parts) =>
    Array.isArray(parts) ? parts.filter(isSchema) : [],
  );
}

function propertyOf(home: Json, name: string): readonly Json[] {
  const property = record(home.properties)[name];
  if (property !== undefined) return [property];
  if (home.additionalProperties === true) return [{}];
  return isSchema(home.additionalProperties) ? [home.additionalProperties] : [];
}

function record(value: unknown): Readonly<Record<string, Json>> {
  return isSchema(value) ? (value as Readonly<Record<string, Json>>) : {};
}

function isSchema(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
