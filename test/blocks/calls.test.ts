import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeDirectory, repository } from '../directories.ts';
import { type Block, readBlocks, walkedDocuments } from '../documents.ts';
import { allowEveryModel } from '../proxy/allow-every-model.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

const address = 'http://127.0.0.1:8000';

/** Documents whose blocks another test runs. */
const elsewhere: readonly string[] = [
  ...walkedDocuments,
  ...['README.md', 'docs/migrate/litellm.md', 'docs/migrate/openai.md', 'docs/migrate/portkey.md'],
];

const isCall = ({ language, text }: Block) =>
  language === 'sh' && /^\s*curl /m.test(text) && (text.includes(address) || text.includes('$BASE'));
const blocks = globSync('docs/**/*.md', { cwd: repository })
  .filter((document) => !elsewhere.includes(document))
  .toSorted()
  .flatMap(readBlocks)
  .filter(isCall);

const skip = ['curl', 'jq'].find((name) => spawnSync(name, ['--version']).status !== 0);

/** What follows runs as it is written, but that a refusal ends it, and that nobody listens to a stream for long. */
const preamble = `set -euo pipefail
BASE=${address}
curl() { command curl --silent --show-error --fail-with-body --max-time 3 "$@" || [ $? -eq 28 ]; }
`;

/** The calls that documents show, by a shell, at a real proxy. */
describe('every call of a document', { skip: skip === undefined ? false : `needs ${skip}` }, () => {
  const scope = suiteScope();
  let stack: Stack;
  let directory: string;
  let conversation: string;
  let token: string;

  before(async () => {
    [stack, directory] = await Promise.all([startStack(scope), makeDirectory(scope)]);
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
  });

  it('is found', () => assert.ok(blocks.length >= 9, `${blocks.length} blocks`));

  for (const { document, line, text } of blocks) {
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
