import { setTimeout as delay } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';
import { TrainerError } from '../trainer-error.ts';
import type { Store } from './store.ts';

export interface S3Settings {
  /** Undefined: Amazon's, of the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** Undefined: requests are not signed. */
  readonly keys:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
}

/** From the variables that Amazon's own SDKs read. */
export function readS3Settings(environment: Readonly<Record<string, string | undefined>>): S3Settings {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
  const { AWS_SESSION_TOKEN: sessionToken } = environment;
  return {
    endpoint: environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL || undefined,
    region: environment.AWS_REGION || environment.AWS_DEFAULT_REGION || 'us-east-1',
    keys:
      accessKeyId && secretAccessKey
        ? { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
        : undefined,
  };
}

const attempts = 5;
const firstPauseMs = 250;

export function makeS3Store({ endpoint, region, keys }: S3Settings): Store {
  // It retries what the server asks to retry.
  const aws = keys && new AwsClient({ ...keys, service: 's3', region, retries: attempts, initRetryMs: firstPauseMs });
  const ask = async (uri: string, init: RequestInit): Promise<Response> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const url = urlOf(uri, endpoint, region);
        return await (aws ? aws.fetch(url, init) : fetch(url, init));
      } catch (cause) {
        if (attempt === attempts) throw new TrainerError('other', `${uri} cannot be reached`, { cause });
        await delay(firstPauseMs * 2 ** attempt);
      }
    }
  };
  return {
    async read(uri) {
      const answer = await ask(uri, { method: 'GET' });
      if (answer.ok && answer.body) return answer.body;
      const text = await answer.text();
      if (answer.status === 404 && !text.includes('NoSuchBucket')) return undefined;
      throw refused(uri, 'read', answer.status, text);
    },
    async write(uri, bytes) {
      const answer = await ask(uri, { method: 'PUT', body: Buffer.from(bytes) });
      const text = await answer.text();
      if (!answer.ok) throw refused(uri, 'written', answer.status, text);
    },
  };
}

function urlOf(uri: string, endpoint: string | undefined, region: string): string {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  if (!bucket || !key) throw new TrainerError('configuration', `${uri} is not s3://bucket/key`);
  const path = key.split('/').map(encodeURIComponent).join('/');
  if (endpoint) return `${endpoint.replace(/\/+$/, '')}/${bucket}/${path}`;
  // A certificate of Amazon's covers no bucket with dots.
  if (bucket.includes('.')) return `https://s3.${region}.amazonaws.com/${bucket}/${path}`;
  return `https://${bucket}.s3.${region}.amazonaws.com/${path}`;
}

function refused(uri: string, verb: string, status: number, text: string): TrainerError {
  const code = /<Code>([\w.-]{1,64})<\/Code>/.exec(text)?.[1];
  const why = `the server answers ${status}${code ? ` ${code}` : ''}`;
  return new TrainerError(status < 500 ? 'input' : 'other', `${uri} cannot be ${verb}: ${why}`);
}
