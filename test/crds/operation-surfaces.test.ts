import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operationSurfaces } from '../../crds/operation-surfaces.ts';
import { messages } from '../../proxy/operations/messages.ts';
import { realtime } from '../../proxy/operations/realtime.ts';
import type { OperationName } from '../../proxy/providers/operation-name.ts';
import { operations as ofOpenAi } from '../../proxy/surfaces/openai/operations.ts';

const operations = [...ofOpenAi, messages, realtime];

test('rules may name every operation, and the operator knows the surface of each', () => {
  const names: Readonly<Record<OperationName, unknown>> = operationSurfaces;
  for (const { name, surface } of operations) assert.equal(operationSurfaces[name], surface, name);
  assert.deepEqual(Object.keys(names).sort(), operations.map(({ name }) => name).sort());
});
