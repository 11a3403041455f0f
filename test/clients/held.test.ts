import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startInsights } from '../proxy/surfaces/insights/insights-stack.ts';
import { CannotInstall, installPythonClients } from './install.ts';

const rule = { name: 'advice', action: 'Review', appliesTo: 'Output', words: { words: ['nightingale'] } };

test('`responses.connect` of OpenAI’s SDK is told of a held answer, and goes on', async (t) => {
  const python = await installPythonClients().catch((error: unknown) => {
    if (!(error instanceof CannotInstall)) throw error;
    return error;
  });
  if (typeof python !== 'string') return t.skip(python.message);
  const { stack } = await startInsights(t, { guardrails: [rule] });
  const env = { ...process.env, PYTHONPATH: python, PROXY_URL: stack.baseUrl, TOKEN: stack.token };
  const { stdout } = await promisify(execFile)('python3', [join(import.meta.dirname, 'programs', 'held.py')], { env });
  const [held, passed] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([held.type, held.code ?? held.error.code], ['error', 'answer_held'], stdout);
  assert.match(held.message ?? held.error.message, /"advice".*\/api\/v1\/review\/items\/rev-/);
  assert.deepEqual([passed.type, passed.response.status], ['response.completed', 'completed']);
});
