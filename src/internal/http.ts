/**
 * The one HTTP client. It owns every retry, every time limit and every error of a request to a provider, so that an
 * adapter only names its request. ky and p-retry are loaded at the first request.
 */
import type * as z from "zod/mini";
import type { CallContext } from "../call-context.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { AtlasError } from "../errors.ts";
import { isAtlasError } from "../errors.ts";
import { abortWith } from "./abort.ts";
import { backoffSeconds } from "./backoff.ts";
import { defined } from "./defined.ts";
import { BodyTooLong, chunksOf, readBeginning, readText } from "./http-body.ts";
import {
  type Asked,
  abandoned,
  type Classify,
  disconnected,
  type HttpRefusal,
  misfit,
  refusalError,
  tooLong,
  unusable,
} from "./http-errors.ts";
import type { HttpRequest } from "./http-request.ts";
import { parseJson } from "./json.ts";
import { retry } from "./retry.ts";
import { userAgent } from "./user-agent.ts";
import { within } from "./within.ts";

export type { HttpRequest } from "./http-request.ts";

/** The options of {@link createHttpClient}. */
export interface HttpClientOptions {
  /** The provider's name, for errors. */
  readonly provider: string;
  readonly baseUrl: string;
  /** The headers of every request, asked for at each one. May throw, for example when a key is missing. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** The provider's own reading of refusals. */
  readonly classify?: Classify;
  /** @default the global fetch, looked up at each request */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Times the pauses between tries. @default the machine's clock */
  readonly clock?: Clock | undefined;
  /** The longest answer that is read, in bytes. @default 10 MB */
  readonly maxBytes?: number;
  /** Waits before each try until the server's rate allows it. Its time does not count as time of the request. */
  readonly turn?: (request: HttpRequest, signal: AbortSignal) => Promise<void>;
  /** @default 3 */
  readonly maxRetries?: number;
  /** The time for all tries and pauses together, in seconds; a pause that does not fit does not begin. @default 30 */
  readonly retryWithinSeconds?: number;
}

/** A client of one provider's API. Every error is an `AtlasError`. */
export interface HttpClient {
  /** Sends a request whose answer does not matter beyond its success. */
  send(request: HttpRequest, context: CallContext): Promise<void>;
  /** Sends a request and parses its JSON answer. */
  read<Schema extends z.ZodMiniType>(
    request: HttpRequest,
    schema: Schema,
    context: CallContext,
  ): Promise<z.infer<Schema>>;
  /**
   * Sends a request and yields its answer's text as it comes. The time limit ends with the arrival of the answer's head;
   * after that only the context's signal ends the stream. A connection that breaks throws TRANSPORT.
   */
  stream(request: HttpRequest, context: CallContext): AsyncIterable<string>;
  /** Like {@link HttpClient.stream}, for an answer that is no text. */
  streamBytes(request: HttpRequest, context: CallContext): AsyncIterable<Uint8Array>;
}

type Settings = HttpClientOptions & {
  readonly clock: Clock;
  readonly maxBytes: number;
  readonly maxRetries: number;
  readonly retryWithinSeconds: number;
};

/** A client of the API below `baseUrl`. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const settings: Settings = {
    ...options,
    clock: options.clock ?? systemClock,
    maxBytes: options.maxBytes ?? 10_000_000,
    maxRetries: options.maxRetries ?? 3,
    retryWithinSeconds: options.retryWithinSeconds ?? 30,
  };
  return {
    send: async (request, context) => {
      await withRetries(settings, request, context, (answer) => textOf(settings, answer));
    },
    read: (request, schema, context) =>
      withRetries(settings, request, context, (answer) => parse(settings, answer, schema)),
    stream: (request, context) => streamText(settings, request, context),
    streamBytes: (request, context) => streamBytes(settings, request, context),
  };
}

/** An answer that counts as success, its body not read yet. */
interface HttpAnswer {
  readonly asked: Asked;
  readonly response: Response;
  /** Frees the transfer of the request's time limit: from now on only the caller's signal ends it, until the returned function is called. */
  readonly outlive: () => () => void;
}

function withRetries<Result>(
  settings: Settings,
  request: HttpRequest,
  context: CallContext,
  use: (answer: HttpAnswer) => Promise<Result>,
): Promise<Result> {
  const { clock, maxRetries, retryWithinSeconds: withinSeconds } = settings;
  const waitSeconds = (error: unknown, retriesConsumed: number): number | undefined =>
    isAtlasError(error) && mayRepeat(error, request)
      ? (error.retryAfterSeconds ?? backoffSeconds(BACKOFF, retriesConsumed))
      : undefined;
  const options = { clock, maxRetries, withinSeconds, signal: context.signal, waitSeconds };
  return retry(options, async () => {
    await settings.turn?.(request, context.signal);
    return attempt(settings, request, context, use);
  });
}

const BACKOFF = { firstSeconds: 0.5, maxSeconds: 60, jitter: 0.5 };

function mayRepeat({ status, code }: AtlasError, { idempotent }: HttpRequest): boolean {
  if (status === 429) return true;
  if (!idempotent) return false;
  return status === undefined ? code === "TRANSPORT" || code === "TIMEOUT" : status === 408 || status >= 500;
}

