import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from 'pg';
import { describeOutage, keepsConnection, type OutageKind, outageKindOf } from '../../database/outage.ts';

function refusal(code: string): Error {
  return Object.assign(new DatabaseError(`error ${code}`, 0, 'error'), { code });
}

const unreachable = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });

const table: readonly (readonly [error: unknown, kind: OutageKind | undefined])[] = [
  [refusal('57014'), 'timeout'],
  [refusal('55P03'), 'lock'],
  ...(['57P01', '57P02', '57P03', '57P05'] as const).map((code) => [refusal(code), 'restarting'] as const),
  ...(['08000', '08006'] as const).map((code) => [refusal(code), 'unreachable'] as const),
  ...(['28000', '28P01', '3D000'] as const).map((code) => [refusal(code), 'login'] as const),
  ...(['53100', '53200', '53300'] as const).map((code) => [refusal(code), 'resources'] as const),
  ...(['22003', '23505', '40001', '42501', '42P01', '54000', 'P0001', 'XX000'] as const).map(
    (code) => [refusal(code), undefined] as const,
  ),
  [unreachable, 'unreachable'],
  [new AggregateError([new Error('what is this'), unreachable]), 'unreachable'],
  [new Error('Connection terminated unexpectedly'), 'unreachable'],
  [new Error('Query read timeout'), 'unreachable'],
  [new Error('Client has encountered a connection error and is not queryable'), 'unreachable'],
  [new Error('Client was closed and is not queryable'), 'unreachable'],
  [new Error('the migration was cut off', { cause: refusal('57P01') }), 'restarting'],
  [new Error('a bug'), undefined],
  ['text', undefined],
  [undefined, undefined],
];

test('an error of the database says why it cannot be used', () => {
  for (const [error, kind] of table) assert.equal(outageKindOf(error), kind, describeOutage(error));
});

test('only a statement that took too long leaves the connection as good as before', () => {
  const kept = table.flatMap(([error, kind]) => (kind && keepsConnection(kind) ? [describeOutage(error)] : []));
  assert.deepEqual(kept, ['error 57014', 'error 55P03']);
});
