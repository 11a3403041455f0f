import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runChecks } from '../../../../cli/check/check.ts';
import { whyUntrusted } from '../../../../cli/check/cluster/certificate.ts';
import { webhookChecks } from '../../../../cli/check/cluster/webhook-checks.ts';
import { issueAuthority, issueServing } from '../../../../operator/certificates/issue.ts';
import { goodFacts, makeWebhook, namespace, nowMs } from './facts.ts';

const dayMs = 24 * 3_600_000;
const host = `chaperone-webhook.${namespace}.svc`;
const authority = await issueAuthority({ lifetimeMs: 30 * dayMs, nowMs });
const former = await issueAuthority({ lifetimeMs: 30 * dayMs, nowMs: nowMs - dayMs });
const issue = (days: number, names = [host]) => issueServing(authority, names, { lifetimeMs: days * dayMs, nowMs });
const serving = await issue(20);
const elsewhere = await issue(20, ['other.svc']);
const lasting = await issue(90);

describe('whether a client trusts a certificate', () => {
  const bundle = authority.certificate;
  for (const [title, chain, trusted, atMs, why] of [
    ['of a trusted authority', serving.certificate, bundle, nowMs, undefined],
    ['of one of several', serving.certificate, former.certificate + bundle, nowMs, undefined],
    ['of another authority', serving.certificate, former.certificate, nowMs, /no authority in its caBundle/],
    ['without a bundle', serving.certificate, '', nowMs, /caBundle is empty/],
    ['that is none', 'garbage', bundle, nowMs, /has no certificate/],
    ['that has expired', serving.certificate, bundle, nowMs + 21 * dayMs, /is valid only from/],
    ['that is not in force yet', serving.certificate, bundle, nowMs - dayMs, /is valid only from/],
    ['for another host', elsewhere.certificate, bundle, nowMs, /not for chaperone-webhook/],
    ['whose authority has expired', lasting.certificate, bundle, nowMs + 31 * dayMs, /authority .* is valid only from/],
    [
      'with a stranger in its chain',
      serving.certificate + former.certificate,
      former.certificate,
      nowMs,
      /no authority/,
    ],
  ] as const) {
    test(title, () => {
      const reason = whyUntrusted(chain, trusted, host, atMs);
      if (why === undefined) assert.equal(reason, undefined);
      else assert.match(reason ?? '', why);
    });
  }
});

describe("the webhook's certificate", () => {
  for (const [title, days, wrong] of [
    ['with time', 8, []],
    ['with less than a week', 6, ['webhook-certificate-expiry']],
  ] as const) {
    test(title, async () => {
      const { certificate } = await issue(days);
      const webhooks = goodFacts.webhooks.map(({ kind }) => makeWebhook({ kind, bundle: authority.certificate }));
      const results = runChecks([webhookChecks], {
        ...goodFacts,
        webhooks,
        certificate: { ...goodFacts.certificate, chain: certificate },
      });
      const failures = results.flatMap(({ checks }) => checks).filter(({ finding }) => finding.status !== 'ok');
      assert.deepEqual(
        failures.map(({ id }) => id),
        wrong,
      );
    });
  }
});
