import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as credentials from '../../operator/credentials.ts';

const operatorNamespace = 'chaperone-system';

/** Everything that the operator makes for an organization or a binding, by the function that names it: who owns what where. */
const made: Readonly<Record<string, (place: Place) => readonly (readonly [string, string, string])[]>> = {
  credentialsSecretName: ({ organization, namespace }: Place) => [
    [operatorNamespace, credentials.credentialsSecretName(organization), `credentials of ${organization}`],
    [namespace, credentials.credentialsSecretName(organization), `credentials of ${organization}`],
  ],
  signingSecretName: ({ organization }: Place) => [
    [operatorNamespace, credentials.signingSecretName(organization), `signing keys of ${organization}`],
  ],
  gatewaySecretName: ({ organization }: Place) => [
    [operatorNamespace, credentials.gatewaySecretName(organization), `credentials of the gateway of ${organization}`],
  ],
  servingSecretName: ({ namespace, binding }: Place) => [
    [namespace, credentials.servingSecretName(binding), `key of the served model ${binding}`],
  ],
  syntheticKeySecretName: ({ namespace, binding }: Place) => [
    [namespace, credentials.syntheticKeySecretName(binding), `synthetic key of ${namespace}/${binding}`],
  ],
  workerSecretName: () => [
    [operatorNamespace, credentials.workerSecretName(0), 'what workers get (0)'],
    [operatorNamespace, credentials.workerSecretName(15), 'what workers get (15)'],
  ],
  webhookCertificateSecretName: () => [
    [operatorNamespace, credentials.webhookCertificateSecretName, 'certificate of the webhooks'],
  ],
  webhookKeySecretName: () => [[operatorNamespace, credentials.webhookKeySecretName, 'key of the webhooks']],
};

interface Place {
  readonly organization: string;
  readonly namespace: string;
  readonly binding: string;
}

/** Names that come of putting together what names are made of, so that they meet often. */
const name = fc
  .array(fc.constantFrom('chaperone', 'a', 'gateway', 'signing-keys', 'synthetic-key', 'webhook-tls', 'x'), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join('-'));
const organization = name.filter((one) => !credentials.isReservedOrganizationName(one));
const place = fc.record({ organization, namespace: fc.constantFrom(operatorNamespace, 'web'), binding: name });

test('no two objects that the operator makes have the same name in a namespace', () => {
  fc.assert(
    fc.property(fc.array(place, { minLength: 2, maxLength: 8 }), (places) => {
      const owners = new Map<string, string>();
      for (const [namespace, secret, owner] of places.flatMap((one) =>
        Object.values(made).flatMap((make) => make(one)),
      )) {
        const path = `${namespace}/${secret}`;
        assert.equal(owners.get(path) ?? owner, owner, path);
        owners.set(path, owner);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('every name that the operator gives a Secret is in the list', () => {
  const named = Object.keys(credentials).filter((one) => one.endsWith('SecretName'));
  assert.deepEqual(named.sort(), Object.keys(made).sort());
});
