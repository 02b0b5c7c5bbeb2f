/** `atlas-compute tenants`: registers the services that share a control plane, and rotates their credentials and keys. */
import { Command, InvalidArgumentError } from "commander";
import { systemClock } from "../clock.ts";
import { AtlasError } from "../errors.ts";
import { parseEncryptionKeys } from "../internal/sealed-key.ts";
import {
  createTenant,
  type NewCredential,
  revokeCredentials,
  rotateCredential,
} from "../tenants/credentials.ts";
import { resealProviderKeys, setProviderKey } from "../tenants/provider-keys.ts";
import { listTenants, type Registry, type Tenant } from "../tenants/registry.ts";
import { openStore } from "./open-store.ts";
import { printTable } from "./print.ts";
import type { ReadSecret } from "./secret.ts";
import type { Column } from "./table.ts";
import { namespaceOf } from "./values.ts";
import type { CliWorld } from "./world.ts";

/** The options of every command. */
interface CommonFlags {
  readonly store?: string;
  readonly namespace: string;
}

interface AddFlags extends CommonFlags {
  readonly provider?: string;
}

interface RotateFlags extends AddFlags {
  readonly overlapSeconds: number;
}

interface ListFlags extends CommonFlags {
  readonly json?: boolean;
}

/** The tools of a command. */
interface Desk {
  readonly registry: Registry;
  readonly world: CliWorld;
  readonly readSecret: ReadSecret;
}

const COLUMNS: readonly Column<Tenant>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "CREDENTIALS", cell: ({ credentials }) => (credentials === 0 ? "revoked" : String(credentials)) },
  { title: "PROVIDER KEYS", cell: ({ providers }) => providers.join(",") },
  { title: "CREATED", cell: ({ createdAt }) => createdAt.toISOString(), order: 1 },
  { title: "LAST USED", cell: ({ lastUsedAt }) => lastUsedAt?.toISOString() ?? "never" },
];

const HELP = `
A credential is shown once, alone on standard output; all other messages go to standard error.
The command prompts for a provider key, or reads it from standard input, and stores it encrypted with ATLAS_ENC_KEY.

Examples:
  $ export ATLAS_DATABASE=./atlas.db ATLAS_ENC_KEY="$(openssl rand -base64 32)"
  $ atlas-compute tenants add acme --provider runpod < key-of-acme.txt > credential-of-acme.txt
  $ atlas-compute tenants rotate acme --overlap-seconds 3600
  $ ATLAS_ENC_KEY="$NEW,$OLD" atlas-compute tenants reseal`;

/** Builds the command with its subcommands. */
export function tenantsCommand(world: CliWorld, readSecret: ReadSecret): Command {
  const command = new Command("tenants")
    .description("Registers the services that share a control plane.")
    .option("--store <place>", "sqlite:PATH or a postgres:// URL (default: ATLAS_DATABASE)")
    .option("--namespace <name>", "namespace of the application", namespaceOf, "default")
    .addHelpText("after", HELP);
  const run = <Flags extends CommonFlags>(
    work: (desk: Desk, flags: Flags, name: string) => Promise<void>,
  ): ((this: Command, ...given: unknown[]) => Promise<void>) =>
    async function (this: Command) {
      const flags: Flags = this.optsWithGlobals();
      await atDesk({ world, readSecret, flags }, (desk) => work(desk, flags, this.args[0] ?? ""));
    };
  command
    .command("add <name>")
    .description("registers a tenant and shows its credential")
    .option("--provider <provider>", "also store the tenant's own key for this provider")
    .action(run<AddFlags>(add));
  command.command("list").description("lists the tenants").action(run<ListFlags>(list));
  command
    .command("rotate <name>")
    .description("rotates a tenant's credential, or with --provider replaces its key for that provider")
    .option("--provider <provider>", "store a new key for this provider")
    .option(
      "--overlap-seconds <seconds>",
      "seconds for which the old credentials stay valid",
      toSeconds,
      86_400,
    )
    .action(run<RotateFlags>(rotate));
  command
    .command("revoke <name>")
    .description("revokes every credential of a tenant")
    .action(run<CommonFlags>(revoke));
  command
    .command("reseal")
    .description("seals every provider key with the first key of ATLAS_ENC_KEY, so that the others can go")
    .action(run<CommonFlags>(reseal));
  return command;
}

async function atDesk(
  { world, readSecret, flags }: Omit<Desk, "registry"> & { readonly flags: CommonFlags },
  work: (desk: Desk) => Promise<void>,
): Promise<void> {
  await using open = await openStore(flags.store, world.env);
  const registry = {
    store: open.store,
    namespace: flags.namespace,
    clock: systemClock,
    encryptionKeys: () => parseEncryptionKeys(world.env.ATLAS_ENC_KEY),
  };
  await work({ registry, world, readSecret });
}

async function add(desk: Desk, { provider }: AddFlags, name: string): Promise<void> {
  const { registry, world } = desk;
  const providerKeys = provider === undefined ? {} : { [provider]: await takeKey(desk, name, provider) };
  const made = await createTenant(registry, name, { providerKeys });
  show(world, made);
  world.stderr(`Tenant ${name} is registered. Its credential is shown this once.\n`);
}

async function list({ registry, world }: Desk, { json }: ListFlags): Promise<void> {
  const tenants = await listTenants(registry);
  printTable({ world, asJson: json === true }, tenants, COLUMNS, "No tenant is registered.");
}

async function rotate(desk: Desk, { provider, overlapSeconds }: RotateFlags, name: string): Promise<void> {
  const { registry, world } = desk;
  if (provider !== undefined) {
    await setProviderKey(registry, name, provider, await takeKey(desk, name, provider));
    return world.stderr(`Tenant ${name} has a new key for ${provider}.\n`);
  }
  show(world, await rotateCredential(registry, name, { overlapSeconds }));
  world.stderr(
    `Tenant ${name} has a new credential, shown this once. The old ones expire in ${overlapSeconds} seconds.\n`,
  );
}

async function revoke({ registry, world }: Desk, _flags: CommonFlags, name: string): Promise<void> {
  await revokeCredentials(registry, name);
  world.stderr(`Tenant ${name} is revoked. Its computes run until you end them.\n`);
}

async function reseal({ registry, world }: Desk): Promise<void> {
  const { resealed, unreadable } = await resealProviderKeys(registry);
  world.stderr(`${resealed} provider keys are sealed with the first key of ATLAS_ENC_KEY now.\n`);
  if (unreadable.length === 0) return;
  throw new AtlasError(
    "KEY_UNAVAILABLE",
    `no key of ATLAS_ENC_KEY opens ${unreadable.join(", ")}: add the key that sealed them, or store them again with tenants rotate --provider`,
  );
}

/** Checks the encryption key before a person types the provider key. */
async function takeKey({ registry, readSecret }: Desk, name: string, provider: string): Promise<string> {
  registry.encryptionKeys();
  return readSecret(`The key of ${name} for ${provider}`);
}

function show({ stdout }: CliWorld, { credential }: NewCredential): void {
  stdout(`${credential}\n`);
}

function toSeconds(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Use a whole number of seconds.");
}
