import { BlockList, isIP, isIPv6 } from 'node:net';

/** Decides whether a check may be at an address. */
export type MayConnect = (address: string) => boolean;

/**
 * Networks that no check is in, unless the rule names them: the proxy's own pod, the node's metadata service, and what
 * is no single host. Private networks are allowed, since Services of a cluster are there.
 */
const forbidden: readonly (readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'])[] = [
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

/** @param networks CIDR blocks, the only ones that a check may be in. Absent: every network that is not forbidden */
export function makeMayConnect(networks: readonly string[] | undefined): MayConnect {
  const list = new BlockList();
  if (networks) {
    for (const network of networks) {
      const [address = '', prefix = ''] = network.split('/');
      list.addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4');
    }
  } else for (const [network, prefix, family] of forbidden) list.addSubnet(network, prefix, family);
  return (address) => {
    const plain = unmapped(address);
    const family = isIP(plain);
    if (family === 0) return false;
    return list.check(plain, family === 6 ? 'ipv6' : 'ipv4') === (networks !== undefined);
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
