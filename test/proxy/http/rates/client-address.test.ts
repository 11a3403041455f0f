import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeClientAddress } from '../../../../proxy/http/rates/client-address.ts';

const trusted = ['10.0.0.0/8', 'fd00::/8'];

const cases: readonly (readonly [what: string, peer: string, forwarded: string | undefined, address: string])[] = [
  ['a direct client', '203.0.113.7', undefined, '203.0.113.7'],
  ['IPv4 in IPv6', '::ffff:203.0.113.7', undefined, '203.0.113.7'],
  ['a client that pretends', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
  ['a load balancer', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a load balancer in IPv6', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a client that pretends to the load balancer', '10.0.0.1', '1.2.3.4, 198.51.100.1', '198.51.100.1'],
  ['two load balancers', '10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
  ['only load balancers', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.1'],
  ['nonsense', '10.0.0.1', 'x'.repeat(10_000), 'x'.repeat(45)],
  ['two addresses of one network', '2001:db8:1:2:a::1', undefined, '2001:db8:1:2::/64'],
  ['the beginning of a network', '2001:db8::1', undefined, '2001:db8:0:0::/64'],
  ['leading zeros', '2001:0db8:0001:0002::1', undefined, '2001:db8:1:2::/64'],
];

test('the address of a client is that of the connection, unless a trusted proxy forwards another', () => {
  const find = makeClientAddress();
  for (const [what, remoteAddress, forwarded, address] of cases) {
    const request = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } };
    assert.equal(find(request, { publicApi: { trustedProxies: trusted } }), address, what);
  }
});

test('nothing that is forwarded is believed where no proxy is trusted', () => {
  const request = { socket: { remoteAddress: '10.0.0.1' }, headers: { 'x-forwarded-for': '198.51.100.1' } };
  assert.equal(makeClientAddress()(request, {}), '10.0.0.1');
  assert.equal(makeClientAddress()(request, undefined), '10.0.0.1');
});
