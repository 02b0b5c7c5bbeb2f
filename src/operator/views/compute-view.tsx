/** The page of one compute: its facts, its events, the reports of its pod, and what can be done. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { CandidateRefusal } from "../../errors.ts";
import type { ComputeEvent } from "../../store.ts";
import { actionsFor } from "../actions.ts";
import type { ComputeData, Logs } from "../compute-data.ts";
import { dollars, duration, relative, utc } from "../format.ts";
import { Gpus } from "./gpu-view.tsx";
import { type Frame, Layout, Moment, State } from "./layout.tsx";
import { ScrollTable } from "./scroll-table.tsx";

interface ComputeProps {
  readonly frame: Frame;
  readonly data: ComputeData;
  /** A sentence about the action that was just done. */
  readonly notice?: string | undefined;
}

/** The page. */
export function ComputePage({ frame, data, notice }: ComputeProps): JSX.Element {
  const { compute, now, refused, events, gpus, reports, logs } = data;
  return (
    <Layout frame={frame} title={`Compute ${compute.id}`}>
      {notice !== undefined && (
        <p class="notice" role="status">
          {notice}
        </p>
      )}
      <div class="head">
        <h1>
          Compute <code>{compute.id}</code>
        </h1>
        <State status={compute.status} />
        {compute.reason !== null && <span class="quiet">{compute.reason}</span>}
      </div>
      {compute.lastError !== null && <p class="problem">{compute.lastError}</p>}
      <Actions frame={frame} data={data} />
      <div class="panels">
        <Facts data={data} />
        <Gpus gpus={gpus} />
        <Reports reports={reports} now={now} />
        <Refused refused={refused} />
        <Events events={events} now={now} />
        <LogLines logs={logs} />
      </div>
    </Layout>
  );
}

function Actions({ frame, data: { compute } }: { frame: Frame; data: ComputeData }): JSX.Element | null {
  const possible = actionsFor(compute);
  if (frame.operator?.role !== "act" || possible.length === 0) return null;
  return (
    <ul class="actions" aria-label="Actions">
      {possible.map(({ name, label, isGrave }) => (
        <li>
          <a class={isGrave ? "button grave" : "button"} href={frame.links.action(compute.id, name)}>
            {label}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Facts({ data: { compute, now } }: { data: ComputeData }): JSX.Element {
  const age = duration((now.getTime() - new Date(compute.createdAt).getTime()) / 1000);
  const rows: readonly (readonly [string, JSX.Element | string | null])[] = [
    ["User", compute.userId],
    ["Slot", compute.slot],
    ["Tenant", compute.tenantId],
    ["Provider", compute.provider],
    ["Instance", compute.providerId],
    ["Name there", compute.name],
    ["GPU", compute.gpu === null ? "none" : `${compute.gpuCount} × ${compute.gpu}`],
    ["Region", compute.region],
    ["Created", `${utc(new Date(compute.createdAt))} UTC, ${age} ago`],
    ["Idle end", <Moment time={compute.idleDeadline} now={now} />],
    ["Latest end", <Moment time={compute.lifetimeDeadline} now={now} />],
    ["Cost per hour", dollars(compute.costPerHour)],
    ["Cost so far", dollars(compute.costSoFar)],
    ["Ports", compute.ports.map(({ internal, protocol }) => `${internal}/${protocol}`).join(", ")],
    ["Protection", compute.auth?.schemes.join(", ") ?? "none"],
    ...Object.entries(compute.metadata).map(([name, value]) => [`Metadata ${name}`, value] as const),
  ];
  return (
    <section class="tall" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        {rows
          .filter(([, value]) => value !== null && value !== "")
          .map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

function Reports({ reports, now }: { reports: ComputeData["reports"]; now: Date }): JSX.Element | null {
  const kinds = Object.entries(reports).filter(([kind]) => kind !== "gpu-health" && kind !== "logs");
  if (kinds.length === 0) return null;
  return (
    <section aria-labelledby="reports">
      <h2 id="reports">Last reports of the pod</h2>
      <dl class="facts">
        {kinds.map(([kind, report]) => (
          <div>
            <dt>{kind}</dt>
            <dd>
              <Report report={Object(report)} now={now} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Report({ report, now }: { report: Readonly<Record<string, unknown>>; now: Date }): JSX.Element {
  const { at, ...body } = report;
  return (
    <>
      {typeof at === "string" && !Number.isNaN(Date.parse(at)) && <Moment time={at} now={now} />}
      <Data json={JSON.stringify(body)} />
    </>
  );
}

/** The number of characters of data that the page shows unfolded. */
const MAX_DATA = 160;

function Data({ json }: { json: string }): JSX.Element {
  if (json.length <= MAX_DATA) return <code class="data">{json}</code>;
  return (
    <details>
      <summary>
        <code>{json.slice(0, MAX_DATA)}…</code>
      </summary>
      <code class="data">{json}</code>
    </details>
  );
}

function Refused({ refused }: { refused: readonly CandidateRefusal[] }): JSX.Element | null {
  if (refused.length === 0) return null;
  return (
    <section aria-labelledby="refused">
      <h2 id="refused">Candidates that refused</h2>
      <table>
        <caption class="unseen">Candidates that refused, in the order of the tries</caption>
        <thead>
          <tr>
            <th scope="col">Candidate</th>
            <th scope="col">Code</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          {refused.map(({ provider, gpu, region, code, reason }) => (
            <tr>
              <th scope="row">{[provider, gpu, region].filter(Boolean).join(" · ")}</th>
              <td>
                <code>{code}</code>
              </td>
              <td>{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The number of events that the page shows. */
const MAX_EVENTS = 100;

function Events({ events, now }: { events: readonly ComputeEvent[]; now: Date }): JSX.Element {
  return (
    <section class="wide" aria-labelledby="events">
      <h2 id="events">Events</h2>
      <ScrollTable
        label="The last events"
        caption="The last events, newest first"
        columns={["When", "Type", "State", "Data"]}
        class="events"
      >
        <tbody>
          {events.slice(0, MAX_EVENTS).map(({ at, type, status, reason, data }) => (
            <tr>
              <td>
                <time datetime={at.toISOString()} title={relative(at, now)}>
                  {utc(at)}
                </time>
              </td>
              <td>{type}</td>
              <td>
                {status}
                {reason !== null && <small>{reason}</small>}
              </td>
              <td>
                <Data json={JSON.stringify(data)} />
              </td>
            </tr>
          ))}
        </tbody>
      </ScrollTable>
      {events.length > MAX_EVENTS && (
        <p class="quiet">The last {MAX_EVENTS} events. The command line shows all of them.</p>
      )}
    </section>
  );
}

function LogLines({ logs: { lines, failure } }: { logs: Logs }): JSX.Element {
  return (
    <section class="wide" aria-labelledby="logs">
      <h2 id="logs">Last log lines</h2>
      {failure !== undefined && <p class="quiet">No log lines: {failure}.</p>}
      {failure === undefined && lines.length === 0 && (
        <p class="quiet">The program has written nothing yet.</p>
      )}
      {lines.length > 0 && (
        <section class="scroll last-first" tabindex={0} aria-label="The text of the log">
          <pre>{lines.join("\n")}</pre>
        </section>
      )}
    </section>
  );
}
