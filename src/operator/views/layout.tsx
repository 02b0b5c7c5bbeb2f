/** The frame of every page, and the parts that several pages show. */
import type { PropsWithChildren } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ComputeStatus } from "../../store.ts";
import { relative, utc } from "../format.ts";
import type { Links } from "../links.ts";
import type { Operator } from "../options.ts";
import { scriptAddress } from "./script.ts";
import { styleAddress } from "./style.ts";

/** The facts that every page has. */
export interface Frame {
  readonly links: Links;
  readonly nonce: string;
  /** Absent on a page for a request that was not let in. */
  readonly operator?: Operator | undefined;
  /** The sentence about a store of another deployment, which no process of this one may change. */
  readonly mismatch?: string | undefined;
}

interface LayoutProps {
  readonly frame: Frame;
  readonly title: string;
  /** The page that the navigation marks. */
  readonly current?: "computes" | "costs" | "reaper";
}

/** A whole page. */
export function Layout({ frame, title, current, children }: PropsWithChildren<LayoutProps>): JSX.Element {
  const { links, nonce, mismatch } = frame;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · Atlas operator`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex, nofollow" />
        <link rel="icon" type="image/svg+xml" href={links.at("icon.svg")} />
        <link rel="stylesheet" href={links.at(styleAddress)} nonce={nonce} />
        <script type="module" src={links.at(scriptAddress)} nonce={nonce} />
      </head>
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <TopBar frame={frame} current={current} />
        {mismatch !== undefined && (
          <p class="banner" role="alert">
            <strong>This deployment does not own the store.</strong> {mismatch} Until then no reaper of this
            deployment ends computes, and they cost money.
          </p>
        )}
        <main id="content" tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}

function TopBar({ frame, current }: { frame: Frame; current: LayoutProps["current"] }): JSX.Element {
  const { links, operator } = frame;
  return (
    <header class="top">
      <a class="brand" href={links.list()}>
        <span class="mark" aria-hidden="true" />
        Atlas <span class="quiet">operator</span>
      </a>
      {operator !== undefined && (
        <>
          <nav aria-label="Pages">
            <a href={links.list()} aria-current={current === "computes" ? "page" : undefined}>
              Computes
            </a>
            <a href={links.at("costs")} aria-current={current === "costs" ? "page" : undefined}>
              Costs
            </a>
            <a href={links.at("reaper")} aria-current={current === "reaper" ? "page" : undefined}>
              Reaper
            </a>
            <a href={links.at("metrics")}>Metrics</a>
          </nav>
          <p class="operator">
            {operator.operator} <span class="tag">{operator.role === "act" ? "may act" : "view only"}</span>
          </p>
        </>
      )}
    </header>
  );
}

/** The state of a compute, as a word with a colour. */
export function State({ status }: { status: ComputeStatus }): JSX.Element {
  return <span class={`state ${status}`}>{status}</span>;
}

/** A time as the way to it, with the time itself beside it for a pointer and for programs. */
export function Moment({ time, now }: { time: Date | string | null; now: Date }): JSX.Element {
  if (time === null) return <span class="quiet">–</span>;
  const date = new Date(time);
  return (
    <time datetime={date.toISOString()} title={`${utc(date)} UTC`}>
      {relative(date, now)}
    </time>
  );
}

/** A page about a failure. */
export function ErrorPage(props: {
  frame: Frame;
  title: string;
  code: string;
  message: string;
}): JSX.Element {
  const { frame, title, code, message } = props;
  return (
    <Layout frame={frame} title={title}>
      <h1>{title}</h1>
      <p class="lead">{message}</p>
      <p class="quiet">
        Code <code>{code}</code>
      </p>
      {frame.operator !== undefined && (
        <p>
          <a href={frame.links.list()}>All computes</a>
        </p>
      )}
    </Layout>
  );
}
