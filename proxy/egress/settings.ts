import { BlockList, isIP } from 'node:net';

/** The environment variables that name forward proxies. The lower-case form of each takes precedence. */
export const egressVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;

/** Which forward proxy requests go through. */
export interface EgressSettings {
  /** For `http` origins. */
  readonly httpProxy?: URL;
  /** For `https` origins. */
  readonly httpsProxy?: URL;
  /** Names, addresses and networks that are reached directly, separated by commas. */
  readonly noProxy: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the forward proxies from the environment, as curl does.
 *
 * @returns undefined where it names none
 * @throws Error where a value is not a URL; the message does not quote the value, which may have a password
 */
export function readEgressSettings(environment: Environment): EgressSettings | undefined {
  const read = (name: (typeof egressVariables)[number]) => environment[name.toLowerCase()] || environment[name] || '';
  const httpProxy = parseProxy('HTTP_PROXY', read('HTTP_PROXY'));
  const httpsProxy = parseProxy('HTTPS_PROXY', read('HTTPS_PROXY'));
  if (!httpProxy && !httpsProxy) return undefined;
  return { ...(httpProxy && { httpProxy }), ...(httpsProxy && { httpsProxy }), noProxy: read('NO_PROXY') };
}

/**
 * Chooses the forward proxy for an origin. Undefined where the origin is reached directly, as this machine always is.
 */
export function proxyFor(origin: URL, { httpProxy, httpsProxy, noProxy }: EgressSettings): URL | undefined {
  const proxy = origin.protocol === 'https:' ? httpsProxy : httpProxy;
  if (!proxy) return undefined;
  const host = hostOf(origin.hostname);
  const port = origin.port || (origin.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || isWithin(host, '127.0.0.0/8') || host === '::1') return undefined;
  const entries = noProxy.split(/[\s,]+/).filter((entry) => entry !== '');
  return entries.some((entry) => matches(entry.toLowerCase(), host, port)) ? undefined : proxy;
}

/** Describes a forward proxy for logs, without its password. */
export function describeProxy({ protocol, host }: URL): string {
  return `${protocol}//${host}`;
}

function parseProxy(name: string, text: string): URL | undefined {
  if (text === '') return undefined;
  // Like curl, take a host without a scheme as `http`.
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw new Error(`${name} must be a URL of http or https, such as http://proxy.example.com:3128`);
}

/**
 * Matches an entry of NO_PROXY: `*`, a name and its subdomains, an address or a network, each with or without a port.
 */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (/^[\d.]+\/\d+$|^[\da-f:]+\/\d+$/.test(entry)) return isWithin(host, entry);
  const [, bracketed, plain, entryPort] =
    /^(?:\[([\da-f:]+)\]|([^:]+|[\da-f:]*:[\da-f:]*:[\da-f:]*))(?::(\d+))?$/.exec(entry) ?? [];
  if (entryPort !== undefined && entryPort !== port) return false;
  const name = bracketed ?? plain?.replace(/^\*?\./, '').replace(/\.$/, '');
  if (name === undefined || name === '') return false;
  return host === name || (isIP(host) === 0 && !entry.startsWith('[') && host.endsWith(`.${name}`));
}

function isWithin(host: string, network: string): boolean {
  const version = isIP(host);
  const [address = '', prefix] = network.split('/');
  if (version === 0 || isIP(address) !== version || Number(prefix) > (version === 4 ? 32 : 128)) return false;
  const type = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(prefix), type);
  return list.check(host, type);
}

function hostOf(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}
