/** Downloading images. */
import type { CallContext } from "../../call-context.ts";
import { systemClock } from "../../clock.ts";
import { AtlasError, type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import { parseJson } from "../../internal/json.ts";
import { excerpt } from "../../internal/redact.ts";
import { within } from "../../internal/within.ts";
import type { Host } from "./host.ts";
import { type DockerComputeOptions, type DockerRegistry, PULL_SECONDS } from "./options.ts";
import { pullLine } from "./wire.ts";

const REPORT_MILLISECONDS = 1_000;

/** The references that the daemon accepts, and that change nothing but the image in a path of its API. */
const REFERENCE =
  /^[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]+)?(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/** True for the reference of an image. */
export function isImageReference(image: string): boolean {
  return REFERENCE.test(image);
}

/** Makes sure that the image is there, and downloads it when the policy says so. @throws an error with `mayHaveCreated: false` */
export async function ensureImage(
  host: Host,
  image: string,
  policy: DockerComputeOptions["pull"],
  context: CallContext,
): Promise<void> {
  if (policy !== "always" && (await host.api.hasImage(image, context))) return;
  if (policy === "never")
    throw pullError("VALIDATION", image, 'is not on the daemon\'s machine, and pull is "never"');
  const error = (): AtlasError =>
    pullError("TIMEOUT", image, `was not downloaded in ${PULL_SECONDS} seconds`);
  try {
    await within({ clock: systemClock, seconds: PULL_SECONDS, signal: context.signal, error }, (signal) =>
      pull(host, image, { ...context, signal }),
    );
  } catch (failure) {
    throw withoutInstance(image, failure);
  }
}

async function pull(host: Host, image: string, context: CallContext): Promise<void> {
  const { repository, tag, registry } = partsOf(image);
  const credentials = host.settings.registries[registry];
  const query = {
    repository,
    tag,
    auth: credentials && toAuth(registry, credentials),
    secrets: credentials === undefined ? [] : [credentials.password],
    timeoutSeconds: PULL_SECONDS,
  };
  const progress = new Progress(image, context.report, host.settings.clock);
  for await (const line of linesOf(host.api.pull(query, context))) {
    const { data } = pullLine.safeParse(parseJson(line));
    if (data?.error) throw refusedPull(image, excerpt(data.error, query.secrets));
    if (data !== undefined) progress.add(data);
  }
  if (await host.api.hasImage(image, context)) return;
  throw pullError("UNAVAILABLE", image, "is not there after its download: the daemon ended it early");
}

/** The parts of a reference. Without a tag, the daemon would download every tag. */
export function partsOf(image: string): { repository: string; tag: string; registry: string } {
  const [named = "", digest] = image.split("@");
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const repository = colon < 0 ? named : named.slice(0, colon);
  const [first = ""] = named.split("/", 1);
  const hasRegistry = named.includes("/") && (/[.:]/.test(first) || first === "localhost");
  const tag = digest ?? (colon < 0 ? "latest" : named.slice(colon + 1));
  return { repository, tag, registry: hasRegistry ? first : "docker.io" };
}

function toAuth(registry: string, { username, password }: DockerRegistry): string {
  const serveraddress = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
  const base64 = Buffer.from(JSON.stringify({ username, password, serveraddress })).toString("base64");
  // The daemon takes the alphabet for URLs, and ignores credentials without the padding.
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest.trim() !== "") yield rest;
}

type PullLine = ReturnType<typeof pullLine.parse>;

/** Adds up the layers of a download, and reports their share now and then. */
class Progress {
  readonly #layers = new Map<string, { current: number; total: number }>();
  readonly #image: string;
  readonly #report: CallContext["report"];
  readonly #clock: { now(): Date };
  #reportedAt = 0;

  constructor(image: string, report: CallContext["report"], clock: { now(): Date }) {
    this.#image = image;
    this.#report = report;
    this.#clock = clock;
  }

  add({ id, status, progressDetail }: PullLine): void {
    const { current, total } = progressDetail ?? {};
    if (id && status === "Downloading" && current != null && total != null && total > 0)
      this.#layers.set(id, { current, total });
    const known = id == null ? undefined : this.#layers.get(id);
    if (known !== undefined && status !== "Downloading") known.current = known.total;
    const now = this.#clock.now().getTime();
    if (now - this.#reportedAt < REPORT_MILLISECONDS) return;
    this.#reportedAt = now;
    this.#report?.(`downloading the image ${this.#image}${this.#share()}`);
  }

  #share(): string {
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return "";
    const [current, total] = [layers, layers].map((all, index) =>
      all.reduce((sum, layer) => sum + (index === 0 ? layer.current : layer.total), 0),
    );
    return `: ${Math.round((100 * (current ?? 0)) / (total ?? 1))} % of ${megabytes(total ?? 0)} MB`;
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** Phrases of registries, which come as the text of an error inside an answer that began as success. */
const PHRASES: readonly { readonly text: RegExp; readonly code: AtlasErrorCode }[] = [
  { text: /toomanyrequests|too many requests|rate limit/i, code: "RATE_LIMIT" },
  { text: /no space left on device/i, code: "CAPACITY" },
  { text: /unauthorized|denied|authentication|credentials|forbidden/i, code: "VALIDATION" },
  {
    text: /manifest unknown|not found|does not exist|no matching manifest|invalid reference/i,
    code: "VALIDATION",
  },
];

function refusedPull(image: string, words: string): AtlasError {
  const code = PHRASES.find(({ text }) => text.test(words))?.code ?? "UNAVAILABLE";
  return pullError(code, image, `could not be downloaded: ${words}`);
}

function pullError(code: AtlasErrorCode, image: string, problem: string, cause?: AtlasError): AtlasError {
  const facts = { provider: "docker", mayHaveCreated: false, status: cause?.status };
  return new AtlasError(code, `docker: the image ${image} ${problem}`, facts);
}

/** A download creates no instance, however it ends. */
function withoutInstance(image: string, error: unknown): unknown {
  if (!isAtlasError(error) || error.mayHaveCreated === false) return error;
  const code = error.status === undefined ? error.code : refusedPull(image, error.message).code;
  return pullError(code, image, `could not be downloaded: ${error.message}`, error);
}