/** Sends a request once. Its time limit runs on the machine's clock, because the network does, whatever clock times the pauses. */
async function attempt<Result>(
  settings: Settings,
  request: HttpRequest,
  context: CallContext,
  use: (answer: HttpAnswer) => Promise<Result>,
): Promise<Result> {
  const headers = { "user-agent": userAgent, ...settings.headers(), ...request.headers };
  const asked: Asked = { provider: settings.provider, request, secrets: secretsOf(headers, request) };
  const { signal: caller } = context;
  if (caller.aborted) throw abandoned(asked, "was not sent: its caller gave up", false);
  const seconds = request.timeoutSeconds ?? context.requestTimeoutSeconds;
  const error = (): AtlasError => abandoned(asked, `was not answered in ${seconds} s`, true);
  try {
    return await within({ clock: systemClock, seconds, signal: caller, error }, async (signal) => {
      const transfer = new AbortController();
      const release = abortWith(transfer, signal);
      const response = await dispatch(settings, request, headers, transfer.signal);
      if (!response.ok) throw await readRefusal(settings, asked, response);
      const outlive = (): (() => void) => {
        release();
        return abortWith(transfer, caller);
      };
      const result = await use({ asked, response, outlive });
      // The body has been read, and to abort a finished transfer costs processor time.
      release();
      return result;
    });
  } catch (failure) {
    if (isAtlasError(failure)) throw failure;
    if (caller.aborted) throw abandoned(asked, "was cut short: its caller gave up", true);
    throw disconnected(asked, failure);
  }
}

let ky: typeof import("ky").default | undefined;

async function dispatch(
  settings: Settings,
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  ky ??= (await import("ky")).default;
  return ky(settings.baseUrl.replace(/\/+$/, "") + request.path, {
    method: request.method,
    headers: { accept: "application/json", ...headers },
    searchParams: searchParameters(request.query),
    ...defined({ json: request.json, fetch: settings.fetch }),
    redirect: "manual",
    retry: 0,
    timeout: false,
    throwHttpErrors: false,
    signal,
  });
}

function searchParameters(query: HttpRequest["query"] = {}): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) parameters.append(name, String(one));
  }
  return parameters;
}

const REFUSAL_BYTES = 64_000;

async function readRefusal(settings: Settings, asked: Asked, response: Response): Promise<AtlasError> {
  if (response.type === "opaqueredirect" || (response.status >= 300 && response.status < 400))
    return unusable(asked, response, "that is a redirect, and redirects are not followed");
  const text = await readBeginning(response, REFUSAL_BYTES);
  const { status, headers } = response;
  const refusal: HttpRefusal = { status, headers, text, json: parseJson(text) };
  return refusalError(asked, refusal, settings.clock.now(), settings.classify);
}

async function textOf(settings: Settings, { asked, response }: HttpAnswer): Promise<string> {
  const maxBytes = asked.request.maxBytes ?? settings.maxBytes;
  try {
    return await readText(response, maxBytes);
  } catch (error) {
    if (!(error instanceof BodyTooLong)) throw error;
    throw tooLong(asked, response, maxBytes);
  }
}

async function parse<Schema extends z.ZodMiniType>(
  settings: Settings,
  answer: HttpAnswer,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const json = parseJson(await textOf(settings, answer));
  if (json === undefined) throw unusable(answer.asked, answer.response, "its body is not JSON");
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw unusable(answer.asked, answer.response, misfit(parsed.error));
  return parsed.data;
}

async function* streamText(
  settings: Settings,
  request: HttpRequest,
  context: CallContext,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  for await (const chunk of streamBytes(settings, request, context))
    yield decoder.decode(chunk, { stream: true });
}

async function* streamBytes(
  settings: Settings,
  request: HttpRequest,
  context: CallContext,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { asked, response, release } = await withRetries(settings, request, context, async (answer) => ({
    ...answer,
    release: answer.outlive(),
  }));
  try {
    yield* chunksOf(response);
  } catch (error) {
    throw context.signal.aborted
      ? abandoned(asked, "was cut short: its caller gave up", true)
      : disconnected(asked, error);
  } finally {
    release();
  }
}

/** Texts that must not show up in an error: the request's own secrets, and every header value that may be a credential. */
function secretsOf(headers: Readonly<Record<string, string>>, request: HttpRequest): readonly string[] {
  const credentials = Object.entries(headers).filter(([name]) => !PUBLIC_HEADERS.has(name.toLowerCase()));
  const words = credentials.flatMap(([, value]) => [value, ...value.split(/[\s,]+/)]);
  return [...(request.secrets ?? []), ...words.filter((word) => word.length >= SHORTEST_CREDENTIAL)];
}

const PUBLIC_HEADERS = new Set(["accept", "content-type", "user-agent", "last-event-id"]);
const SHORTEST_CREDENTIAL = 8;

/** The answer, or `undefined` when the provider says that the thing does not exist. */
export async function unlessNotFound<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAtlasError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
