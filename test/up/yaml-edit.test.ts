import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

import { copyQuickstart, replaceFile } from '../directories.ts';
import { onlyOrganization, startUp } from './start-up.ts';

const edits = 50;

it("an edit to a persona's YAML changes the next call's instructions", async (t) => {
  const directory = await copyQuickstart(t);
  const up = await startUp(t, { directory });
  const { baseUrl, token } = onlyOrganization(up);
  const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bob@example.com' };
  const list = (await fetch(`${baseUrl}/personas`, { headers }).then((answer) => answer.json())) as {
    personas: { id: string }[];
  };
  const body = JSON.stringify({ model: 'gpt-4o', input: 'Hi', persona_id: list.personas[0]?.id });
  const file = join(directory, 'personas.yaml');
  const original = readFileSync(file, 'utf8');
  const durationsMs: number[] = [];
  for (let edit = 1; edit <= edits; edit += 1) {
    await replaceFile(file, original.replace('Be friendly and brief.', `Be friendly and brief, edition ${edit}.`));
    const savedAt = performance.now();
    for (;;) {
      const answer = await fetch(`${baseUrl}/responses`, { method: 'POST', headers, body }).then((response) =>
        response.text(),
      );
      assert.match(answer, /You are the support agent/);
      if (answer.includes(`edition ${edit}.`)) break;
    }
    durationsMs.push(performance.now() - savedAt);
  }
  durationsMs.sort((a, b) => a - b);
  const quantile = (q: number) => durationsMs[Math.ceil(q * edits) - 1]?.toFixed(1);
  t.diagnostic(`edit saved -> enforced over ${edits} edits: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`);
});
