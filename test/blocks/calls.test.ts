import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { hashPassword } from '../../database/password-hash.ts';
import { makeDirectory, repository } from '../directories.ts';
import { type Block, readBlocks, walkedDocuments } from '../documents.ts';
import { allowEveryModel } from '../proxy/allow-every-model.ts';
import { accountOf, setSpec, stateHashes } from '../proxy/surfaces/insights/insights-stack.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

/** How documents name a proxy of this machine. */
const address = /http:\/\/127\.0\.0\.1:8000|(?:http:\/\/)?localhost:8000/g;

/** Documents whose blocks another test runs. */
const elsewhere: readonly string[] = [
  ...walkedDocuments,
  ...['README.md', 'docs/migrate/litellm.md', 'docs/migrate/openai.md', 'docs/migrate/portkey.md'],
];

/** Calls that need more than a proxy, by document and what they ask for, and what tries them instead. */
const notHere: Readonly<Record<string, string>> = {
  'docs/training.md /ai/distributed-training': 'a cluster: test/e2e/training.test.ts',
  'docs/training.md /ai/deploy': 'a cluster: test/e2e/training.test.ts',
  'docs/training.md /v1/chat/completions': 'a deployed model: test/e2e/training.test.ts',
};

const isCall = ({ language, text }: Block) =>
  language === 'sh' && /^\s*curl /m.test(text) && (text.search(address) >= 0 || text.includes('$BASE'));
const isOfNotHere = ({ document, text }: Block, name: string) => {
  const [file, part = ''] = name.split(' ');
  return document === file && text.includes(part);
};
const blocks = globSync('docs/**/*.md', { cwd: repository })
  .filter((document) => !elsewhere.includes(document))
  .toSorted()
  .flatMap(readBlocks)
  .filter(isCall);
const here = blocks.filter((block) => !Object.keys(notHere).some((name) => isOfNotHere(block, name)));

const skip = ['curl', 'jq'].find((name) => spawnSync(name, ['--version']).status !== 0);

/** What follows runs as it is written, but that a refusal ends it, and that nobody listens to a stream (`-N`) for long. */
const preamble = `set -euo pipefail
BASE=http://127.0.0.1:8000
curl() {
  if [[ " $* " == *" -N "* ]]; then command curl --silent --show-error --fail-with-body --max-time 3 "$@" || [ $? -eq 28 ]
  else command curl --silent --show-error --fail-with-body "$@"; fi
}
`;

/** The calls that documents show, by a shell, at a real proxy. */
describe('every call of a document', { skip: skip === undefined ? false : `needs ${skip}` }, () => {
  const scope = suiteScope();
  let stack: Stack;
  let directory: string;
  let conversation: string;
  let token: string;

  before(async () => {
    const prepare = async (state: string) => {
      await setSpec(state, { 'authentication.accounts': [accountOf('ann@example.com', 'ann', ['analyst'])] });
      await stateHashes(state, { ann: await hashPassword('…') });
    };
    [stack, directory] = await Promise.all([startStack(scope, { prepare }), makeDirectory(scope)]);
    await allowEveryModel(stack);
    token = await stack.sign({ roles: ['admin'] });
    const answer = await fetch(`${stack.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-user-id': 'you@example.com' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    assert.equal(answer.status, 200, await answer.text());
    conversation = answer.headers.get('x-conversation-id') ?? '';
    await copyFile(join(stack.directory, 'organization.yaml'), join(directory, 'organization.yaml'));
    await writeFile(join(directory, 'question.wav'), Buffer.alloc(32_000));
    const cases = ['region,age_group,resolved', 'north,young,true', 'south,old,false'];
    await writeFile(join(directory, 'cases.csv'), cases.join('\n'));
  });

  it('is found', () => {
    assert.ok(here.length >= 12, `${here.length} blocks`);
    for (const name of Object.keys(notHere))
      assert.ok(
        blocks.some((block) => isOfNotHere(block, name)),
        name,
      );
  });

  for (const { document, line, text } of here) {
    it(`is answered: ${document}:${line}`, async () => {
      const script = (preamble + text)
        .replaceAll(address, new URL(stack.baseUrl).origin)
        .replaceAll('123e4567-e89b-82d3-a456-426614174000', conversation);
      await promisify(execFile)('bash', ['-c', script], {
        cwd: directory,
        env: { PATH: process.env.PATH, TOKEN: token, CONVERSATION: conversation },
      }).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => assert.fail(`${stdout}\n${stderr}`));
    });
  }
});
