/** An operator page on a mock provider and an SQLite store, with one operator of each role. */
import { type Atlas, createAtlas } from "../../src/index.ts";
import { type ManualClock, type MockProvider, manualClock, mock } from "../../src/providers/mock/index.ts";
import { createOperatorPage, type Operator, type OperatorPageOptions } from "../../src/server/index.ts";
import type { Store } from "../../src/store.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";

export const ORIGIN = "https://app.example";
export const BASE = `${ORIGIN}/operator`;

const OPERATORS: Readonly<Record<string, Operator>> = {
  "session=grace": { operator: "grace", role: "act" },
  "session=vera": { operator: "vera", role: "view" },
};

/** The headers of each operator's browser. */
export const grace: Readonly<Record<string, string>> = { cookie: "session=grace" };
export const vera: Readonly<Record<string, string>> = { cookie: "session=vera" };

/** The page and its parts. */
export interface DeskUnderTest {
  readonly atlas: Atlas;
  readonly clock: ManualClock;
  readonly provider: MockProvider;
  readonly store: Store;
  readonly logged: unknown[][];
  /** Reads a page below the base. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Sends a form, from the page's own origin where the headers name no other one. */
  post(
    path: string,
    form?: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
}

/** Makes the page; the given options replace the usual ones. */
export function deskUnderTest(options: Partial<OperatorPageOptions> = {}): DeskUnderTest {
  const clock = manualClock();
  const provider = mock({ clock });
  const store = sqliteStore(":memory:", { clock });
  const atlas = createAtlas({
    providers: [provider],
    fetch: provider.fetch,
    clock,
    store,
    deployment: "test",
  });
  const logged: unknown[][] = [];
  const note = (...line: unknown[]): void => void logged.push(line);
  const page = createOperatorPage({
    ...{ atlas, clock, basePath: "/operator", logger: { debug: note, info: note, warn: note, error: note } },
    authorize: ({ headers }) => OPERATORS[headers.get("cookie") ?? ""],
    ...options,
  });
  return {
    ...{ atlas, clock, provider, store, logged },
    get: (path, headers = grace) => page(new Request(`${BASE}${path}`, { headers })),
    post: (path, form = {}, headers = grace) =>
      page(
        new Request(`${BASE}${path}`, {
          method: "POST",
          body: new URLSearchParams(form),
          headers: { origin: ORIGIN, ...headers },
        }),
      ),
  };
}
