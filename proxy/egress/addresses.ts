import { lookup } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

/** Decides whether a connection may be made to an address. */
export type MayConnect = (address: string) => boolean;

type Network = readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'];

/** The own pod, the node's metadata service, and what is no single host. */
const forbidden: readonly Network[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  // Link-local, with the metadata services of clouds.
  ['169.254.0.0', 16, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  // Alibaba Cloud's metadata service.
  ['100.100.100.200', 32, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::1', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  // Metadata services of AWS and Google Cloud.
  ['fd00:ec2::254', 128, 'ipv6'],
  ['fd20:ce::254', 128, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

/** Networks that are not reached from everywhere (the registries of RFC 6890). */
const notPublic: readonly Network[] = [
  ...forbidden,
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['100::', 64, 'ipv6'],
  // Teredo, documentation and 6to4, which have IPv4 addresses within.
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
];

/**
 * For services within the cluster: private networks are allowed.
 *
 * @param networks CIDR blocks, the only ones that a service may be in. Absent: every network but the own pod, link-local
 *   addresses and the metadata services of clouds
 */
export function makeMayConnect(networks: readonly string[] | undefined): MayConnect {
  return networks ? makeIsWithin(networks) : makeIsOutside(forbidden);
}

/**
 * For services anywhere: only public addresses are allowed.
 *
 * @param networks CIDR blocks that are allowed, too
 */
export function makeMayConnectPublic(networks: readonly string[]): MayConnect {
  const [isNamed, isPublic] = [makeIsWithin(networks), makeIsOutside(notPublic)];
  return (address) => isPublic(address) || isNamed(address);
}

/** @throws where a network is none */
export function makeIsWithin(networks: readonly string[]): MayConnect {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/');
    list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return (address) => contains(list, address) === true;
}

/** Whether a text is a network in CIDR form. */
export function isNetwork(network: string): boolean {
  const [address = '', prefix = '', ...others] = network.split('/');
  const family = isIP(address);
  return family !== 0 && others.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

function makeIsOutside(networks: readonly Network[]): MayConnect {
  const list = new BlockList();
  for (const [network, prefix, family] of networks) list.addSubnet(network, prefix, family);
  return (address) => contains(list, address) === false;
}

/** Undefined: it is no address. */
function contains(list: BlockList, address: string): boolean | undefined {
  const plain = unmapped(address);
  const family = isIP(plain);
  return family === 0 ? undefined : list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Looks a name up for a connection, and judges each address where the connection is made, so that a name cannot lead
 * elsewhere later. A literal address is not looked up: judge it before.
 *
 * @param refuse makes the error
 */
export function makeGuardedLookup(mayConnect: MayConnect, refuse: (address: string) => Error): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first, ...others] = error ? [] : addresses;
      const bad = error ? undefined : addresses.find(({ address }) => !mayConnect(address));
      if (error) callback(error, [], 0);
      else if (bad || !first) callback(refuse(bad?.address ?? hostname), [], 0);
      else if (options.all) callback(null, [first, ...others]);
      else callback(null, first.address, first.family);
    });
  };
}

/** An IPv4 address within IPv6 (mapped, or translated by NAT64) is judged as what it is. */
function unmapped(address: string): string {
  const [, dotted] = /^(?:::ffff:|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (dotted !== undefined) return dotted;
  const [, high, low] = /^(?:::ffff:|64:ff9b::)([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const bytes = [Number.parseInt(high, 16), Number.parseInt(low, 16)].flatMap((pair) => [pair >> 8, pair & 255]);
  return bytes.join('.');
}
