import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { type CustomKind, customKinds, readDefinition } from '../../crds/definition.ts';
import { customKindEntries } from '../../crds/kinds.generated.ts';
import { makeValidator } from '../../crds/validate.ts';
import { assigned, type Fixture, fixtures } from '../crds/fixtures.ts';
import { type ApiAnswer, type ApiServer, hasApiServer, startApiServer } from './api-server.ts';

const assets = process.env.KUBEBUILDER_ASSETS;
const skip = hasApiServer(assets)
  ? false
  : 'needs an API server: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver';

describe('the API server judges as our validator does', { skip }, () => {
  let server: ApiServer;
  before(async () => {
    assert(assets);
    server = await startApiServer(assets);
    for (const kind of customKinds) await install(server, kind);
  });
  after(() => server?.close());

  for (const kind of customKinds) {
    const validate = makeValidator(kind);
    for (const fixture of fixtures.filter((candidate) => candidate.kind === kind)) {
      test(`${kind}: ${fixture.title}`, async () => {
        const answer = await submit(server, fixture);
        assert.deepEqual(refusedFields(answer), fixture.wrong.toSorted(), JSON.stringify(answer.body));
        if (fixture.wrong.length > 0) return;
        const ours = validate(fixture.object, assigned, fixture.old);
        assert('object' in ours);
        assert.deepEqual(ours.object.spec, answer.body.spec);
      });
    }
  }
});

async function install(server: ApiServer, kind: CustomKind): Promise<void> {
  const text = await readFile(join(import.meta.dirname, '../../crds', customKindEntries[kind].file), 'utf8');
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const { status, body } = await server.request('POST', path, parse(text));
  assert.equal(status, 201, JSON.stringify(body));
  const deadline = Date.now() + 30_000;
  while ((await server.request('GET', collection(kind))).status !== 200) {
    assert(Date.now() < deadline, `${kind} is not served`);
    await delay(50);
  }
}

function collection(kind: CustomKind): string {
  const { scope, names } = readDefinition(kind);
  return `/apis/chaperone.dev/v1alpha1${scope === 'Namespaced' ? '/namespaces/default' : ''}/${names.plural}`;
}

/** Has the API server judge without storing anything, as `kubectl apply` has it. */
async function submit(server: ApiServer, { kind, object, old }: Fixture): Promise<ApiAnswer> {
  const path = collection(kind);
  const judging = 'dryRun=All&fieldValidation=Strict';
  if (!old) return server.request('POST', `${path}?${judging}`, object);

  const created = await server.request('POST', path, old);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const metadata = { name: 'example', resourceVersion: created.body.metadata?.resourceVersion };
  const answer = await server.request('PUT', `${path}/example?${judging}`, { ...object, metadata });
  await server.request('DELETE', `${path}/example`);
  return answer;
}

function refusedFields({ status, body }: ApiAnswer): readonly string[] {
  if (status < 300) return [];
  const unknown = [...(body.message ?? '').matchAll(/unknown field "([^"]+)"/g)].map(([, field]) => field);
  const causes = (body.details?.causes ?? []).flatMap(({ field, message }) => {
    if (field !== '<nil>') return [field];
    // The server names no field for `not`, for a rule of the whole object, nor in its remark that rules were left out.
    if (/some validation rules were not checked/.test(message)) return [];
    // A number out of an integer's range, or with a fraction, is told twice, the second time with the field in the text.
    const named = message.match(/"([^"]+)" must not validate|Checked value must be of type .* in (\S+)$/);
    return named?.[1] ?? named?.[2] ?? [''];
  });
  return [...new Set([...unknown, ...causes])].map(String).sort();
}
