/** Compares what a corpus case did with its verdict, and with the laws that hold for every request. */
import type { Seen } from "./behind.ts";
import { corpus, type RawCase, textOf } from "./corpus.ts";
import { exchange, inParallel, type RawAnswer } from "./exchange.ts";

/** Cases at once: few enough for the bound on connections of one address, and for a small machine. */
const PARALLEL = 48;

/** A server under test. */
export interface Subject {
  readonly port: number;
  readonly take: () => readonly Seen[];
  /** True where every request that passes is seen, with its target as it came. */
  readonly isExact: boolean;
  /** True where the guard reads the raw request. Behind a parsed `Request` only the laws hold that every request obeys. */
  readonly isRaw: boolean;
}

const NO_CREDENTIAL: ReadonlySet<string | null> = new Set([null, "none"]);
const WRITTEN = /^[A-Z-]+ \/(?!smuggled)\S* HTTP\/1\.1$/;
const IS_PUBLIC = /^\/(?:healthz|public\/(?:[\w\-.~@+]+\/?)*)(?:\?.*)?$/;

/** Finds a request behind the guard that no credential admitted; `undefined` for one that may be there. */
export function trespass({ method, target, credential, path, isUnread }: Seen): string | undefined {
  // A server that did not read the headers still shows a request that the guard has written, and not the rest of another one.
  if (isUnread && WRITTEN.test(target)) return undefined;
  const isRead = method === "GET" || method === "HEAD";
  const isOpen = isRead && IS_PUBLIC.test(target) && (path === undefined || IS_PUBLIC.test(path));
  if (isOpen || !NO_CREDENTIAL.has(credential)) return undefined;
  return `${method} ${JSON.stringify(target)} reached the server behind without a credential`;
}

/** Runs the whole corpus, and returns a line for each violation. */
export async function violations(
  subject: Subject,
  cases: readonly RawCase[] = corpus.cases,
): Promise<string[]> {
  const answers = new Map<string, RawAnswer>();
  await inParallel(cases, PARALLEL, async (one) => {
    answers.set(one.id, await exchange(subject.port, textOf(one), one.half));
  });
  const seen = await takeAll(subject);
  const trespasses = seen.flatMap((request) => trespass(request) ?? []);
  const wrong = cases.flatMap((one) => {
    const found = seen.filter(({ target }) => target.includes(one.id));
    const answer = answers.get(one.id) ?? { text: "", status: 0 };
    return [fault(one, found, answer, subject)].flatMap((text) =>
      text === undefined ? [] : [`${one.id} ${one.group}: ${one.name}: ${text}`],
    );
  });
  return [...trespasses, ...wrong];
}

/** Takes what the server has noted, until it notes no more. */
async function takeAll({ take }: Subject): Promise<readonly Seen[]> {
  const all: Seen[] = [];
  for (let quiet = 0; quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const fresh = take();
    all.push(...fresh);
    quiet = fresh.length === 0 ? quiet + 1 : 0;
  }
  return all;
}

function fault(
  one: RawCase,
  found: readonly Seen[],
  { status }: RawAnswer,
  { isExact, isRaw }: Subject,
): string | undefined {
  const most = one.requests ?? 1;
  if (found.length > most) return `${found.length} requests reached the server behind`;
  if (!isRaw) return undefined;
  if (one.expect === "refused") {
    if (found.length > 0) return `reached the server behind as ${JSON.stringify(found[0])}`;
    if (status !== 0 && status < 400) return `was answered with ${status}`;
  }
  if (one.expect === "own" && (found.length > 0 || status !== one.status))
    return `was answered with ${status}`;
  if (one.expect !== "passes" || !isExact) return undefined;
  const [first] = found;
  if (first === undefined) return `did not reach the server behind; the answer was ${status}`;
  if (first.target !== one.seen) return `was seen as ${first.target}`;
  if (one.credential !== undefined && first.credential !== one.credential)
    return `was seen with ${first.credential}`;
  return undefined;
}
