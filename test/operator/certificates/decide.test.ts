import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { StoredCertificates } from '../../../operator/certificates/certificate-secret.ts';
import {
  type CertificateDecision,
  type CertificatePolicy,
  decideCertificates,
  defaultCertificatePolicy,
} from '../../../operator/certificates/decide.ts';
import { issueAuthority, issueServing, type KeyPair } from '../../../operator/certificates/issue.ts';

const dayMs = 24 * 3_600_000;
const startMs = Date.parse('2026-01-01T00:00:00Z');
const policy: CertificatePolicy = { ...defaultCertificatePolicy, names: ['webhook.chaperone-system.svc', '127.0.0.1'] };

const authorityMadeOn = (day: number) =>
  issueAuthority({ lifetimeMs: policy.authorityLifetimeMs, nowMs: startMs + day * dayMs });
const servingMadeOn = (day: number, authority: KeyPair, names = policy.names) =>
  issueServing(authority, names, { lifetimeMs: policy.servingLifetimeMs, nowMs: startMs + day * dayMs });

describe('the certificates of each day', () => {
  const stored: Record<string, StoredCertificates> = {};
  before(async () => {
    const first = await authorityMadeOn(0);
    const second = await authorityMadeOn(250);
    const fresh = await servingMadeOn(0, first);
    const later = await servingMadeOn(200, first);
    stored.first = { authority: first, serving: fresh, trusted: [first.certificate] };
    stored.later = { authority: first, serving: later, trusted: [first.certificate] };
    stored.introduced = { authority: second, serving: later, trusted: [first.certificate, second.certificate] };
    const ofSecond = await servingMadeOn(260, second);
    stored.succeeded = { authority: second, serving: ofSecond, trusted: [first.certificate, second.certificate] };
    const ofStranger = await servingMadeOn(0, await authorityMadeOn(0));
    stored.foreign = { authority: first, serving: ofStranger, trusted: [first.certificate] };
    const misnamed = await servingMadeOn(0, first, ['elsewhere.svc']);
    stored.misnamed = { authority: first, serving: misnamed, trusted: [first.certificate] };
  });

  const renewServing = { action: 'renew', authority: false, serving: true } as const;
  const renewAuthority = { action: 'renew', authority: true, serving: false } as const;
  const prune = { action: 'renew', authority: false, serving: false } as const;
  const rows: readonly [
    title: string,
    stored: string,
    day: number,
    expected: Partial<CertificateDecision>,
    trusted?: number,
  ][] = [
    ['nothing stored', 'nothing', 0, { action: 'bootstrap' }],
    ['all fresh', 'first', 1, { action: 'keep', nextCheckMs: 59 * dayMs }],
    ['just before two thirds of 90 days', 'first', 59.9, { action: 'keep' }],
    ['two thirds of 90 days', 'first', 60, renewServing, 1],
    ['expired while nobody was there', 'first', 95, renewServing, 1],
    ['two thirds of a year', 'later', 244, renewAuthority, 1],
    ['an authority that has expired', 'later', 366, { action: 'bootstrap' }],
    ['a new authority does not sign at once', 'introduced', 250.001, { action: 'keep' }],
    ['it signs with the next renewal', 'introduced', 260, renewServing, 2],
    ['the former authority stays while what it signed may be valid', 'succeeded', 261, { action: 'keep' }],
    ['and goes afterwards', 'succeeded', 341, renewServing, 1],
    ['a certificate of nobody trusted', 'foreign', 1, renewServing, 1],
    ['a certificate of another name', 'misnamed', 1, renewServing, 1],
  ];
  for (const [title, name, day, expected, trusted] of rows) {
    test(title, () => {
      const decision = decideCertificates(stored[name], policy, startMs + day * dayMs);
      assert.partialDeepStrictEqual(decision, expected);
      if (trusted !== undefined) assert.equal('trusted' in decision && decision.trusted.length, trusted);
    });
  }

  test('an expired former authority alone causes a write', async () => {
    const { succeeded } = stored;
    assert(succeeded);
    const serving = await servingMadeOn(320, succeeded.authority);
    const decision = decideCertificates({ ...succeeded, serving }, policy, startMs + 341 * dayMs);
    assert.partialDeepStrictEqual(decision, prune);
    assert(decision.action === 'renew');
    assert.deepEqual(decision.trusted, [succeeded.authority.certificate]);
  });

  test('an authority renewed late signs only after it has been published', async () => {
    const { first } = stored;
    assert(first);
    // Both were due when the new authority was made.
    const madeMs = startMs + 80 * dayMs;
    const authority = await issueAuthority({ lifetimeMs: policy.authorityLifetimeMs, nowMs: madeMs });
    const introduced = { ...first, authority, trusted: [...first.trusted, authority.certificate] };
    const decide = (sinceMs: number) => decideCertificates(introduced, policy, madeMs + sinceMs);
    assert.deepEqual(decide(0), { action: 'keep', nextCheckMs: policy.publicationMs });
    assert.partialDeepStrictEqual(decide(policy.publicationMs), renewServing);
  });
});

test('the published bundle verifies the served certificate at any time in ten years', { timeout: 60_000 }, async () => {
  let stored: StoredCertificates | undefined;
  let published: readonly string[] = [];
  const authorities = new Set<string>();
  for (let nowMs = startMs; nowMs < startMs + 3_650 * dayMs; ) {
    const decision = decideCertificates(stored, policy, nowMs);
    if (decision.action === 'keep') {
      assert(decision.nextCheckMs > 0);
      nowMs += Math.min(decision.nextCheckMs, 7 * dayMs);
      continue;
    }
    if (decision.action === 'bootstrap') {
      assert.equal(stored, undefined, decision.reason);
      const authority = await issueAuthority({ lifetimeMs: policy.authorityLifetimeMs, nowMs });
      stored = { authority, serving: await serve(authority, nowMs), trusted: [authority.certificate] };
    } else {
      assert(stored);
      // What clients trust changes first; whatever is shown then must be good by the former bundle and by the new one.
      const authority: KeyPair = decision.authority
        ? await issueAuthority({ lifetimeMs: policy.authorityLifetimeMs, nowMs })
        : stored.authority;
      const trusted = [...decision.trusted, ...(decision.authority ? [authority.certificate] : [])];
      stored = { authority, trusted, serving: decision.serving ? await serve(authority, nowMs) : stored.serving };
      assert(vouches(published, stored.serving, nowMs), decision.reason);
    }
    published = stored.trusted;
    authorities.add(stored.authority.certificate);
    assert(vouches(published, stored.serving, nowMs));
    assert(published.length <= 2);
  }
  assert(authorities.size > 10);
});

function serve(authority: KeyPair, nowMs: number): Promise<KeyPair> {
  return issueServing(authority, policy.names, { lifetimeMs: policy.servingLifetimeMs, nowMs });
}

/** Whether a client that trusts these authorities gets through. */
function vouches(trusted: readonly string[], serving: KeyPair, nowMs: number): boolean {
  const shown = new X509Certificate(serving.certificate);
  const isValid = ({ validFromDate, validToDate }: X509Certificate) =>
    validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
  return trusted
    .map((certificate) => new X509Certificate(certificate))
    .some((issuer) => isValid(issuer) && isValid(shown) && shown.checkIssued(issuer) && shown.verify(issuer.publicKey));
}
