import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoredLogin } from '../../../database/organizations.ts';
import { decideConnections, judgeLimits } from '../../../operator/organizations/limits.ts';

const login: StoredLogin = {
  connectionLimit: 20,
  connections: 4,
  hasItsSettings: true,
  wasLimited: true,
  hasOldSessions: false,
};

describe('how many connections an organization may have', () => {
  const cases: readonly (readonly [
    title: string,
    stated: number | undefined,
    sidecars: number | undefined,
    login: Partial<StoredLogin> | undefined,
    expected: number,
  ])[] = [
    ['as the Organization says', 7, 100, {}, 7],
    ['some where there is no sidecar', undefined, 0, {}, 20],
    ['three more for each sidecar, in steps', undefined, 1, {}, 40],
    ['three more for each of many', undefined, 100, {}, 320],
    ['as many as before where the sidecars are not counted yet', undefined, undefined, { connectionLimit: 320 }, 320],
    ['some for a login that is new', undefined, undefined, undefined, 20],
    ['fewer with fewer sidecars', undefined, 1, { connectionLimit: 320, connections: 12 }, 40],
    ['no fewer than are in use', undefined, 1, { connectionLimit: 320, connections: 41 }, 320],
    ['no more for using all', undefined, 1, { connectionLimit: 40, connections: 40 }, 40],
    ['twice what is in use where there was no limit', undefined, 0, { connectionLimit: null, connections: 55 }, 120],
  ];
  for (const [title, stated, sidecars, changes, expected] of cases) {
    test(title, () => {
      const spec = stated === undefined ? {} : { database: { connections: stated } };
      assert.equal(decideConnections(spec, sidecars, changes && { ...login, ...changes }), expected);
    });
  }
});

describe('the condition about limits', () => {
  const server = { maxConnections: 100, reservedConnections: 10, limitsTempFiles: true };
  const reasonOf = (...args: Parameters<typeof judgeLimits>) => {
    const { status, reason, message } = judgeLimits(...args);
    assert.equal(status, reason === 'Limited');
    return [reason, message];
  };
  test('has no problem where all limits apply', () => assert.equal(reasonOf(server, login, undefined)[0], 'Limited'));
  test('names the settings that the server lacks', () => {
    const [reason, message = ''] = reasonOf(
      { ...server, reservedConnections: 0, limitsTempFiles: false },
      login,
      undefined,
    );
    assert.equal(reason, 'ServerWithoutLimits');
    assert.match(message, /reserved_connections.*pg_use_reserved_connections.*temp_file_limit/);
  });
  test('names the field to raise where an organization uses all its connections', () => {
    const [reason, message = ''] = reasonOf(server, { ...login, connections: 20 }, undefined);
    assert.equal(reason, 'ConnectionsExhausted');
    assert.match(message, /spec\.database\.connections/);
  });
  test('quotes the database where it refuses the operator', () => {
    const [reason, message = ''] = reasonOf(server, login, 'permission denied to alter role');
    assert.equal(reason, 'LimitsRefused');
    assert.match(message, /permission denied to alter role/);
  });
});
