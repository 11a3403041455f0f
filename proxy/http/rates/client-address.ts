import type { IncomingHttpHeaders } from 'node:http';
import { isIPv6 } from 'node:net';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { makeIsWithin } from '../../egress/addresses.ts';

/** The request's part that tells where it comes from. */
export interface Addressed {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: IncomingHttpHeaders;
}

type Spec = Pick<OrganizationSpec, 'publicApi'>;

/**
 * Makes the function that finds the address of a request's client: that of the connection. Where that is one of
 * `spec.publicApi.trustedProxies`, it is the last address in `X-Forwarded-For` that is none of them, since each proxy adds
 * the address of its own client at the end, and a client may send the header, too. Of IPv6 it is the network of 64 bits,
 * which is what one client has.
 */
export function makeClientAddress(): (request: Addressed, spec: Spec | undefined) => string {
  let known: { readonly networks: readonly string[]; readonly isProxy: (address: string) => boolean } | undefined;
  return ({ socket, headers }, spec) => {
    const peer = socket.remoteAddress ?? '';
    const networks = spec?.publicApi?.trustedProxies;
    const forwarded = headers['x-forwarded-for'];
    if (!networks || forwarded === undefined) return networkOf(peer);
    if (known?.networks !== networks) known = { networks, isProxy: makeIsWithin(networks) };
    const { isProxy } = known;
    const hops = [...String(forwarded).split(','), peer].map((hop) => hop.trim());
    return networkOf(hops.findLast((hop) => !isProxy(hop)) ?? peer);
  };
}

/** The longest text that can be an address. What a client forwards may be anything. */
const maxLength = 45;

function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').slice(0, maxLength);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const groups = [...before, ...zeros, ...after].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}
