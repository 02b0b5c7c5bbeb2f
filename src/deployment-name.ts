/** The name of the deployment that a process belongs to. */
import * as z from "zod/mini";
import { type Field, field, optional } from "./internal/parse.ts";

/** A deployment's name, as an option. */
export const deploymentField: Field<z.ZodMiniOptional<z.ZodMiniString>> = optional(
  field(
    z.string().check(z.minLength(1), z.maxLength(100), z.regex(/^[^\s\p{Cc}]*$/u)),
    "a name of 1 to 100 characters without spaces",
  ),
);

/** Warns that a process has no name of its own, so that a copy of its database would pass for the original. */
export const UNNAMED_DEPLOYMENT: string =
  'this deployment has no name, so it is "default": set ATLAS_DEPLOYMENT, or deployment in createAtlas, to another name in each environment, ' +
  "so that a copy of the database ends no pod of this one";

/** The name that the environment gives: `ATLAS_DEPLOYMENT`, or Vercel's environment, a preview's with its branch; `undefined` without either. */
export function deploymentFrom(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { ATLAS_DEPLOYMENT: named, VERCEL_ENV: vercel, VERCEL_GIT_COMMIT_REF: branch } = env;
  if (named) return named;
  if (!vercel) return undefined;
  return vercel === "preview" && branch ? `preview:${branch}` : vercel;
}
