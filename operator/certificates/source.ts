import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Cluster } from '../cluster/cluster.ts';
import { certificateKeys, readServing } from './certificate-secret.ts';
import type { KeyPair } from './issue.ts';
import type { SecretName } from './manage.ts';

/**
 * Follows a server's certificate: calls back with the current one, and with each that follows.
 *
 * @returns a function that stops following
 */
export type CertificateSource = (onCertificate: (pair: KeyPair) => void) => () => void;

/** Follows the certificate in the Secret that the leader maintains. */
export function certificateFromSecret(
  cluster: Pick<Cluster, 'get' | 'subscribe'>,
  { namespace, name }: SecretName,
): CertificateSource {
  return (onCertificate) => {
    const tell = makeNotifier(onCertificate);
    const read = () => tell(readServing(cluster.get('Secret', namespace, name)?.data));
    const unsubscribe = cluster.subscribe((key) => {
      if (key.kind === 'Secret' && key.namespace === namespace && key.name === name) read();
    });
    read();
    return unsubscribe;
  };
}

const pollMs = 5_000;

/** Follows the certificate in a mounted directory with `tls.crt` and `tls.key`: cert-manager's, or your own. */
export function certificateFromDirectory(directory: string, log: Logger, intervalMs = pollMs): CertificateSource {
  return (onCertificate) => {
    const tell = makeNotifier(onCertificate);
    let isStopped = false;
    let timer: NodeJS.Timeout | undefined;
    // It polls, since a mounted Secret changes by a swap of links, which file watchers report unreliably.
    const poll = async () => {
      try {
        const pair = await readDirectory(directory);
        if (!isStopped) tell(pair);
      } catch (error) {
        log.warn({ err: error, directory }, 'cannot read the webhook certificate');
      }
      if (!isStopped) timer = setTimeout(poll, intervalMs);
    };
    void poll();
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  };
}

async function readDirectory(directory: string): Promise<KeyPair | undefined> {
  const files = [certificateKeys.certificate, certificateKeys.privateKey];
  const entries = files.map(async (file) => [file, await readFile(join(directory, file))] as const);
  return readServing(Object.fromEntries(await Promise.all(entries)));
}

/** Passes on each new certificate. An unusable one, such as half of a swap, is skipped, and the last one stays. */
function makeNotifier(onCertificate: (pair: KeyPair) => void) {
  let told: string | undefined;
  return (pair: KeyPair | undefined) => {
    if (!pair || pair.certificate === told) return;
    told = pair.certificate;
    onCertificate(pair);
  };
}
