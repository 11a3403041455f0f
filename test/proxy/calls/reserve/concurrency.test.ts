import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import type { CallContext } from '../../../../proxy/calls/context.ts';
import { makeConcurrency } from '../../../../proxy/calls/reserve/concurrency.ts';
import { type Reserve, reserveAll } from '../../../../proxy/calls/reserve/reserve.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { makeRecord } from '../../../request-record.ts';
import { makeSnapshot, organizationId } from '../../snapshot.ts';

type Limits = NonNullable<OrganizationSpec['limits']>;
const record = makeRecord(organizationId, {});

function contextWith(...limits: Limits): CallContext {
  const { spec } = makeSnapshot();
  return { inForce: { snapshot: makeSnapshot({ spec: { ...spec, limits } }) } } as unknown as CallContext;
}
const basics = { per: 'Organization', action: 'Enforce', whenUnavailable: 'Allow' } as const;
const limit = (name: string, concurrent: number) => ({ ...basics, name, concurrent });

/** How many calls are let through, of ten at once. */
const table: readonly (readonly [name: string, limits: Limits, letThrough: number, refusedBy: string | undefined])[] = [
  ['no limit', [], 10, undefined],
  ['a limit', [limit('calls', 3)], 3, 'calls'],
  ['several limits, of which the smallest binds', [limit('wide', 5), limit('narrow', 2)], 2, 'narrow'],
  ['a limit that none reaches', [limit('calls', 10)], 10, undefined],
  ['a limit of something else', [{ ...basics, name: 'tokens' }], 10, undefined],
];
for (const [name, limits, letThrough, refusedBy] of table) {
  test(`${name} admits ${letThrough} of ten concurrent calls`, () => {
    const refused: string[] = [];
    const reserve = makeConcurrency((by) => refused.push(by));
    let through = 0;
    for (let call = 0; call < 10; call += 1) {
      try {
        reserve(contextWith(...limits));
        through += 1;
      } catch (error) {
        assert.ok(error instanceof ProxyError && error.code === 'limit_reached');
        assert.equal(error.headers['retry-after'], '1');
      }
    }
    assert.equal(through, letThrough);
    assert.deepEqual(new Set(refused), new Set(refusedBy === undefined ? [] : [refusedBy]));
  });
}

test('a call that ends, or is not made, frees its place for the next', () => {
  const reserve = makeConcurrency(() => {});
  const context = contextWith(limit('calls', 1));
  reserve(context).settle(record);
  reserve(context).release();
  reserve(context);
  assert.throws(() => reserve(context), { code: 'limit_reached', message: /calls lets 1 call be under way at once/ });
});

test('a new limit counts the calls that are already under way', () => {
  const reserve = makeConcurrency(() => {});
  const first = reserve(contextWith());
  const limited = contextWith(limit('calls', 1));
  assert.throws(() => reserve(limited), { code: 'limit_reached' });
  first.settle(record);
  reserve(limited);
});

test('no reservation is kept where one of several is refused', () => {
  const told: string[] = [];
  const make =
    (name: string): Reserve =>
    () => ({ settle: () => told.push(`${name} settled`), release: () => told.push(`${name} released`) });
  const refuse: Reserve = () => {
    throw new ProxyError('limit_reached');
  };
  assert.throws(() => reserveAll([make('one'), make('two'), refuse])(contextWith()), { code: 'limit_reached' });
  assert.deepEqual(told, ['one released', 'two released']);
  const both = reserveAll([make('three'), make('four')])(contextWith());
  both.settle(record);
  both.release();
  assert.deepEqual(told.slice(2), ['three settled', 'four settled', 'three released', 'four released']);
});
