import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { userDigest, userIdOf } from '../../../database/ids.ts';
import { emptyBytes } from '../../../proxy/spool/frame.ts';
import { openSetAside } from '../../../proxy/spool/set-aside.ts';
import { spoolTables } from '../../../proxy/spool/tables.ts';
import { atEnd } from '../../scope.ts';
import { organizationId } from '../snapshot.ts';

const ada = userIdOf(organizationId, 'ada');
const bob = userIdOf(organizationId, 'bob');
const erasedAtMs = Date.parse('2026-06-01T12:00:00.000Z');
const before = '2026-06-01T11:59:59.999Z';
const after = '2026-06-01T12:00:00.000Z';
const erasures = [{ userDigest: userDigest(organizationId, ada), stranger: 'stranger-1', erasedAtMs }];
const sealed = Buffer.from('sealed contents');

/** An open file of set-aside records in a directory of its own, and its lines. */
function open(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-aside-'));
  atEnd(t, () => rmSync(directory, { recursive: true }));
  const file = join(directory, 'set-aside.jsonl');
  const lines = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return { directory, file, lines, setAside: openSetAside(directory) };
}

const rowOf = (record: unknown) => ({ row: Buffer.from(JSON.stringify(record)), sealed: emptyBytes });

/** Sets one record aside, erases Ada, and reads what is left. */
function erasedFrom(t: TestContext, record: unknown, contents = emptyBytes) {
  const { setAside, lines } = open(t);
  setAside.append('calls', { ...rowOf(record), sealed: contents }, 'the reason');
  const changed = setAside.eraseUsers(organizationId, erasures);
  const [line] = lines();
  return { changed, line, record: line && JSON.parse(line.record) };
}

test('the file exists once a record is in it', (t) => {
  const { setAside } = open(t);
  assert.equal(setAside.exists(), false);
  assert.equal(setAside.eraseUsers(organizationId, erasures), 0);
  assert.equal(setAside.exists(), false);
  setAside.append('calls', rowOf({}), 'the reason');
  assert.equal(setAside.exists(), true);
});

for (const table of spoolTables) {
  test(`a record of ${table} is kept with its table and the reason, and its contents stay sealed`, (t) => {
    const { setAside, lines } = open(t);
    const record = { text: 'two\nlines and ünicode', sum: 1e21 };
    setAside.append(table, rowOf(record), 'a "reason"\nof two lines');
    setAside.append(table, { ...rowOf(record), sealed }, 'another');
    const kept = { table, reason: 'a "reason"\nof two lines', record: JSON.stringify(record) };
    assert.deepEqual(lines(), [kept, { ...kept, reason: 'another', sealed: sealed.toString('base64') }]);
  });
}

test('only the owner may read the file: a new one, one of an earlier version, one that was rewritten', (t) => {
  const { directory, file, setAside } = open(t);
  const modeOf = () => statSync(file).mode & 0o777;
  setAside.append('calls', rowOf({ user_id: ada }), 'the reason');
  assert.equal(modeOf(), 0o600);
  chmodSync(file, 0o644);
  const reopened = openSetAside(directory);
  assert.equal(modeOf(), 0o600);
  assert.equal(reopened.eraseUsers(organizationId, erasures), 1);
  assert.equal(modeOf(), 0o600);
});

