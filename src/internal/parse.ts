/** Strict parsing of the options that callers pass: every error names the field, the received value and the allowed ones. */
import * as z from "zod/mini";
import { AtlasError } from "../errors.ts";
import { type Defined, defined } from "./defined.ts";
import { nearest } from "./nearest.ts";

/** A field's schema, and in words what it allows. `secret` keeps the received value out of the message. */
export interface Field<Schema extends z.ZodMiniType = z.ZodMiniType> {
  readonly schema: Schema;
  readonly allowed: string;
  readonly secret?: boolean;
}

type Fields = Readonly<Record<string, Field>>;
type Output<F extends Fields, Key extends keyof F> = z.infer<F[Key]["schema"]>;

/** The result of {@link parseFields} for these fields. A field that was left out, or given as `undefined`, is not there. */
export type Parsed<F extends Fields> = Readonly<Defined<{ [Key in keyof F]: Output<F, Key> }>>;

/** Makes a field. */
export function field<Schema extends z.ZodMiniType>(
  schema: Schema,
  allowed: string,
  facts: { secret?: boolean } = {},
): Field<Schema> {
  return { schema, allowed, ...facts };
}

/** Makes a field optional. */
export function optional<Schema extends z.ZodMiniType>(of: Field<Schema>): Field<z.ZodMiniOptional<Schema>> {
  return { ...of, schema: z.optional(of.schema) };
}

/**
 * Parses an object of options. An unknown key is an error.
 * @throws VALIDATION listing every field that is wrong, in `details.fields`.
 */
export function parseFields<const F extends Fields>(what: string, fields: F, input: unknown): Parsed<F> {
  const result = safely(() => schemaOf(fields).safeParse(input));
  if (result === undefined) throw invalid(what, [wholeProblem(fields, input)]);
  if (result.success) return defined(result.data) as Parsed<F>;
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, fields, input));
  throw invalid(what, [...new Map(problems.map((problem) => [problem.field, problem])).values()]);
}

/** Runs a parse. A check that throws is a refusal: an object can have a `length` that compares with no number. */
function safely<Result>(parse: () => Result): Result | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function wholeProblem(fields: Fields, input: unknown): FieldProblem {
  return {
    field: "(the whole)",
    received: wholeInWords(fields, input),
    allowed: `an object with ${Object.keys(fields).join(", ")}`,
  };
}

const schemas = new WeakMap<Fields, z.ZodMiniType<object>>();

/** The schema of an object with these fields, built once: to build one takes many times as long as to use it. */
function schemaOf(fields: Fields): z.ZodMiniType<object> {
  const known = schemas.get(fields);
  if (known !== undefined) return known;
  const shape = Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]));
  const schema = z.strictObject(shape);
  schemas.set(fields, schema);
  return schema;
}

/** One thing that is wrong with an input. */
export interface FieldProblem {
  readonly field: string;
  readonly received: string;
  readonly allowed: string;
}

/** Subjects that take a plural verb. */
const PLURAL = /^(?:the )?(?:options|arguments|limits|metrics|log lines)\b/i;

/** Makes the error for an input with these problems. */
export function invalid(what: string, problems: readonly FieldProblem[]): AtlasError {
  const lines = problems.map(
    ({ field, received, allowed }) => `${field}: got ${received}; allowed: ${allowed}`,
  );
  return new AtlasError(
    "VALIDATION",
    `${what} ${PLURAL.test(what) ? "are" : "is"} not valid. ${lines.join(". ")}`,
    {
      details: { fields: problems },
    },
  );
}

function problemsOf(issue: z.core.$ZodIssue, fields: Fields, input: unknown): FieldProblem[] {
  const names = Object.keys(fields);
  const allowed = names.join(", ");
  if (issue.code === "unrecognized_keys" && issue.path.length === 0)
    return issue.keys.map((key) => ({ field: key, received: unknownKey(key, names), allowed }));
  const top = issue.path[0];
  const of = top === undefined ? undefined : fields[String(top)];
  if (of === undefined) return [wholeProblem(fields, input)];
  const received = of.secret ? kindOf(valueAt(input, issue.path)) : describe(valueAt(input, issue.path));
  return [{ field: pathText(issue.path), received, allowed: of.allowed }];
}

function unknownKey(key: string, names: readonly string[]): string {
  const meant = nearest(key, names);
  return meant === undefined ? "an unknown key" : `an unknown key (did you mean ${meant}?)`;
}

/** A text in place of the options may be the secret that belongs into one of them. */
function wholeInWords(fields: Fields, input: unknown): string {
  return Object.values(fields).some(({ secret }) => secret) ? kindOf(input) : describe(input);
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .slice(1);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (isObject(value) ? Reflect.get(value, part) : undefined),
    input,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "string") return `a string of ${value.length} characters`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Describes a value in words, short enough for an error message. */
export function describe(value: unknown): string {
  if (typeof value === "string")
    return value.length <= 60
      ? JSON.stringify(value)
      : `${JSON.stringify(value.slice(0, 60))}… (${value.length} characters)`;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  return kindOf(value);
}
