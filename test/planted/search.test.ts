import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { generateDataKeys, makeEnvelope } from '../../database/envelope.ts';
import { findSecrets } from './search.ts';

const secret = 'a heron nests in Kalmar "at 4417" + more/less';
const secrets = new Map([['the secret', secret]]);

describe('something secret is found', () => {
  const bytes = Buffer.from(secret);
  const within = (form: Buffer | string) => Buffer.concat([randomBytes(1_000), Buffer.from(form), randomBytes(1_000)]);
  const ways: Readonly<Record<string, Buffer | string>> = {
    'as it is': secret,
    'in JSON': JSON.stringify({ text: secret }),
    'in a URL': `https://example.com/?q=${encodeURIComponent(secret)}&n=1`,
    'in a form': String(new URLSearchParams({ q: secret })).replaceAll(/%../g, (code) => code.toLowerCase()),
    'in hexadecimal': bytes.toString('hex'),
    'in large hexadecimal': bytes.toString('hex').toUpperCase(),
    'packed by gzip': gzipSync(secret),
    'packed by gzip, in hexadecimal': ` \\x${gzipSync(secret).toString('hex')} `,
    'packed by gzip, in base 64': ` "${gzipSync(secret).toString('base64')}" `,
    'packed by zstd': zstdCompressSync(secret),
  };
  for (const [way, form] of Object.entries(ways)) {
    test(way, async () => {
      // What follows a frame of zstd must be another one.
      const content = way.endsWith('zstd') ? Buffer.concat([randomBytes(1_000), Buffer.from(form)]) : within(form);
      assert.deepEqual(await findSecrets(secrets, [['here', content]]), [{ place: 'here', secret: 'the secret' }]);
    });
  }

  test('in base 64, whatever stands around it', async () => {
    const neighbour = fc.uint8Array({ maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        neighbour,
        neighbour,
        fc.constantFrom('base64' as const, 'base64url' as const),
        async (one, other, encoding) => {
          const text = Buffer.concat([one, bytes, other]).toString(encoding);
          assert.equal((await findSecrets(secrets, [['here', text]])).length, 1);
        },
      ),
    );
  });
});

test('nothing is found where it is not, nor where it is sealed', async () => {
  const sealed = makeEnvelope(generateDataKeys()).seal({ organizationId: 'o', column: 'c', rowId: 'r' }, secret);
  const places = [sealed, gzipSync(randomBytes(100)), Buffer.from('1f8b08 H4sI'), secret.slice(0, -1), ''] as const;
  const leftovers = places.map((content, at) => [String(at), content] as const);
  assert.deepEqual(await findSecrets(secrets, leftovers), []);
});

test('a secret that chance could find is refused', async () => {
  await assert.rejects(findSecrets(new Map([['a word', 'secret']]), []), /too short/);
});
