/** The list of computes: what runs, for which user, and what it costs. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ComputeSnapshot } from "../../compute-json.ts";
import type { Total } from "../../store.ts";
import { count, dollars, duration } from "../format.ts";
import type { Links } from "../links.ts";
import { type ListQuery, STATES } from "../list-query.ts";
import { type Frame, Layout, Moment, State } from "./layout.tsx";

/** The data of the list. */
export interface ListData {
  readonly query: ListQuery;
  readonly computes: readonly ComputeSnapshot[];
  readonly nextCursor: string | null;
  readonly now: Date;
  /** By provider and status. */
  readonly byState: readonly Total[];
  /** By user, the costliest first. */
  readonly byUser: readonly Total[];
}

/** The page. Its part `live` is read again every few seconds where a script runs. */
export function ListPage({ frame, data }: { frame: Frame; data: ListData }): JSX.Element {
  return (
    <Layout frame={frame} title="Computes" current="computes">
      <div class="head">
        <h1>Computes</h1>
        <Filters links={frame.links} query={data.query} />
      </div>
      <p id="live-state" class="live-state" hidden>
        <span id="live-note" role="status" />
        <button type="button" id="live-pause">
          Pause updates
        </button>
      </p>
      <div id="live">
        <Summary data={data} />
        <div class="columns">
          <section aria-labelledby="list-title">
            <h2 id="list-title" class="unseen">
              List
            </h2>
            <ComputeTable links={frame.links} data={data} />
            <Pager links={frame.links} data={data} />
          </section>
          <Totals links={frame.links} data={data} />
        </div>
      </div>
    </Layout>
  );
}

function Filters({ links, query }: { links: Links; query: ListQuery }): JSX.Element {
  return (
    <form class="filters" method="get" action={links.list()}>
      <label class="unseen" for="search">
        Search ids, names, users and slots
      </label>
      <input
        id="search"
        type="search"
        name="search"
        value={query.search}
        maxlength={200}
        placeholder="Search id, user, slot …"
      />
      <label class="unseen" for="state">
        State
      </label>
      <select id="state" name="state">
        {STATES.map((state) => (
          <option value={state} selected={state === query.state}>
            {state === "all" ? "all, ended too" : state}
          </option>
        ))}
      </select>
      {query.provider !== "" && <input type="hidden" name="provider" value={query.provider} />}
      {query.user !== "" && <input type="hidden" name="user" value={query.user} />}
      <button type="submit">Filter</button>
      <Chip
        name="provider"
        value={query.provider}
        without={links.list({ ...query, provider: "", cursor: "" })}
      />
      <Chip name="user" value={query.user} without={links.list({ ...query, user: "", cursor: "" })} />
    </form>
  );
}

function Chip({
  name,
  value,
  without,
}: {
  name: string;
  value: string;
  without: string;
}): JSX.Element | null {
  if (value === "") return null;
  return (
    <a class="chip" href={without} aria-label={`Remove the filter ${name} ${value}`}>
      {name} {value} <span aria-hidden="true">×</span>
    </a>
  );
}

function Summary({ data: { byState, query } }: { data: ListData }): JSX.Element {
  const sum = (of: (total: Total) => number): number => byState.reduce((all, total) => all + of(total), 0);
  const states = Map.groupBy(byState, ({ keys }) => keys[1] ?? "");
  return (
    <dl class="summary">
      <div>
        <dt>{query.state === "live" ? "Live" : "Computes"}</dt>
        <dd>{count(sum(({ computes }) => computes))}</dd>
      </div>
      <div>
        <dt>Per hour</dt>
        <dd>{dollars(sum(({ costPerHour }) => costPerHour))}</dd>
      </div>
      <div>
        <dt>So far</dt>
        <dd>{dollars(sum(({ costSoFar }) => costSoFar))}</dd>
      </div>
      {[...states].map(([state, totals]) => (
        <div class="minor">
          <dt>{state}</dt>
          <dd>{count(totals.reduce((all, { computes }) => all + computes, 0))}</dd>
        </div>
      ))}
    </dl>
  );
}

const COLUMNS = ["User", "Compute", "Where", "State", "Age", "Idle end", "Latest end", "Per hour", "So far"];