describe('an erasure', () => {
  const changes: readonly (readonly [what: string, record: object, expected: object])[] = [
    ['the user of a call', { user_id: ada, started_at: before }, { user_id: 'stranger-1', started_at: before }],
    [
      'a user that is known by name alone',
      { user_external_id: 'ada', started_at: before },
      { user_external_id: null, started_at: before },
    ],
    ['the user of a record without a time', { user_id: ada }, { user_id: 'stranger-1' }],
    [
      'the user of a record with an odd time',
      { user_id: ada, started_at: 'soon' },
      { user_id: 'stranger-1', started_at: 'soon' },
    ],
    [
      'the owner of a stored resource',
      { user_id: ada, created_at: before },
      { user_id: 'stranger-1', created_at: before },
    ],
    [
      'a rater, with the words of the feedback',
      { user_id: bob, rated_by: ada, rated_at: before, feedback: 'I am Ada' },
      { user_id: bob, rated_by: 'stranger-1', rated_at: before, feedback: null },
    ],
    [
      'all that tells of the user, in the fields that the record has',
      {
        user_id: ada,
        session_id: 's',
        turn_id: 't',
        input_sealed: 'i',
        output_sealed: 'o',
        client_name: 'c',
        end_user: 'e',
        total_tokens: 7,
      },
      {
        user_id: 'stranger-1',
        session_id: 'erased-stranger-1',
        turn_id: null,
        input_sealed: null,
        output_sealed: null,
        client_name: null,
        end_user: null,
        total_tokens: 7,
      },
    ],
  ];
  for (const [what, record, expected] of changes) {
    test(`removes ${what}`, (t) => {
      const { changed, line, record: left } = erasedFrom(t, record);
      assert.deepEqual([changed, line.reason, left], [1, 'its user was erased', expected]);
    });
  }

  const kept: readonly (readonly [what: string, record: unknown])[] = [
    ['of another user', { user_id: bob, user_external_id: 'bob', started_at: before }],
    ['from after it, since that is a new user', { user_id: ada, started_at: after }],
    ['without a user', { user_id: null, started_at: before }],
    ['whose user is no text', { user_id: 7, user_external_id: { ada }, rated_by: [ada] }],
  ];
  for (const [what, record] of kept) {
    test(`keeps a record ${what}`, (t) => {
      const { changed, line, record: left } = erasedFrom(t, record, sealed);
      assert.deepEqual([changed, line.reason, line.sealed, left], [0, 'the reason', sealed.toString('base64'), record]);
    });
  }

  test('removes the sealed contents of the user, and keeps those that the user only rated', (t) => {
    assert.equal(erasedFrom(t, { user_id: ada }, sealed).line.sealed, undefined);
    assert.equal(erasedFrom(t, { user_id: bob, rated_by: ada }, sealed).line.sealed, sealed.toString('base64'));
  });

  test('removes lines that cannot be read, since nobody knows whose they are', (t) => {
    const { file, setAside, lines } = open(t);
    setAside.append('calls', rowOf({ user_id: bob }), 'the reason');
    const good = readFileSync(file, 'utf8');
    const records = ['{', '7', 'null', '"text"', '[{}]'].map((record) => JSON.stringify({ record }));
    const unreadable = ['half a li', '7', 'null', '{}', '{"record":7}', '{"record":{}}', ...records];
    writeFileSync(file, `${unreadable.join('\n')}\n${good}half a li`);
    assert.equal(setAside.eraseUsers(organizationId, erasures), unreadable.length + 1);
    assert.deepEqual(lines(), [JSON.parse(good)]);
    assert.equal(setAside.eraseUsers(organizationId, erasures), 0);
  });

  test('leaves nothing of the user in any record, and other users’ records alone', (t) => {
    const { file, setAside, lines } = open(t);
    const user = fc.record({ user_id: fc.constantFrom(ada, bob, null), user_external_id: fc.constant(null) });
    const named = fc.constantFrom('ada', 'bob').map((name) => ({ user_external_id: name }));
    const rated = fc.record({ user_id: fc.constant(bob), rated_by: fc.constantFrom(ada, bob), feedback: fc.string() });
    const record = fc
      .tuple(fc.oneof(user, named, rated), fc.constantFrom({ started_at: before }, { rated_at: before }, {}))
      .map((parts) => Object.assign({}, ...parts));
    // A text that begins with a parenthesis would be read as a line of a record (database/request-lines.ts).
    const other = fc.jsonValue().filter((value) => typeof value !== 'string' || !value.startsWith('('));
    fc.assert(
      fc.property(fc.array(fc.oneof(record, other), { minLength: 1 }), (records) => {
        rmSync(file, { force: true });
        for (const each of records) setAside.append('calls', rowOf(each), 'the reason');
        const written = new Set(lines().map((line) => JSON.stringify(line)));
        const changed = setAside.eraseUsers(organizationId, erasures);
        const left = lines();
        assert.doesNotMatch(readFileSync(file, 'utf8'), new RegExp(`${ada}|\\\\"ada\\\\"`));
        const readable = records.filter((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
        assert.equal(left.length, readable.length);
        assert.equal(left.filter((line) => written.has(JSON.stringify(line))).length, records.length - changed);
        assert.equal(setAside.eraseUsers(organizationId, erasures), 0);
      }),
    );
  });
});
