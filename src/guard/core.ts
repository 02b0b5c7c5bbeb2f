import { generationSecret } from "../auth/links/keys.ts";
import { failClosed } from "../auth/options.ts";
import { BoundedMap } from "../internal/bounded-map.ts";
import { loadRetry } from "../internal/retry.ts";
import { type ControlPlaneAccess, createControlPlaneClient } from "./life/control-plane.ts";
import { DeadManSwitch } from "./life/dead-man.ts";
import type { Ending, HeartbeatAnswer } from "./life/heartbeat.ts";
import { Lifeline } from "./life/lifeline.ts";
import { deleteOverSocket, endOnce } from "./life/self-ending.ts";
import type { GuardSettings } from "./options.ts";
import { OriginLog } from "./origin-log.ts";
import { probeServers } from "./servers/listening.ts";
import { refusal } from "./verdict/answers.ts";
import { refusedOrigin } from "./verdict/cors.ts";
import { decide } from "./verdict/decide.ts";
import type { GuardQuestion, GuardRequest, GuardVerdict } from "./verdict/request.ts";
import { type AcceptedHash, type LiveHash, toLiveHash } from "./verdict/state.ts";

/** The time for which a token that the control plane did not know is refused without another question. */
const UNKNOWN_MILLISECONDS = 10_000;
const MAX_UNKNOWN = 256;

/** The guard behind every kind of server: its state, its verdicts and their effects. */
export class GuardCore {
  readonly #settings: GuardSettings;
  readonly #closing = new AbortController();
  /** Resolves at the first request, which shows that the server listens. */
  readonly #listens = Promise.withResolvers<void>();
  readonly #deadMan: DeadManSwitch | undefined;
  readonly #lifeline: Lifeline | undefined;
  readonly #origins: OriginLog;
  /** Digests of tokens that the control plane did not know, with the time of its answer. */
  readonly #unknown = new BoundedMap<string, number>(MAX_UNKNOWN);
  #hashes: readonly LiveHash[];
  #signingSecrets: readonly string[];
  #ending: Ending | undefined;

