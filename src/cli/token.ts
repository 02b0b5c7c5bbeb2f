/** `atlas-compute token`: makes, hashes and checks bearer tokens, without any store. */
import { Command, InvalidArgumentError } from "commander";
import { hashToken, mintToken, verifyToken } from "../auth/token.ts";
import { AtlasError } from "../errors.ts";
import { isTokenHash } from "../internal/token-shape.ts";
import { EXIT } from "./exit.ts";
import { print } from "./print.ts";
import type { ReadSecret } from "./secret.ts";
import type { CliWorld } from "./world.ts";

const HELP = `
A token is read from a prompt or from standard input, and never from an argument, which other users of the machine can read.

Examples:
  $ atlas-compute token mint > token.txt
  $ atlas-compute token hash < token.txt
  $ atlas-compute token verify --hash 58bf5a6b… < token.txt`;

/** Builds the command with its subcommands. */
export function tokenCommand(world: CliWorld, readSecret: ReadSecret): Command {
  const command = new Command("token")
    .description("Makes, hashes and checks bearer tokens.")
    .addHelpText("after", HELP);
  command
    .command("mint")
    .description("makes a token: shown this once, with the hash that an application may store")
    .action((_, self: Command) => mint(world, self));
  command
    .command("hash")
    .description("prints the hash of a token")
    .action(async (_, self: Command) => {
      const hash = hashToken(await readToken(readSecret));
      print({ world, asJson: isJson(self) }, { hash }, () => `${hash}\n`);
    });
  command
    .command("verify")
    .description("exits with 0 when the token has this hash, else with 1")
    .requiredOption("--hash <hash>", "hash of the token, 64 hex digits", toHash)
    .action(async ({ hash }: { readonly hash: string }, self: Command) => {
      const valid = verifyToken(await readToken(readSecret), hash);
      print({ world, asJson: isJson(self) }, { valid }, () => (valid ? "valid\n" : "not this token\n"));
      world.setExitCode(valid ? EXIT.done : EXIT.failed);
    });
  return command;
}

/** The token stands alone on standard output, so that it can be stored as it is. */
function mint(world: CliWorld, self: Command): void {
  const { token, hash } = mintToken();
  const asJson = isJson(self);
  print({ world, asJson }, { token, hash }, () => `${token}\n`);
  if (!asJson) world.stderr(`Its hash is ${hash}. The token is shown this once.\n`);
}

async function readToken(readSecret: ReadSecret): Promise<string> {
  const token = await readSecret("The token");
  if (token !== "") return token;
  throw new AtlasError("VALIDATION", "No token was given: write it to standard input.");
}

function isJson(command: Command): boolean {
  return command.optsWithGlobals().json === true;
}

function toHash(text: string): string {
  if (isTokenHash(text)) return text;
  throw new InvalidArgumentError("Write 64 lowercase hex digits, as token hash prints them.");
}
