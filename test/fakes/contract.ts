/**
 * Checks requests and answers against an OpenAPI specification (3.0 or 3.1). It wraps a fake's handler and checks both the adapter's
 * requests and the fake's answers, so that neither drifts from the vendor's specification.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Handler } from "./serve.ts";
import type { Json } from "./specs.ts";

/** The header by which a fake marks an answer as broken on purpose. */
export const BROKEN_ON_PURPOSE = "x-fake-broken";

/** One violation of the specification. */
export interface Violation {
  readonly operation: string;
  readonly where: "request" | "answer";
  readonly problem: string;
}

/** The options of a contract. */
export interface ContractOptions {
  readonly spec: Json;
  /** A prefix of the paths of requests that the specification lacks: `"/v1"`. @default "" */
  readonly basePath?: string;
  /** Requests that the specification does not cover: another API behind the same fake. @default none */
  readonly except?: (url: URL) => boolean;
}

/** A contract, and its findings. */
export interface Contract {
  /** The handler, with every request and answer checked. */
  wrap(handler: Handler): Handler;
  readonly violations: readonly Violation[];
  /** Every called operation: `"GET /v2/pods/{id}"`. */
  readonly operations: ReadonlySet<string>;
  /** The schema of a successful answer. */
  answerSchema(operation: string): Json;
  /** Follows `$ref`s. */
  resolve(schema: Json): Json;
}

/** Makes a contract. */
export function createContract(options: ContractOptions): Contract {
  const checker = new Checker(options);
  return {
    wrap: (handler) => async (request) => {
      const operation = await checker.checkRequest(request.clone());
      const response = await handler(request);
      if (operation !== undefined) await checker.checkAnswer(operation, response);
      return response;
    },
    violations: checker.violations,
    operations: checker.operations,
    answerSchema: (operation) => checker.answerSchema(operation),
    resolve: (schema) => checker.resolve(schema),
  };
}

type Compile = (schema: Json) => ValidateFunction;

const KEY = "https://spec.invalid/openapi.json";
const compilers = new WeakMap<Json, Compile>();

/** Compiles the schemas of a specification, each once for all contracts. */
function compilerOf(spec: Json): Compile {
  const compile = compilers.get(spec) ?? newCompiler(spec);
  compilers.set(spec, compile);
  return compile;
}

function newCompiler(spec: Json): Compile {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema({ ...spec, $id: KEY });
  const validators = new Map<string, ValidateFunction>();
  return (schema) => {
    const absolute = JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${KEY}#/`);
    const validator = validators.get(absolute) ?? ajv.compile(JSON.parse(absolute) as Json);
    validators.set(absolute, validator);
    return validator;
  };
}

interface Operation {
  readonly name: string;
  readonly definition: Json;
  readonly parameters: readonly Json[];
}

class Checker {
  readonly violations: Violation[] = [];
  readonly operations: Set<string> = new Set();
  readonly #options: ContractOptions;
  readonly #spec: Json;
  readonly #compile: Compile;

  constructor(options: ContractOptions) {
    this.#options = options;
    this.#spec = options.spec;
    this.#compile = compilerOf(options.spec);
  }

