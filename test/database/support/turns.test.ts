import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import type { Client } from 'pg';
import { changeSupportConversation, findSupportConversation } from '../../../database/support/conversations.ts';
import { readSupportSums } from '../../../database/support/days.ts';
import { readSupportMessages } from '../../../database/support/messages.ts';
import { addTurn, beginConversation, giveAnswer, type SupportTurn } from '../../../database/support/turns.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;
let db: Client;
before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
});

const sealed = Buffer.from('sealed');

function turnOf(conversationId: string, number: number): SupportTurn {
  const messageId = `msg_${number}`;
  const data = { conversation_id: conversationId, channel: 'chat', message_id: messageId };
  const received = { type: 'message.received', subject: `conversation/${conversationId}`, userId: null, data } as const;
  return { number, messageId, sealed, answerId: `msg_${number + 1}`, received };
}

function conversationOf(userId: string) {
  const conversationId = `conv_${randomUUID()}`;
  const data = { conversation_id: conversationId, channel: 'chat' };
  const created = { type: 'conversation.created', subject: `conversation/${conversationId}`, userId, data } as const;
  return { ...{ conversationId, userId, user: `customer ${userId}`, channel: 'chat' }, metadataSealed: null, created };
}

async function begin(userId: string = randomUUID(), by: Client = db) {
  const conversation = conversationOf(userId);
  const begun = await beginConversation(by, tenant.id, conversation, turnOf(conversation.conversationId, 1));
  return { id: conversation.conversationId, begun };
}

const find = async (id: string) => {
  const found = await findSupportConversation(db, tenant.id, id);
  assert.ok(found);
  return found;
};
const statusesOf = async (id: string) =>
  (await readSupportMessages(db, tenant.id, id, { last: 10 })).map(({ number, status }) => `${number} ${status}`);

const answer = { number: 2, sealed, confidence: 0.9, sources: ['kb_1'], costUsd: '0.25', language: 'en' };

test('a conversation begins with its customer, a message and the beginning of an answer', async () => {
  const { id, begun } = await begin();
  assert.ok(begun);
  const { messages, turns, status, createdAt } = await find(id);
  assert.deepEqual([messages, turns, status, createdAt], [2, 0, 'active', begun.createdAt]);
  assert.deepEqual(await statusesOf(id), ['1 completed', '2 pending']);
});

/** Begins a conversation while another transaction has done something with its customer, which then commits. */
async function beginBeside(userId: string, statement: string) {
  const beside = await connect(scope, database.url);
  await beside.query('begin');
  await beside.query(statement, [tenant.id, userId]);
  const own = await connect(scope, tenant.url);
  const { rows } = await own.query<{ pid: number }>('select pg_backend_pid() as pid');
  const beginning = begin(userId, own);
  const isWaiting = async () => {
    const waits = await database.owner.query('select from pg_locks where pid = $1 and not granted', [rows[0]?.pid]);
    return waits.rowCount === 1;
  };
  await until(isWaiting, 'the beginning to wait');
  await beside.query('commit');
  return beginning;
}

test('a conversation waits for an erasure of its customer, who is then another one', async () => {
  const userId = randomUUID();
  await begin(userId);
  const remove = 'delete from chaperone.users where organization_id = $1 and user_id = $2';
  const { id, begun } = await beginBeside(userId, remove);
  assert.ok(begun);
  assert.equal((await find(id)).user, `customer ${userId}`);
});

test('a conversation of a customer whom another proxy makes at the same moment is to be begun again', async () => {
  const userId = randomUUID();
  const make = `insert into chaperone.users (organization_id, user_id, external_id) values ($1, $2, 'made elsewhere')`;
  const { id, begun } = await beginBeside(userId, make);
  assert.equal(begun, undefined);
  assert.deepEqual(await statusesOf(id), []);
  const again = await begin(userId);
  assert.equal((await find(again.id)).user, 'made elsewhere');
});

test('of two messages that find a conversation alike, one is stored and the other one is told', async () => {
  const { id } = await begin();
  const read = await find(id);
  assert.ok(await addTurn(db, tenant.id, read, turnOf(id, 3)));
  assert.equal(await addTurn(db, tenant.id, read, turnOf(id, 3)), undefined);
  assert.deepEqual(await statusesOf(id), ['1 completed', '2 pending', '3 completed', '4 pending']);
});

test('a message makes a resolved conversation active, with all turns before it', async () => {
  const { id } = await begin();
  await giveAnswer(db, tenant.id, id, answer);
  await changeSupportConversation(db, tenant.id, id, { status: 'resolved' });
  const resolved = await find(id);
  assert.deepEqual([resolved.status, resolved.turns], ['resolved', 1]);
  assert.ok(await addTurn(db, tenant.id, resolved, turnOf(id, 3)));
  const { status, turns, resolvedAt, messages } = await find(id);
  assert.deepEqual(
    { status, turns, resolvedAt, messages },
    { status: 'active', turns: 0, resolvedAt: null, messages: 4 },
  );
});

test('an answer is given once, and not while a human has the conversation', async () => {
  const { id } = await begin();
  const given = await giveAnswer(db, tenant.id, id, answer);
  assert.ok(given);
  assert.equal(await giveAnswer(db, tenant.id, id, answer), undefined);
  const { turns, costUsd, language } = await find(id);
  assert.deepEqual({ turns, costUsd, language }, { turns: 1, costUsd: '0.25', language: 'en' });

  const other = await begin();
  await changeSupportConversation(db, tenant.id, other.id, { status: 'escalated' });
  assert.equal(await giveAnswer(db, tenant.id, other.id, answer), undefined);
  assert.deepEqual(await statusesOf(other.id), ['1 completed', '2 pending']);
});

test('an answer counts with the time that its customer has waited', async () => {
  const lonely = await makeTenant(database);
  const own = await connect(scope, lonely.url);
  const conversation = conversationOf(randomUUID());
  const id = conversation.conversationId;
  const begun = await beginConversation(own, lonely.id, conversation, turnOf(id, 1));
  assert.ok(begun);
  await giveAnswer(own, lonely.id, id, answer);
  const [, message] = await readSupportMessages(own, lonely.id, id, { last: 10 });
  const waitedMs = Number(message?.completedAt) - Number(message?.createdAt);
  const day = begun.createdAt.toISOString().slice(0, 10);
  const [sums] = await readSupportSums(own, lonely.id, { firstDay: day, lastDay: day }, 'day');
  assert.deepEqual([sums?.conversations, sums?.answers], [1, 1]);
  assert.ok(Math.abs((sums?.responseMs ?? Number.NaN) - waitedMs) <= 1);
});
