import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../directories.ts';
import type { Stack } from '../stack.ts';
import { until } from '../until.ts';

/** Takes the quickstart's list of models away, and adds to the Organization's spec. Resolves when that is in force. */
export async function allowEveryModel({ directory, baseUrl, token }: Stack, more = ''): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const quickstart = await readFile(file, 'utf8');
  await replaceFile(file, quickstart.replace(/ {2}# Any other model[\s\S]*$/, '') + more);
  const body = JSON.stringify({ model: 'o1', input: 7 });
  const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bob' };
  await until(async () => {
    const { status } = await fetch(`${baseUrl}/responses`, { method: 'POST', headers, body });
    return status !== 403;
  }, 'every model is allowed');
}
