"use client";
import { type UsedCompute, useCompute } from "atlas-compute/react";
import { type FormEvent, useState } from "react";

/** The user's GPU: the button that starts it, its way to readiness, and what its pod answers. */
export function Gpu() {
  const gpu = useCompute({ baseUrl: "/api/atlas" });
  const { phase, compute, error } = gpu;
  const isUsable = phase === "ready" || phase === "ending-soon";
  return (
    <section className="card" aria-busy={BOOTING.has(phase)}>
      <header>
        <h1>Your GPU</h1>
        <p className={`state ${phase}`} role="status">
          {gpu.message.split("\n", 1)}
        </p>
      </header>
      {BOOTING.has(phase) && <Steps gpu={gpu} />}
      {compute && !OVER.has(phase) && <Facts gpu={gpu} />}
      {phase === "ending-soon" && <Ending gpu={gpu} />}
      {phase === "failed" && error && <p className="error">{error.message}</p>}
      {isUsable && <Pod gpu={gpu} />}
      <footer>
        {OVER.has(phase) && (
          <button type="button" onClick={() => settle(gpu.open())}>
            Start my GPU
          </button>
        )}
        {compute && !OVER.has(phase) && (
          <button type="button" className="quiet" onClick={() => settle(gpu.end())}>
            Stop
          </button>
        )}
      </footer>
    </section>
  );
}

const OVER = new Set(["none", "ended", "failed"]);
const STEPS = ["placing", "provisioning", "starting"];
const BOOTING = new Set(STEPS);

/** The snapshot shows every failure of a verb. */
function settle(call: Promise<unknown>): void {
  call.catch(() => undefined);
}

function Steps({ gpu: { phase } }: { gpu: UsedCompute }) {
  const at = STEPS.indexOf(phase);
  return (
    <ol className="steps" aria-label="Progress">
      {["Find a GPU", "Boot the machine", "Start the server"].map((label, index) => (
        <li key={label} className={index < at ? "done" : ""} aria-current={index === at ? "step" : undefined}>
          {label}
        </li>
      ))}
    </ol>
  );
}

function Facts({ gpu: { compute, elapsedSeconds, endsAt } }: { gpu: UsedCompute }) {
  return (
    <dl className="facts">
      <div>
        <dt>Running for</dt>
        <dd>{clock(elapsedSeconds)}</dd>
      </div>
      <div>
        <dt>Per hour</dt>
        <dd>{compute?.costPerHour == null ? "…" : `$${compute.costPerHour.toFixed(2)}`}</dd>
      </div>
      <div>
        <dt>Ends at</dt>
        <dd>{endsAt?.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) ?? "…"}</dd>
      </div>
    </dl>
  );
}

function Ending({ gpu }: { gpu: UsedCompute }) {
  return (
    <p className="ending" role="alert">
      It ends at {gpu.endsAt?.toLocaleTimeString()}.
      <button type="button" onClick={() => settle(gpu.extend(1800))}>
        Keep it for 30 minutes more
      </button>
    </p>
  );
}

/** Everything that the page does with the pod itself: the requests go straight to the pod's own address. */
function Pod({ gpu }: { gpu: UsedCompute }) {
  const [answer, setAnswer] = useState("");
  const [sound, setSound] = useState<string>();

  async function ask(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const prompt = String(new FormData(event.currentTarget).get("prompt"));
    setAnswer("");
    const response = await gpu.fetch("/words", { method: "POST", body: prompt });
    if (!response.ok || response.body === null) return setAnswer(`The pod answered ${response.status}.`);
    const words = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let next = await words.read(); !next.done; next = await words.read()) {
      const { value } = next;
      setAnswer((said) => said + value);
    }
  }

  return (
    <div className="pod">
      <form onSubmit={ask}>
        <input name="prompt" aria-label="Your question" defaultValue="What are you?" required />
        <button type="submit">Ask</button>
      </form>
      <output aria-live="polite">{answer}</output>
      <div className="more">
        {sound === undefined ? (
          <button
            type="button"
            className="quiet"
            onClick={async () => setSound(await gpu.signedUrl("/chime.wav"))}
          >
            Load a sound
          </button>
        ) : (
          // biome-ignore lint/a11y/useMediaCaption: a chime says nothing
          <audio controls src={sound} />
        )}
        <button type="button" className="quiet" onClick={() => settle(gpu.openInTab("/"))}>
          Open in a tab
        </button>
      </div>
    </div>
  );
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