  constructor(settings: GuardSettings, endProcesses: () => void) {
    this.#settings = settings;
    this.#origins = new OriginLog(settings);
    this.#hashes = settings.hashes.map((hash) => toLiveHash({ hash, expiresAt: null }));
    this.#signingSecrets = settings.signingSecrets;
    this.#deadMan = settings.deadMan && this.#arm(settings.deadMan.unreachableSeconds, endProcesses);
    this.#lifeline = settings.control && this.#connect(settings.control);
    // A pod whose files are gone must still be able to end itself.
    if (this.#lifeline !== undefined || this.#deadMan !== undefined) void loadRetry();
    if (this.#lifeline === undefined || settings.tellsListening) this.#listens.resolve();
    else probeServers(this.#closing.signal);
    this.#logMissingSettings();
  }

  /**
   * Judges a request, and notes a sign of life. Never throws or rejects, whatever the request is. The verdict is a promise only while the
   * guard asks the control plane about a token that its list does not have.
   */
  judge(request: GuardRequest): GuardVerdict | Promise<GuardVerdict> {
    this.#listens.resolve();
    const decision = failClosed(() => this.#decide(request), refusal("malformed", {}));
    failClosed(() => this.#noteOrigin(request), undefined);
    return decision.kind === "question" ? this.#answered(request, decision) : this.#noted(decision);
  }

  /** Answers a question: at once for a token that was unknown a moment ago, else after the control plane has answered. */
  #answered(request: GuardRequest, question: GuardQuestion): GuardVerdict | Promise<GuardVerdict> {
    const { clock } = this.#settings;
    const unknownSince = this.#unknown.get(question.digest) ?? Number.NEGATIVE_INFINITY;
    if (clock.now().getTime() - unknownSince < UNKNOWN_MILLISECONDS) return question.refusal;
    // A clock that fails must not leave a request without an answer.
    return this.#asked(request, question).catch(() => question.unavailable);
  }

  async #asked(request: GuardRequest, question: GuardQuestion): Promise<GuardVerdict> {
    const isAnswered = await this.#lifeline?.ask();
    if (isAnswered !== true) return question.unavailable;
    const decision = failClosed(() => this.#decide(request), question.refusal);
    if (decision.kind !== "question") return this.#noted(decision);
    this.#unknown.set(question.digest, this.#settings.clock.now().getTime());
    return decision.refusal;
  }

  #noted(verdict: GuardVerdict): GuardVerdict {
    if (verdict.kind === "heartbeat") this.heartbeat();
    if (verdict.kind === "pass" && verdict.credential !== "none") this.#lifeline?.see("requests");
    return verdict;
  }

  /** True when the bytes of a request with this verdict count as signs of life. */
  isWatching(verdict: GuardVerdict): boolean {
    return this.#lifeline !== undefined && verdict.kind === "pass" && verdict.credential !== "none";
  }

  /** Watches the byte count of an open connection until the returned function is called. */
  watch(countBytes: () => number): () => void {
    return this.#lifeline?.watch(countBytes) ?? (() => {});
  }

  /** Notes a sign of life from the program in the pod. */
  heartbeat(): void {
    this.#lifeline?.see("heartbeats");
  }

  /** Replaces the accepted tokens. */
  replaceHashes(hashes: readonly AcceptedHash[]): void {
    this.#hashes = hashes.map(toLiveHash);
  }

  /** Stops the heartbeats and the dead man's switch. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("The guard was closed."));
    this.#listens.resolve();
    await Promise.all([this.#lifeline?.settled(), this.#deadMan?.done]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #decide(request: GuardRequest): GuardVerdict | GuardQuestion {
    const { schemes, signedMethods, origins, publicPaths, computeId, isReady, clock } = this.#settings;
    return decide(request, {
      hashes: this.#hashes,
      signingSecrets: this.#signingSecrets,
      schemes,
      signedMethods,
      standing: this.#lifeline?.standing ?? "alone",
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

  #connect(access: ControlPlaneAccess): Lifeline {
    const { clock, log, signs, computeId } = this.#settings;
    return new Lifeline({
      client: createControlPlaneClient(access, this.#settings),
      clock,
      signal: this.#closing.signal,
      log,
      signs,
      computeId,
      listens: this.#listens.promise,
      isReady: () => failClosed(this.#settings.isReady, false),
      onAnswer: (answer) => this.#take(answer),
      onContact: (reached) => this.#deadMan?.noteContact(reached),
      onRejection: () => this.#deadMan?.noteRejection(),
    });
  }

  #take({ hashes, generation, deadline, ending }: HeartbeatAnswer): void {
    this.replaceHashes(hashes);
    this.#signingSecrets = this.#settings.signingSecrets.map((secret) =>
      generationSecret(secret, generation),
    );
    this.#deadMan?.setDeadline(deadline === null ? null : Date.parse(deadline));
    if (ending !== undefined && ending.at !== this.#ending?.at) this.#announce(ending);
    this.#ending = ending;
  }

  /** Tells the program of each planned end once. */
  #announce(ending: Ending): void {
    const { onEnding, log } = this.#settings;
    try {
      onEnding?.(ending);
    } catch (error) {
      log(`onEnding threw ${error instanceof Error ? error.name : "a value"}.`);
    }
  }

  #arm(unreachableSeconds: number | null, endProcesses: () => void): DeadManSwitch {
    const { deadline, control, clock, log, env, fetch } = this.#settings;
    const { signal } = this.#closing;
    return new DeadManSwitch({
      deadline,
      isMovable: control !== undefined,
      unreachableSeconds,
      end: () => endOnce({ env, fetch, deleteOverSocket, endProcesses }),
      clock,
      signal,
      log,
    });
  }

  #logMissingSettings(): void {
    const { hashes, signingSecrets, control, deadMan, deadline, log } = this.#settings;
    if (hashes.length + signingSecrets.length === 0 && control === undefined)
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
