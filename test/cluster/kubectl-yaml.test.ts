import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { kubectlSchema } from '../../crds/documents.ts';
import { kubectlScalars } from '../crds/kubectl-scalars.ts';
import { assets } from './cluster-under-test.ts';

const kubectl = join(assets ?? '', 'kubectl');
const skip =
  assets !== undefined && existsSync(kubectl) ? false : 'needs a kubectl in the folder that KUBEBUILDER_ASSETS names';

const object = (data: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n${data}`;

/** What kubectl sends of an object's data; undefined where it refuses the file. Nothing is asked of a server. */
function readByKubectl(data: string): Record<string, unknown> | undefined {
  const args = ['annotate', '--local', '-f', '-', '-o', 'json', 'read=yes'];
  const { status, stdout } = spawnSync(kubectl, args, { input: object(data), encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as { data: Record<string, unknown> }).data : undefined;
}

function readByUs(data: string): Record<string, unknown> {
  return (parse(object(data), { ...kubectlSchema, logLevel: 'error' }) as { data: Record<string, unknown> }).data;
}

describe('local mode reads YAML as kubectl does', { skip }, () => {
  test('for each entry of the table of scalars', () => {
    for (const [source, json] of kubectlScalars) {
      const found = readByKubectl(`  value: ${source}\n`);
      assert.deepEqual(found, json === undefined ? undefined : { value: JSON.parse(json) }, source);
    }
  });

  // Whatever is begun with may be a number, and words of YAML 1.1 are near.
  const part = fc.constantFrom(
    ...'0123456789+-._eExXbBoOnNyYfFtTsSrR~aAuUlL',
    '0x',
    '0o',
    '0b',
    'no',
    'yes',
    'off',
    'on',
    'true',
  );
  const scalar = fc
    .array(part, { minLength: 1, maxLength: 7 })
    .map((parts) => parts.join(''))
    // Refused by both, and with it the whole file.
    .filter((text) => !/^-$|^---|^\.\.\.$|^[-+]?\.(inf|nan)$/i.test(text));

  test('and for any other scalar', () => {
    const lines = fc.array(scalar, { minLength: 300, maxLength: 300 });
    fc.assert(
      fc.property(lines, (scalars) => {
        const data = scalars.map((text, index) => `  k${index}: ${text}\n`).join('');
        assert.deepEqual(withoutMinusZero(readByUs(data)), withoutMinusZero(readByKubectl(data) ?? {}));
      }),
      { numRuns: 20 },
    );
  });
});

function withoutMinusZero(data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, value === 0 ? 0 : value]));
}
