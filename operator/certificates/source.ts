import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Cluster } from '../cluster/cluster.ts';
import { certificateKeys, readServing } from './certificate-secret.ts';
import type { KeyPair } from './issue.ts';
import type { SecretName } from './manage.ts';

/**
 * Where a server's certificate comes from: calls back with the one that is there, and with each that follows.
 *
 * @returns ends that
 */
export type CertificateSource = (onCertificate: (pair: KeyPair) => void) => () => void;

/** The certificate in a Secret: the one that the leader keeps up. */
export function certificateFromSecret(
  cluster: Pick<Cluster, 'get' | 'subscribe'>,
  { namespace, name }: SecretName,
): CertificateSource {
  return (onCertificate) => {
    const tell = makeTeller(onCertificate);
    const read = () => tell(readServing(cluster.get('Secret', namespace, name)?.data));
    const unsubscribe = cluster.subscribe((key) => {
      if (key.kind === 'Secret' && key.namespace === namespace && key.name === name) read();
    });
    read();
    return unsubscribe;
  };
}

const pollMs = 5_000;

/** The certificate in a mounted directory with `tls.crt` and `tls.key`: cert-manager's, or one's own. */
export function certificateFromDirectory(directory: string, log: Logger, intervalMs = pollMs): CertificateSource {
  return (onCertificate) => {
    const tell = makeTeller(onCertificate);
    let isStopped = false;
    let timer: NodeJS.Timeout | undefined;
    // Polled: a mounted Secret changes by a swap of links, which file watchers report unreliably.
    const poll = async () => {
      try {
        const pair = await readDirectory(directory);
        if (!isStopped) tell(pair);
      } catch (error) {
        log.warn({ err: error, directory }, 'the webhook certificate cannot be read');
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

/** Passes on what is new. What cannot be used, such as one half of a swap, is passed over: the last one stays. */
function makeTeller(onCertificate: (pair: KeyPair) => void) {
  let told: string | undefined;
  return (pair: KeyPair | undefined) => {
    if (!pair || pair.certificate === told) return;
    told = pair.certificate;
    onCertificate(pair);
  };
}
