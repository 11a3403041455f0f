import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, test } from 'node:test';
import type { Caller } from '../../../../proxy/calls/call.ts';
import {
  readClientSession,
  type SessionClues,
  type SessionSource,
  withInferredSession,
} from '../../../../proxy/calls/identify/session.ts';
import { makeCall } from '../call.ts';

const all: readonly SessionSource[] = ['PreviousResponse', 'Conversation', 'ClientSession'];
const digest = /^sess_[0-9a-f]{24}$/;

describe('the session in a client’s own headers', () => {
  const rows: readonly (readonly [
    title: string,
    headers: IncomingHttpHeaders,
    expected: string | RegExp | undefined,
  ])[] = [
    ['is that of session-id', { 'session-id': 'a' }, 'a'],
    ['is that of session_id', { session_id: 'a' }, 'a'],
    ['is that of session-id where both are there', { 'session-id': 'a', session_id: 'b' }, 'a'],
    ['has no blanks around it', { 'session-id': ' a ' }, 'a'],
    ['is a digest where a header could not hold it', { 'session-id': 'ä' }, digest],
    ['is a digest where it is too long', { 'session-id': 'a'.repeat(129) }, digest],
    ['may have 128 characters', { 'session-id': 'a'.repeat(128) }, 'a'.repeat(128)],
    ['is none where it is empty', { 'session-id': ' ' }, undefined],
    ['is none where there is no header', {}, undefined],
  ];
  for (const [title, headers, expected] of rows) {
    test(title, () => {
      const session = readClientSession(headers, new Set(all));
      if (expected instanceof RegExp) assert.match(session ?? '', expected);
      else assert.equal(session, expected);
    });
  }

  test('is ignored where the organization does not read it', () => {
    assert.equal(readClientSession({ 'session-id': 'a' }, new Set(['Conversation'])), undefined);
  });
});

describe('the session of a call', () => {
  const conversation = { kind: 'conversation', id: 'conv_1', param: 'conversation' } as const;
  const predecessor = { sessionId: 'former' } as SessionClues['predecessor'];
  const everything = { references: [conversation], predecessor, body: { prompt_cache_key: 'cached' } };
  const nothing = { references: [], predecessor: undefined, body: {} };
  const rows: readonly (readonly [
    title: string,
    sessionFrom: Caller['sessionFrom'],
    clues: SessionClues,
    sources: readonly SessionSource[],
    expected: string,
  ])[] = [
    ['is the one that X-Session-ID names', 'session', everything, all, 'given'],
    ['is that of the previous response', undefined, everything, all, 'former'],
    ['is that of the previous response, before the client’s own', 'client', everything, all, 'former'],
    ['is the conversation', undefined, { ...everything, predecessor: undefined }, all, 'conv_1'],
    ['is the client’s own before its cache key', 'client', { ...nothing, body: everything.body }, all, 'given'],
    ['is the cache key', undefined, { ...nothing, body: everything.body }, all, 'cached'],
    ['is a new one without a clue', undefined, nothing, all, 'given'],
    ['is a new one where nothing is inferred', undefined, everything, [], 'given'],
    ['is that of the first source that the organization names', undefined, everything, ['Conversation'], 'conv_1'],
    [
      'does not come from a cache key that is no text',
      undefined,
      { ...nothing, body: { prompt_cache_key: 7 } },
      all,
      'given',
    ],
  ];
  for (const [title, sessionFrom, clues, sources, expected] of rows) {
    test(title, () => {
      const caller = { ...makeCall().caller, sessionId: 'given', sessionFrom };
      const from = expected === 'given' ? sessionFrom : 'body';
      const inferred = { ...caller, sessionId: expected, sessionFrom: from };
      assert.deepEqual(withInferredSession(caller, clues, new Set(sources)), inferred);
    });
  }
});
