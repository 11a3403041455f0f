import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { replaceFile } from '../../directories.ts';
import type { Stack } from '../../stack.ts';
import { until } from '../../until.ts';

/** States the Organization's `spec.guardrails`, and resolves when the proxy has them in force. */
export async function stateGuardrails(stack: Stack, guardrails: readonly object[]): Promise<void> {
  const file = join(stack.directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  document.setIn(['spec', 'guardrails'], guardrails);
  if (document.toString() === (await readFile(file, 'utf8'))) return;
  const before = await versionInForce(stack);
  await replaceFile(file, document.toString());
  await until(async () => (await versionInForce(stack)) > before, 'the guardrails to be in force');
}

async function versionInForce(stack: Stack): Promise<number> {
  return Number(/^chaperone_snapshot_version\S* (\d+)/m.exec(await metricsOf(stack))?.[1] ?? 0);
}

export async function metricsOf({ proxy }: Stack): Promise<string> {
  return (await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)).text();
}
