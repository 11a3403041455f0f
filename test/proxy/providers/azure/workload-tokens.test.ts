import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Agent } from 'undici';
import { ProxyError } from '../../../../proxy/error.ts';
import { makeTokenFiles } from '../../../../proxy/providers/azure/token-files.ts';
import { makeWorkloadTokens } from '../../../../proxy/providers/azure/workload-tokens.ts';
import { makeDirectory } from '../../../directories.ts';
import { atEnd } from '../../../scope.ts';
import { sendJson, startScriptedProvider } from '../../../scripted-provider.ts';

/** An Entra on a socket, a service account's token in a file, and a clock. */
async function meet(t: TestContext) {
  const entra = await startScriptedProvider(t);
  const agent = new Agent();
  atEnd(t, () => agent.destroy());
  const tokenFile = join(await makeDirectory(t), 'token');
  await writeFile(tokenFile, 'assertion-1\n');
  let nowMs = 1_000_000;
  const now = () => nowMs;
  const tokens = makeWorkloadTokens({ agent: async () => agent, files: makeTokenFiles(now), nowMs: now });
  const identity = {
    tenantId: 'tenant-1',
    clientId: 'client-1',
    tokenFile,
    authority: entra.url.replace(/\/v1$/, ''),
    scope: 'https://cognitiveservices.azure.com/.default',
  };
  let answered = 0;
  entra.answer = (response) => {
    answered += 1;
    sendJson(response, { access_token: `entra-${answered}`, expires_in: 3_600, token_type: 'Bearer' });
  };
  const asked = () => entra.requests.map(({ path, text }) => [path, new URLSearchParams(text)] as const);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { entra, tokens, identity, tokenFile, asked, pass };
}

const messageOf = (problem: unknown) => {
  assert.ok(problem instanceof ProxyError && problem.code === 'upstream_no_credential');
  return problem.message;
};

test('a service account’s token is exchanged once for many calls, and again ahead of the end', async (t) => {
  const { tokens, identity, tokenFile, asked, pass } = await meet(t);
  const first = [tokens.of(identity), tokens.of(identity)];
  assert.deepEqual(await Promise.all(first), ['entra-1', 'entra-1']);
  assert.equal(tokens.of(identity), 'entra-1');
  const [[path, form] = assert.fail()] = asked();
  assert.equal(path, '/tenant-1/oauth2/v2.0/token');
  assert.deepEqual(Object.fromEntries(form), {
    grant_type: 'client_credentials',
    client_id: 'client-1',
    scope: identity.scope,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'assertion-1',
  });
  assert.equal(asked().length, 1);
  await writeFile(tokenFile, 'assertion-2');
  pass(2_800_000);
  // No call waits for the renewal.
  assert.equal(tokens.of(identity), 'entra-1');
  while (tokens.of(identity) === 'entra-1') await new Promise(setImmediate);
  assert.equal(tokens.of(identity), 'entra-2');
  assert.deepEqual(
    asked().map(([, sent]) => sent.get('client_assertion')),
    ['assertion-1', 'assertion-2'],
  );
});

test('a token is used up to its end while Entra is away, and a refusal is told by its codes alone', async (t) => {
  const { entra, tokens, identity, tokenFile, asked, pass } = await meet(t);
  await tokens.of(identity);
  const description = 'AADSTS700213: No matching federated identity for assertion-1';
  entra.answer = (response) => sendJson(response, { error: 'invalid_client', error_description: description }, 401);
  pass(3_000_000);
  assert.equal(tokens.of(identity), 'entra-1');
  while (asked().length < 2) await new Promise(setImmediate);
  assert.equal(tokens.of(identity), 'entra-1');
  pass(600_000);
  const message = messageOf(await tokens.of(identity));
  assert.match(
    message,
    /entra\.workloadIdentity .*127\.0\.0\.1:\d+: it answers with 401 \(invalid_client AADSTS700213\)/,
  );
  assert.doesNotMatch(message, /assertion/);
  const before = asked().length;
  messageOf(tokens.of(identity));
  assert.equal(asked().length, before, 'not again within a second');
  pass(1_000);
  await rm(tokenFile);
  assert.match(messageOf(await tokens.of(identity)), /it cannot be read \(ENOENT\)/);
  assert.equal(asked().length, before);
  await writeFile(tokenFile, 'assertion-3');
  pass(2_000);
  entra.answer = (response) => sendJson(response, { access_token: 'not a\ntoken', expires_in: 60 });
  assert.match(messageOf(await tokens.of(identity)), /answers with 200/);
});
