import { failClosed } from "../auth/options.ts";
import { loadRetry } from "../internal/retry.ts";
import { type ControlPlaneClient, createControlPlaneClient } from "./life/control-plane.ts";
import { DeadManSwitch } from "./life/dead-man.ts";
import type { HeartbeatAnswer } from "./life/heartbeat.ts";
import { createReporter } from "./life/reporter.ts";
import { deleteOverSocket, endOnce } from "./life/self-ending.ts";
import { SignsOfLife } from "./life/signs.ts";
import type { GuardSettings } from "./options.ts";
import { OriginLog } from "./origin-log.ts";
import { refusal } from "./verdict/answers.ts";
import { refusedOrigin } from "./verdict/cors.ts";
import { decide } from "./verdict/decide.ts";
import type { GuardQuestion, GuardRequest, GuardVerdict } from "./verdict/request.ts";
import { type AcceptedHash, type LiveHash, toLiveHash } from "./verdict/state.ts";

/** The guard behind every kind of server: its state, its verdicts and their effects. */
export class GuardCore {
  readonly #settings: GuardSettings;
  readonly #closing = new AbortController();
  readonly #signs: SignsOfLife | undefined;
  readonly #deadMan: DeadManSwitch | undefined;
  readonly #origins: OriginLog;
  #hashes: readonly LiveHash[];

  constructor(settings: GuardSettings, endProcesses: () => void) {
    this.#settings = settings;
    this.#origins = new OriginLog(settings);
    this.#hashes = settings.hashes.map((hash) => toLiveHash({ hash, expiresAt: null }));
    const client = settings.control && createControlPlaneClient(settings.control, settings);
    this.#signs = client && this.#collectSigns(client);
    this.#deadMan = settings.deadMan && this.#arm(settings.deadMan.unreachableSeconds, client, endProcesses);
    // A pod whose files are gone must still be able to end itself.
    if (this.#signs !== undefined || this.#deadMan !== undefined) void loadRetry();
    this.#logMissingSettings();
  }

  /**
   * Judges a request, and notes a sign of life. Never throws or rejects, whatever the request is. The verdict is a promise only while the
   * guard asks the control plane about a token that its list does not have.
   */
  judge(request: GuardRequest): GuardVerdict | Promise<GuardVerdict> {
    const decision = failClosed(() => this.#decide(request), refusal("malformed", {}));
    failClosed(() => this.#noteOrigin(request), undefined);
    return this.#noted(decision.kind === "question" ? decision.refusal : decision);
  }

  #noted(verdict: GuardVerdict): GuardVerdict {
    if (verdict.kind === "heartbeat") this.heartbeat();
    if (verdict.kind === "pass" && verdict.credential !== "none") this.#signs?.see("requests");
    return verdict;
  }

  /** True when the bytes of a request with this verdict count as signs of life. */
  isWatching(verdict: GuardVerdict): boolean {
    return this.#signs !== undefined && verdict.kind === "pass" && verdict.credential !== "none";
  }

  /** Watches the byte count of an open connection until the returned function is called. */
  watch(countBytes: () => number): () => void {
    return this.#signs?.watch(countBytes) ?? (() => {});
  }

  /** Notes a sign of life from the program in the pod. */
  heartbeat(): void {
    this.#signs?.see("heartbeats");
  }

  /** Replaces the accepted tokens. */
  replaceHashes(hashes: readonly AcceptedHash[]): void {
    this.#hashes = hashes.map(toLiveHash);
  }

  /** Stops the heartbeats and the dead man's switch. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("The guard was closed."));
    await Promise.all([this.#signs?.settled(), this.#deadMan?.done]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #decide(request: GuardRequest): GuardVerdict | GuardQuestion {
    const { signingSecrets, schemes, signedMethods, origins, publicPaths, computeId, isReady, clock } =
      this.#settings;
    return decide(request, {
      hashes: this.#hashes,
      signingSecrets,
      schemes,
      signedMethods,
      standing: "alone",
      origins,
      publicPaths,
      computeId,
      isReady,
      now: clock.now().getTime(),
    });
  }

  #noteOrigin(request: GuardRequest): void {
    const origin = refusedOrigin(request, this.#settings.origins);
    if (origin !== undefined) this.#origins.note(origin);
  }

  #collectSigns(client: ControlPlaneClient): SignsOfLife {
    const { clock, log, signs, deadMan } = this.#settings;
    const { signal } = this.#closing;
    const report = createReporter({
      client,
      clock,
      signal,
      log,
      onAnswer: (answer) => this.#take(answer),
      onContact: (reached) => this.#deadMan?.noteContact(reached),
      onRejection: deadMan && (() => this.#deadMan?.noteRejection()),
    });
    return new SignsOfLife({ kinds: signs, clock, signal, report });
  }

  #take({ hashes, deadline }: HeartbeatAnswer): void {
    if (hashes !== undefined) this.replaceHashes(hashes);
    if (deadline !== undefined) this.#deadMan?.setDeadline(deadline === null ? null : Date.parse(deadline));
  }

  #arm(
    unreachableSeconds: number | null,
    client: ControlPlaneClient | undefined,
    endProcesses: () => void,
  ): DeadManSwitch {
    const { deadline, clock, log, env, fetch } = this.#settings;
    const { signal } = this.#closing;
    return new DeadManSwitch({
      deadline,
      unreachableSeconds,
      probe: client && (async () => (await client.probe(signal)).kind !== "unreachable"),
      end: () => endOnce({ env, fetch, deleteOverSocket, endProcesses }),
      clock,
      signal,
      log,
    });
  }

  #logMissingSettings(): void {
    const { hashes, signingSecrets, control, deadMan, deadline, log } = this.#settings;
    if (hashes.length + signingSecrets.length === 0)
      log(
        "The guard has no key, so it refuses every request but those for public paths. " +
          "Set ATLAS_PRESHARED_KEY (bearer tokens) or ATLAS_SIGNING_SECRET (signed URLs).",
      );
    if (deadMan !== undefined && control === undefined && deadline === null)
      log(
        "The dead man's switch has neither a deadline nor a control plane. Set ATLAS_DEADLINE, or ATLAS_CONTROL_URL and ATLAS_POD_TOKEN.",
      );
  }
}
