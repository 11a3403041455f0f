import { type Command, InvalidArgumentError, Option } from 'commander';

// For commands that accept both kinds of installation.
export const dataOption = 'the data directory of a `chaperone up` (default: .chaperone, where there is one)';
export const namespaceOption = "in a cluster: the operator's namespace (default: chaperone-system)";
export const kubeconfigOption = 'in a cluster: the kubeconfig file (default: as kubectl finds it)';
export const databaseOption = "instead of an installation: a file with the owner's database URL";
export const contextOption = "in a cluster: the kubeconfig's context (default: its current one)";

export const httpClients = ['own', 'undici'];

export function ownVersion(program: Command): string {
  return program.version() ?? '';
}

export function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) throw new InvalidArgumentError('It must be a port: 0 to 65535.');
  return port;
}

export function parseCount(value: string): number {
  if (!/^[1-9]\d{0,2}$/.test(value)) throw new InvalidArgumentError('It must be a number from 1 to 999.');
  return Number(value);
}

export function parseJobId(value: string): string {
  if (!/^[1-9]\d{0,17}$/.test(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function parseNames(value: string): string[] {
  const names = value.split(',').map((name) => name.trim());
  if (!names.every((name) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))) {
    throw new InvalidArgumentError('It must be names of Secrets, separated by commas.');
  }
  return names;
}

export function parseLimit(value: string): number {
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new InvalidArgumentError('It must be a number from 1 to 99999.');
  return Number(value);
}

export function collectHead(value: string, former: readonly string[]): string[] {
  return [...former, value];
}

export function collectImage(value: string, former: readonly string[]): string[] {
  if (!/^[a-z0-9][\w./:@-]*$/i.test(value)) {
    throw new InvalidArgumentError('It must be an image such as registry.example.com/chaperone:0.1.0.');
  }
  return [...former, value];
}

export function parseResources(value: string): object {
  try {
    const resources: unknown = JSON.parse(value);
    if (typeof resources === 'object' && resources !== null) return resources;
  } catch {
    // The error below covers this.
  }
  throw new InvalidArgumentError('It must be JSON such as {"requests":{"cpu":"10m"}}.');
}

export function parseBytes(value: string): number {
  if (!/^[1-9]\d{6,15}$/.test(value)) throw new InvalidArgumentError('It must be a number of bytes, 1000000 at least.');
  return Number(value);
}

export function httpClientOption(): Option {
  return new Option('--http-client <name>', 'how requests reach providers: by our own HTTP/1.1 client, or by undici')
    .choices(httpClients)
    .default('own')
    .env('CHAPERONE_HTTP_CLIENT');
}

/** The error does not quote the value, which may have a password. */
export function parseEgressProxy(value: string): string {
  const url = URL.parse(value);
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return value;
  throw new Error('--sidecar-egress-proxy must be a URL such as http://proxy.example.com:3128');
}

export function parseEndpoint(value: string): string {
  const url = URL.parse(value);
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return value;
  throw new InvalidArgumentError('It must be a URL such as http://collector:4318.');
}

export function parseRatio(value: string): number {
  const ratio = Number(value);
  if (value.trim() !== '' && ratio >= 0 && ratio <= 1) return ratio;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

/** Parses the size of a volume. It must be at least 1Mi, so that the spool has room. */
export function parseDataLimit(value: string): string {
  if (!/^[1-9]\d{0,5}[MGT]i$/.test(value)) throw new InvalidArgumentError('It must be a size such as 512Mi or 5Gi.');
  return value;
}

export function parseSeconds(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError('It must be a number of seconds.');
  return Number(value);
}

/** @returns milliseconds */
export function parsePeriod(value: string): number {
  const ms = parseWait(value);
  if (ms === 0) throw new InvalidArgumentError('It must be longer than zero.');
  return ms;
}

/** @returns milliseconds */
export function parseWait(value: string): number {
  const [, number, unit] = /^(\d+)(s|m)$/.exec(value) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It must be a duration such as 60s or 5m.');
  return Number(number) * (unit === 'm' ? 60_000 : 1_000);
}

export function parseRate(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('It must be a number from 1 to 999999999.');
  return Number(value);
}

export function collectOrigin(value: string, former: readonly string[] = []): string[] {
  return [...former, value];
}

export function parseRoles(value: string): string[] {
  const roles = value.split(',').map((role) => role.trim());
  const unknown = roles.find((role) => !['member', 'analyst', 'reviewer', 'admin'].includes(role));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`"${unknown}" is not a role; the roles are member, analyst, reviewer, admin.`);
  return roles;
}
