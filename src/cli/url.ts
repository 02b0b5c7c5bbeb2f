/** `atlas-compute url`: signs and checks URLs of a pod, without any store. */
import { Command } from "commander";
import { signPrefix, verifySignedPrefix } from "../auth/links/prefix.ts";
import { signUrl } from "../auth/signed-url/sign.ts";
import { verifySignedUrl } from "../auth/signed-url/verify.ts";
import { defined } from "../internal/defined.ts";
import { EXIT } from "./exit.ts";
import { print } from "./print.ts";
import { readSecrets } from "./secret.ts";
import { secondsOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

interface SignFlags {
  readonly expires?: number;
  readonly folder?: boolean;
}

const HELP = `
The signing secret is that of the pod: ATLAS_SIGNING_SECRET of this shell, or else a prompt or the first line of standard input. A URL to check opens
the pod, so it is a prompt or the next line, and no argument.

Examples:
  $ atlas-compute url sign https://pod.example/video.m3u8 --expires 10m < secret.txt
  $ printf '%s\\n%s\\n' "$SECRET" "$URL" | atlas-compute url verify`;

const SECRET_QUESTION = "The signing secret";

/** Builds the command with its subcommands. */
export function urlCommand(world: CliWorld): Command {
  const command = new Command("url")
    .description("Signs and checks URLs of a pod.")
    .addHelpText("after", HELP);
  command
    .command("sign")
    .description("prints the URL with a signature that opens it until it expires")
    .argument("<url>", "an http(s) or ws(s) URL, or a path")
    .option("--expires <time>", "validity of the URL: 90, 15m or 2h (default: 1h)", secondsOf)
    .option("--folder", "sign everything below the URL, which ends with a slash", false)
    .action((url: string, flags: SignFlags, self: Command) => sign(world, { url, flags, self }));
  command
    .command("verify")
    .description("exits with 0 when a signed URL is valid now, else with 1")
    .action((_, self: Command) => verify(world, self));
  return command;
}

async function sign(
  world: CliWorld,
  { url, flags, self }: { readonly url: string; readonly flags: SignFlags; readonly self: Command },
): Promise<void> {
  const [secret = ""] = await secretAnd(world, []);
  const options = { secret, now: world.clock.now(), ...defined({ expiresInSeconds: flags.expires }) };
  const signed = flags.folder ? signPrefix(url, options) : signUrl(url, options);
  print({ world, asJson: self.optsWithGlobals().json === true }, { url: signed }, () => `${signed}\n`);
}

async function verify(world: CliWorld, self: Command): Promise<void> {
  const [secret = "", url = ""] = await secretAnd(world, ["The signed URL"]);
  const options = { secret, now: world.clock.now() };
  const path = (URL.parse(url)?.pathname ?? url).split("?")[0];
  const answer = path?.startsWith("/.atlas/")
    ? verifySignedPrefix(path, options)
    : verifySignedUrl(url, options);
  const text = answer.ok
    ? `valid until ${new Date(answer.expiresAt * 1000).toISOString()}\n`
    : `refused: ${answer.reason}\n`;
  print({ world, asJson: self.optsWithGlobals().json === true }, answer, () => text);
  world.setExitCode(answer.ok ? EXIT.done : EXIT.failed);
}

/** The secret of the environment, or else read like the further ones. */
async function secretAnd({ env }: CliWorld, questions: readonly string[]): Promise<readonly string[]> {
  const { ATLAS_SIGNING_SECRET: secret } = env;
  if (!secret) return readSecrets([SECRET_QUESTION, ...questions]);
  return [secret, ...(questions.length > 0 ? await readSecrets(questions) : [])];
}
