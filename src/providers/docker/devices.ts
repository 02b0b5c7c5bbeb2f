/** The GPUs of the daemon's machine: the ids by which containers get them, and their types. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CallContext } from "../../call-context.ts";
import { AtlasError } from "../../errors.ts";
import { canonicalGpu, expandGpu } from "../../gpus.ts";
import type { Host } from "./host.ts";
import type { DeviceRequestBody, Info } from "./wire.ts";

/** One GPU. Its type is absent while nothing tells it. */
export interface Device {
  readonly id: string;
  readonly gpu?: string;
}

/** The GPUs, and the way in which containers get them. */
export interface Devices {
  readonly mode: "cdi" | "nvidia";
  /** `undefined` when the daemon does not tell them: then they are indices, until the daemon refuses one. */
  readonly known: readonly Device[] | undefined;
}

/** The name in a request that every GPU fits, also one without a type. */
export const ANY_GPU = "any";

const NVIDIA = "nvidia.com/gpu=";
const NVIDIA_FILES = "/proc/driver/nvidia/gpus";

/** Finds the GPUs. @throws UNSUPPORTED when the daemon can give a container none */
export async function findDevices(host: Host, context: CallContext): Promise<Devices> {
  const { devices, gpu } = host.settings;
  const info = await host.api.info(context);
  const models = host.isLocal ? await readModels() : [];
  const cdi = await cdiDevices(host, info);
  const mode = gpu === "auto" ? modeOf(info, cdi) : gpu;
  if (mode === undefined)
    throw new AtlasError(
      "UNSUPPORTED",
      "docker: the daemon has neither CDI devices nor NVIDIA's runtime: install nvidia-container-toolkit on its machine",
      { provider: "docker" },
    );
  if (devices !== undefined) return { mode, known: devices.map(({ id, gpu: name }) => toDevice(id, name)) };
  const ids = mode === "cdi" && cdi.length > 0 ? cdi : models.map((_, index) => String(index));
  if (ids.length === 0) return { mode, known: undefined };
  return { mode, known: ids.map((id) => toDevice(id, models[Number(id)])) };
}

function modeOf({ CDISpecDirs, Runtimes }: Info, cdi: readonly string[]): Devices["mode"] | undefined {
  if (cdi.length > 0) return "cdi";
  if (Runtimes != null && Object.hasOwn(Runtimes, "nvidia")) return "nvidia";
  return CDISpecDirs != null && CDISpecDirs.length > 0 ? "cdi" : undefined;
}

function toDevice(id: string, model: string | undefined): Device {
  const short = id.startsWith(NVIDIA) ? id.slice(NVIDIA.length) : id;
  return model === undefined ? { id: short } : { id: short, gpu: canonicalGpu("runpod", model) ?? model };
}

/** The ids of the CDI devices: as the daemon tells them (Engine 28.2 and later), else as its files do. */
async function cdiDevices({ isLocal }: Host, info: Info): Promise<readonly string[]> {
  const told = (info.DiscoveredDevices ?? []).flatMap(({ Source, ID }) =>
    Source === "cdi" && ID ? [ID] : [],
  );
  const gpus = told.filter((id) => id.includes("/gpu="));
  if (gpus.length > 0 || !isLocal) return selectIds(gpus);
  const files = await Promise.all((info.CDISpecDirs ?? []).map(readSpecifications));
  return selectIds(files.flat());
}

/** Each GPU once: specifications list it by index, by UUID, and together with all others. */
function selectIds(names: readonly string[]): readonly string[] {
  const ids = [...new Set(names)].filter((name) => !/=all$/.test(name));
  const indices = ids.filter((name) => /=[0-9]+$/.test(name));
  return (indices.length > 0 ? indices : ids).map((name) =>
    name.startsWith(NVIDIA) ? name.slice(NVIDIA.length) : name,
  );
}

async function readSpecifications(folder: string): Promise<readonly string[]> {
  const names = (await unlessMissing(readdir(folder))) ?? [];
  const files = names.filter((name) => /\.(?:json|ya?ml)$/.test(name));
  const texts = await Promise.all(files.map((name) => unlessMissing(readFile(join(folder, name), "utf8"))));
  return texts.flatMap((text) => (text === undefined ? [] : devicesIn(text)));
}

const KIND = /^\s*(?:\{?\s*|.*[{,]\s*)"?kind"?\s*:\s*"?([a-z0-9.-]+\/gpu)"?/m;
const JSON_NAME = /"name"\s*:\s*"([^"]+)"/g;
const YAML_NAME = /^(?:- | {2,4}|- {2,4})name: *"?([^"\n]+?)"?$/gm;

/** The device names in a CDI specification, JSON or YAML: nothing else in it has the key `name`. */
export function devicesIn(specification: string): readonly string[] {
  const kind = KIND.exec(specification)?.[1];
  if (kind === undefined) return [];
  const pattern = specification.trimStart().startsWith("{") ? JSON_NAME : YAML_NAME;
  return [...specification.matchAll(pattern)].map(([, name]) => `${kind}=${name}`);
}

/** The models of this machine's NVIDIA GPUs, by index: NVIDIA numbers them by their place on the bus, as the folders are named. */
async function readModels(): Promise<readonly string[]> {
  const folders = ((await unlessMissing(readdir(NVIDIA_FILES))) ?? []).toSorted();
  const texts = await Promise.all(
    folders.map((folder) => unlessMissing(readFile(join(NVIDIA_FILES, folder, "information"), "utf8"))),
  );
  return texts.map((text) => /^Model:\s*(.+?)\s*$/m.exec(text ?? "")?.[1] ?? "");
}

const MISSING: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "EACCES"]);

async function unlessMissing<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && "code" in error && MISSING.has(error.code)) return undefined;
    throw error;
  }
}

/** The types that a request accepts and the machine has, in the request's order. */
export function matchingTypes({ known }: Devices, gpus: readonly string[]): readonly string[] {
  const types = new Set((known ?? []).map(({ gpu }) => gpu ?? ANY_GPU));
  const wanted = gpus.flatMap(expandGpu);
  return [...new Set(wanted.filter((name) => name === ANY_GPU || types.has(name)))];
}

/** The devices of a type that are not taken, best first. */
export function freeDevices(
  { known }: Devices,
  type: string,
  count: number,
  taken: ReadonlySet<string>,
): readonly string[] {
  const devices = known ?? Array.from({ length: taken.size + count }, (_, index) => ({ id: String(index) }));
  return devices
    .filter((device: Device) => type === ANY_GPU || device.gpu === type)
    .map(({ id }) => id)
    .filter((id) => !taken.has(id));
}

/** The request that gives a container these devices. */
export function toDeviceRequest(mode: Devices["mode"], ids: readonly string[]): DeviceRequestBody {
  if (mode === "nvidia") return { Driver: "", DeviceIDs: ids, Capabilities: [["gpu"]] };
  return { Driver: "cdi", DeviceIDs: ids.map((id) => (id.includes("=") ? id : `${NVIDIA}${id}`)) };
}
