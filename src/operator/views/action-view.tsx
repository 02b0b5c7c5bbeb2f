/** The pages of an action: the question before it, and a token after a rotation. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ComputeSnapshot } from "../../compute-json.ts";
import type { Action } from "../actions.ts";
import { dollars } from "../format.ts";
import { type Frame, Layout, State } from "./layout.tsx";

interface ConfirmProps {
  readonly frame: Frame;
  readonly action: Action;
  readonly compute: ComputeSnapshot;
}

/** Asks before an action. Its form works without a script. */
export function ConfirmPage({ frame, action, compute }: ConfirmProps): JSX.Element {
  const { id, userId, slot, provider, gpu, status } = compute;
  return (
    <Layout frame={frame} title={`${action.label} ${id}`}>
      <h1>
        {action.label} <code>{id}</code>
      </h1>
      <p>
        <State status={status} /> {[userId ?? "no user", slot, provider, gpu].filter(Boolean).join(" · ")},
        has cost {dollars(compute.costSoFar)}
      </p>
      <p class="lead">{action.question}</p>
      <form method="post" action={frame.links.action(id, action.name)}>
        {action.takesSeconds === true && (
          <p>
            <label for="minutes">Minutes</label>{" "}
            <input
              id="minutes"
              name="minutes"
              type="number"
              min="1"
              max="10080"
              step="1"
              value="60"
              required
            />
          </p>
        )}
        <p class="choice">
          <button type="submit" class={action.isGrave ? "button grave" : "button"}>
            {action.label}
          </button>
          <a class="button plain" href={frame.links.compute(id)}>
            Do nothing
          </a>
        </p>
      </form>
    </Layout>
  );
}

/** Shows a new token, this one time. */
export function TokenPage({ frame, id, token }: { frame: Frame; id: string; token: string }): JSX.Element {
  return (
    <Layout frame={frame} title={`New token of ${id}`}>
      <h1>
        New token of <code>{id}</code>
      </h1>
      <p class="lead">This page shows it once. The store keeps its hash only.</p>
      <p>
        <label for="token">Token</label>
        <input
          id="token"
          class="token"
          type="text"
          readonly
          value={token}
          autocomplete="off"
          spellcheck={false}
        />
      </p>
      <p>
        <a href={frame.links.compute(id)}>Back to the compute</a>
      </p>
    </Layout>
  );
}