function ComputeTable({ links, data }: { links: Links; data: ListData }): JSX.Element {
  const { computes, now } = data;
  if (computes.length === 0)
    return <p class="empty">No compute matches. Change the filter, or show all states.</p>;
  return (
    <table class="computes">
      <caption class="unseen">Computes, newest first</caption>
      <thead>
        <tr>
          {COLUMNS.map((name) => (
            <th scope="col" class={name.startsWith("Per") || name.startsWith("So") ? "number" : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {computes.map((compute) => (
          <ComputeRow links={links} compute={compute} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function ComputeRow(props: { links: Links; compute: ComputeSnapshot; now: Date }): JSX.Element {
  const { links, compute, now } = props;
  const { id, userId, slot, tenantId, provider, region, gpu, gpuCount, status, reason, lastError } = compute;
  const machine = gpu === null ? "CPU" : `${gpuCount > 1 ? `${gpuCount} × ` : ""}${gpu}`;
  return (
    <tr>
      <td data-label="User">
        {userId === null ? <span class="quiet">no user</span> : userId}
        {(slot !== null || tenantId !== null) && (
          <small>{[slot, tenantId && `tenant ${tenantId}`].filter(Boolean).join(" · ")}</small>
        )}
      </td>
      <th scope="row" data-label="Compute">
        <a class="id" href={links.compute(id)}>
          {id}
        </a>
      </th>
      <td data-label="Where">
        {machine}
        <small>{[provider, region].filter(Boolean).join(" · ")}</small>
      </td>
      <td data-label="State">
        <State status={status} />
        {(reason !== null || lastError !== null) && (
          <small class={lastError === null ? undefined : "bad"}>
            {[reason, lastError && shortened(lastError)].filter(Boolean).join(": ")}
          </small>
        )}
      </td>
      <td data-label="Age">
        <time datetime={compute.createdAt}>
          {duration((now.getTime() - new Date(compute.createdAt).getTime()) / 1000)}
        </time>
      </td>
      <td data-label="Idle end">
        <Moment time={compute.idleDeadline} now={now} />
      </td>
      <td data-label="Latest end">
        <Moment time={compute.lifetimeDeadline} now={now} />
      </td>
      <td data-label="Per hour" class="number">
        {dollars(compute.costPerHour)}
      </td>
      <td data-label="So far" class="number">
        {dollars(compute.costSoFar)}
      </td>
    </tr>
  );
}

/** The number of characters of a failure that the list shows; the page of the compute has them all. */
const MAX_ERROR = 80;

function shortened(message: string): string {
  return message.length > MAX_ERROR ? `${message.slice(0, MAX_ERROR)}…` : message;
}

function Pager({ links, data: { query, nextCursor } }: { links: Links; data: ListData }): JSX.Element | null {
  if (query.cursor === "" && nextCursor === null) return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      {query.cursor !== "" && <a href={links.list({ ...query, cursor: "" })}>Newest</a>}
      {nextCursor !== null && <a href={links.list({ ...query, cursor: nextCursor })}>Older</a>}
    </nav>
  );
}

function Totals({ links, data }: { links: Links; data: ListData }): JSX.Element {
  const { query, byState, byUser } = data;
  const byProvider = [...Map.groupBy(byState, ({ keys }) => keys[0] ?? null)].map(([provider, group]) => ({
    keys: [provider],
    computes: group.reduce((sum, { computes }) => sum + computes, 0),
    costPerHour: group.reduce((sum, { costPerHour }) => sum + costPerHour, 0),
    costSoFar: group.reduce((sum, { costSoFar }) => sum + costSoFar, 0),
  }));
  return (
    <aside class="totals" aria-label="Totals">
      <TotalTable
        title="By provider"
        rows={byProvider}
        hrefOf={(provider) => links.list({ ...query, provider, cursor: "" })}
      />
      <TotalTable
        title="By user, costliest first"
        rows={byUser}
        hrefOf={(user) => links.list({ ...query, user, cursor: "" })}
      />
    </aside>
  );
}

interface TotalTableProps {
  readonly title: string;
  readonly rows: readonly Pick<Total, "keys" | "computes" | "costPerHour" | "costSoFar">[];
  readonly hrefOf: (key: string) => string;
}

function TotalTable({ title, rows, hrefOf }: TotalTableProps): JSX.Element | null {
  if (rows.length === 0) return null;
  return (
    <table>
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" class="number">
            Count
          </th>
          <th scope="col" class="number">
            Per hour
          </th>
          <th scope="col" class="number">
            So far
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ keys: [key = null], computes, costPerHour, costSoFar }) => (
          <tr>
            <th scope="row">
              {key === null ? <span class="quiet">none</span> : <a href={hrefOf(key)}>{key}</a>}
            </th>
            <td class="number">{count(computes)}</td>
            <td class="number">{dollars(costPerHour)}</td>
            <td class="number">{dollars(costSoFar)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