  async checkRequest(request: Request): Promise<Operation | undefined> {
    const url = new URL(request.url);
    if (this.#options.except?.(url)) return undefined;
    const operation = this.#find(request.method, url.pathname);
    if (operation === undefined) {
      this.#report(`${request.method} ${url.pathname}`, "request", "there is no such operation");
      return undefined;
    }
    this.operations.add(operation.name);
    this.#checkQuery(operation, url.searchParams);
    await this.#checkBody(operation, request);
    return operation;
  }

  async checkAnswer(operation: Operation, response: Response): Promise<void> {
    if (response.headers.has(BROKEN_ON_PURPOSE)) return;
    const answers = object(operation.definition.responses);
    const declared = answers[String(response.status)] ?? answers.default;
    if (declared === undefined)
      return this.#report(operation.name, "answer", `the status ${response.status} is not specified`);
    const schema = bodySchema(this.resolve(object(declared)));
    const type = response.headers.get("content-type") ?? "";
    if (schema === undefined || !type.includes("json")) return;
    this.#validate(operation.name, "answer", schema, await response.clone().json());
  }

  answerSchema(name: string): Json {
    const [method = "", path = ""] = name.split(" ");
    const definition = object(object(object(this.#spec.paths)[path])[method.toLowerCase()]);
    const answers = object(definition.responses);
    const success = Object.keys(answers).find((status) => status.startsWith("2")) ?? "default";
    const schema = bodySchema(this.resolve(object(answers[success])));
    if (schema === undefined) throw new Error(`${name} has no answer with a body`);
    return this.resolve(schema);
  }

  resolve(schema: Json): Json {
    if (typeof schema.$ref !== "string") return schema;
    const parts = schema.$ref.replace(/^#\//, "").split("/");
    return this.resolve(parts.reduce((at, part) => object(at[part]), this.#spec));
  }

  #find(method: string, pathname: string): Operation | undefined {
    const path = pathname.slice((this.#options.basePath ?? "").length);
    const templates = Object.entries(object(this.#spec.paths)).sort(
      ([one], [other]) => variables(one) - variables(other),
    );
    for (const [template, item] of templates) {
      const definition = object(item)[method.toLowerCase()];
      if (definition === undefined || !matches(template, path)) continue;
      const parameters = [...list(object(item).parameters), ...list(object(definition).parameters)];
      return {
        name: `${method} ${template}`,
        definition: object(definition),
        parameters: parameters.map((parameter) => this.resolve(object(parameter))),
      };
    }
    return undefined;
  }

  #checkQuery({ name, parameters }: Operation, query: URLSearchParams): void {
    const known = parameters.filter((parameter) => parameter.in === "query");
    for (const key of query.keys())
      if (!known.some((parameter) => parameter.name === key || parameter.style === "deepObject"))
        this.#report(name, "request", `the query has ${key}, which is not specified`);
    for (const parameter of known) {
      const given = query.getAll(String(parameter.name));
      if (given.length === 0 && parameter.required === true)
        this.#report(name, "request", `the query lacks ${parameter.name}`);
      if (given.length === 0 || parameter.schema === undefined) continue;
      const schema = object(parameter.schema);
      this.#validate(name, "request", schema, this.#coerce(parameter, given), `query ${parameter.name}`);
    }
  }

  #coerce(parameter: Json, given: readonly string[]): unknown {
    const { type } = this.resolve(object(parameter.schema));
    if (type === "array")
      return parameter.explode === false ? given.flatMap((text) => text.split(",")) : given;
    const [text = ""] = given;
    if (type === "integer" || type === "number") return Number(text);
    return type === "boolean" ? text === "true" : text;
  }

  async #checkBody({ name, definition }: Operation, request: Request): Promise<void> {
    const text = await request.text();
    const declared =
      definition.requestBody === undefined ? undefined : this.resolve(object(definition.requestBody));
    if (declared === undefined) {
      if (text !== "") this.#report(name, "request", "it has a body, and none is specified");
      return;
    }
    if (text === "" && declared.required !== true) return;
    const schema = bodySchema(declared);
    if (schema !== undefined)
      this.#validate(name, "request", schema, text === "" ? undefined : JSON.parse(text));
  }

  #validate(
    operation: string,
    where: Violation["where"],
    schema: Json,
    value: unknown,
    what = "the body",
  ): void {
    const validate = this.#compile(schema);
    if (validate(value)) return;
    const problems = (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
    this.#report(operation, where, `${what}: ${problems.join(", ")}`);
  }

  #report(operation: string, where: Violation["where"], problem: string): void {
    this.violations.push({ operation, where, problem });
  }
}

function bodySchema(declared: Json): Json | undefined {
  const types = Object.entries(object(declared.content ?? {}));
  const json = types.find(([type]) => type.includes("json"));
  return json === undefined ? undefined : object(object(json[1]).schema);
}

function matches(template: string, path: string): boolean {
  const pattern = template
    .split("/")
    .map((part) => (part.startsWith("{") ? "[^/]+" : part.replaceAll(".", "\\.")));
  return new RegExp(`^${pattern.join("/")}$`).test(path);
}

function variables(template: string): number {
  return template.split("{").length;
}

function object(value: unknown): Json {
  if (typeof value !== "object" || value === null)
    throw new Error(`the specification has ${String(value)} for an object`);
  return value as Json;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
