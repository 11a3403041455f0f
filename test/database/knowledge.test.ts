import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Client } from 'pg';
import { deleteArticle, findArticle, writeArticle } from '../../database/knowledge.ts';
import { insertPassages, removePassages, searchPassages } from '../../database/knowledge-passages.ts';
import {
  countIndex,
  findPassageVectors,
  insertVectors,
  listPassagesWithoutVector,
  listSketches,
} from '../../database/knowledge-vectors.ts';
import { inTransaction } from '../../database/transaction.ts';
import { suiteScope } from '../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;
let db: Client;
let version = 0;

before(async () => {
  database = await openDatabase(scope);
  tenant = await makeTenant(database);
  db = await connect(scope, tenant.url);
});

const write = async (
  client: Client,
  { id }: Tenant,
  articleId: string,
  title: string,
  text: string,
  language = 'en',
) => {
  version += 1;
  const filed = { status: 'published', language, category: null, tags: [] } as const;
  await inTransaction(client, async () => {
    await writeArticle(client, id, { articleId, version, ...filed, sealed: Buffer.from('sealed') });
    await removePassages(client, articleId);
    const passages = [{ startsAt: 0, endsAt: 1, headings: '', text, digest: '00'.repeat(16) }];
    await insertPassages(client, id, { articleId, version, language, hasWords: true, title, passages });
  });
};

const search = async (question: string) =>
  (await searchPassages(db, tenant.id, question, 10)).map(({ articleId }) => articleId);

/** What the trigger keeps, and what it should keep. */
async function readTerms({ id }: Tenant): Promise<{ kept: unknown; counted: unknown }> {
  const { rows } = await database.owner.query(
    `select
       (select jsonb_agg(array[language, term, passages::text] order by language, term)
        from chaperone.knowledge_terms where organization_id = $1::uuid and passages > 0) as kept,
       (select jsonb_agg(array[language, term, count] order by language, term) from (
          select p.language, w.lexeme as term, count(*)::text as count
          from chaperone.knowledge_passages p cross join lateral unnest(p.words) w
          where p.organization_id = $1::uuid and w.lexeme <> p.organization_id::text || ' ' || p.language
          group by 1, 2
          union all
          select '', '', count(*)::text
          from chaperone.knowledge_passages p where p.organization_id = $1::uuid having count(*) > 0) terms) as counted`,
    [id],
  );
  return rows[0];
}

test('a search reads each language by its own rules, and the rare words first', async () => {
  await write(db, tenant, 'reset', 'reset your password', 'choose forgot password on the login page');
  await write(db, tenant, 'login', 'login with two factors', 'the login page asks for a code');
  await write(db, tenant, 'konto', 'konto kundigen', 'so kundigen sie ihr konto zum monatsende', 'de');
  assert.equal((await search('resetting passwords'))[0], 'reset');
  assert.equal((await search('code at the login'))[0], 'login');
  assert.deepEqual(await search('wie kundige ich konten'), ['konto']);
  assert.deepEqual(await search('weather'), []);
  assert.deepEqual(await search(`'); drop table x; -- \\ ' & | ! :* ( <->`), []);
});

test('a word with one letter wrong, missing, too many or misplaced is found', async () => {
  for (const typo of ['pasword', 'passsword', 'passwrod', 'passwxrd']) {
    assert.equal((await search(`my ${typo}`))[0], 'reset', typo);
  }
});

test('the counts of words are those of the passages, after any changes at once', async () => {
  const other = await connect(scope, tenant.url);
  const texts = ['red and green', 'green and blue', 'blue, blue and red', 'nothing of that'];
  for (let round = 0; round < 20; round += 1) {
    const text = (step: number) => texts[(round * step) % texts.length] ?? '';
    await Promise.all([
      write(db, tenant, `a${round % 3}`, 'colours', text(1), round % 2 === 0 ? 'en' : 'de'),
      write(other, tenant, `b${round % 3}`, 'colours', text(3), round % 2 === 0 ? 'de' : 'en'),
    ]);
  }
  await Promise.all([deleteArticle(db, 'a0'), deleteArticle(other, 'b1')]);
  const { kept, counted } = await readTerms(tenant);
  assert.deepEqual(kept, counted);
});

test('nobody finds the articles of another organization, nor learns its words', async () => {
  const victim = await makeTenant(database);
  const asVictim = await connect(scope, victim.url);
  await write(asVictim, victim, 'secret', 'project zanzibar', 'zanzibar begins in may');
  assert.equal((await searchPassages(asVictim, victim.id, 'zanzibar', 10)).length, 1);
  assert.deepEqual(await search('zanzibar'), []);
  assert.deepEqual(await search('zanzibbar'), []);
  assert.deepEqual(await searchPassages(db, victim.id, 'zanzibar', 10), []);
  const digest = Buffer.alloc(16);
  const vector = { digest, sketch: Buffer.from('sealed'), vector: Buffer.from('sealed') };
  await insertVectors(asVictim, victim.id, 'model', [vector]);
  const first = { revision: 0, digest: Buffer.alloc(0) };
  assert.equal((await listSketches(asVictim, victim.id, 'model', first, 10)).length, 1);
  assert.equal((await findPassageVectors(asVictim, victim.id, 'model', [digest])).length, 1);
  assert.deepEqual(await listSketches(db, victim.id, 'model', first, 10), []);
  assert.deepEqual(await findPassageVectors(db, victim.id, 'model', [digest]), []);
  assert.deepEqual(await listPassagesWithoutVector(db, victim.id, 'other', 10), []);
  assert.equal((await countIndex(db, victim.id, { hasWords: true, space: 'model' })).passages, 0);
  await assert.rejects(insertVectors(db, victim.id, 'model', [{ ...vector, digest: Buffer.alloc(16, 1) }]));
  assert.equal(await findArticle(db, victim.id, 'secret'), undefined);
  await deleteArticle(db, 'secret');
  assert.ok(await findArticle(asVictim, victim.id, 'secret'));
  // Not by a text that has the other's mark as a word either.
  await write(db, tenant, 'forged', `${victim.id} en`, `${victim.id} en`);
  assert.equal((await searchPassages(asVictim, victim.id, `zanzibar ${victim.id} en`, 10)).length, 1);
});
