import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, test } from 'node:test';
import { readCredential } from '../../../../../proxy/calls/identify/tokens/credential.ts';

const bearer = { authorization: 'Bearer key' };

describe('the credential of a request', () => {
  const rows: readonly (readonly [title: string, headers: IncomingHttpHeaders, credential: string])[] = [
    ['in Authorization', bearer, 'key'],
    ['in Authorization, in any case and with blanks', { authorization: 'bearer   key ' }, 'key'],
    ['in X-API-Key', { 'x-api-key': 'key' }, 'key'],
    ['in X-Dashboard-Key', { 'x-dashboard-key': 'key' }, 'key'],
    ['in all of them, where it is the same', { ...bearer, 'x-api-key': 'key', 'x-dashboard-key': 'key' }, 'key'],
    ['beside an empty header', { ...bearer, 'x-api-key': '' }, 'key'],
    ['behind an empty header', { 'x-api-key': '', 'x-dashboard-key': 'key' }, 'key'],
  ];
  for (const [title, headers, credential] of rows) test(title, () => assert.equal(readCredential(headers), credential));
});

describe('a request is refused', () => {
  const rows: readonly (readonly [title: string, headers: IncomingHttpHeaders, code: string, param: string])[] = [
    ['without a credential', {}, 'invalid_credentials', 'Authorization'],
    ['with an empty one', { 'x-api-key': '' }, 'invalid_credentials', 'Authorization'],
    ['with an empty Bearer', { authorization: 'Bearer ' }, 'invalid_credentials', 'Authorization'],
    ['with another scheme', { authorization: 'Basic key', 'x-api-key': 'key' }, 'invalid_credentials', 'Authorization'],
    ['with two keys', { ...bearer, 'x-api-key': 'other' }, 'invalid_header', 'X-API-Key'],
    ['with two keys, the third way', { ...bearer, 'x-dashboard-key': 'other' }, 'invalid_header', 'X-Dashboard-Key'],
    [
      'with two keys and no Authorization',
      { 'x-api-key': 'key', 'x-dashboard-key': 'other' },
      'invalid_header',
      'X-Dashboard-Key',
    ],
  ];
  for (const [title, headers, code, param] of rows) {
    test(title, () => assert.throws(() => readCredential(headers), { code, param }));
  }
});
