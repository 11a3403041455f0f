import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';

/** A certificate chain and its private key, as PEM. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes an HTTP server, with or without TLS. */
export type MakeServer = (options: ServerOptions, listener: RequestListener) => Server;

/** The certificate that a listener shows. A renewed one is used from the next connection on. */
export interface Tls extends Disposable {
  readonly makeServer: MakeServer;
}

/**
 * Opens a mounted certificate, and follows its renewal until disposed of.
 *
 * @throws where the certificate or its key cannot be read
 */
export async function openTls(directory: string, intervalMs?: number): Promise<Tls> {
  const { createServer } = await import('node:https');
  const certificate = await readCertificate(directory);
  const renewals = new Set<(renewed: Certificate) => void>();
  const stop = followCertificate(
    directory,
    certificate,
    (renewed) => {
      for (const renew of renewals) renew(renewed);
    },
    intervalMs,
  );
  return {
    makeServer(options, listener) {
      const server = createServer({ ...options, ...certificate, minVersion: 'TLSv1.2' }, listener);
      renewals.add((renewed) => server.setSecureContext({ ...renewed, minVersion: 'TLSv1.2' }));
      return server;
    },
    [Symbol.dispose]: stop,
  };
}

/** The file names of a mounted Secret of type `kubernetes.io/tls`. */
const files = { cert: 'tls.crt', key: 'tls.key' } as const;

/**
 * Reads a certificate from a mounted Secret.
 *
 * @throws where a file is missing, or the key does not belong to the certificate; the message shows no content
 */
async function readCertificate(directory: string): Promise<Certificate> {
  const read = async (name: string) => {
    try {
      return await readFile(join(directory, name), 'utf8');
    } catch (cause) {
      throw new Error(`The TLS directory ${directory} has no readable file "${name}"`, { cause });
    }
  };
  const certificate = { cert: await read(files.cert), key: await read(files.key) };
  try {
    createSecureContext(certificate);
  } catch {
    // No cause: it might quote the key.
    throw new Error(`The TLS directory ${directory} has no certificate with its key in "tls.crt" and "tls.key"`);
  }
  return certificate;
}

/**
 * Calls `onChange` whenever the certificate was renewed, until stopped. A half-written or wrong one is ignored: the
 * last good one stays in use.
 */
function followCertificate(
  directory: string,
  current: Certificate,
  onChange: (certificate: Certificate) => void,
  intervalMs = 5_000,
): () => void {
  let known = digest(current);
  // It polls, since a mounted Secret changes by a swap of links, which file watchers report unreliably.
  const timer = setInterval(async () => {
    try {
      const certificate = await readCertificate(directory);
      if (digest(certificate) === known) return;
      known = digest(certificate);
      onChange(certificate);
    } catch {
      // The next tick finds it complete.
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function digest({ cert, key }: Certificate): string {
  return createHash('sha256').update(cert).update(key).digest('hex');
}
