import type { Logger } from 'pino';
import type { ApiClient } from './api-client.ts';
import { ApiError, isNotFound } from './api-error.ts';
import { versioned } from './mirrors.ts';
import type { Content, ReferencesOptions } from './references.ts';
import { type ContentApiObject, objectPath, toConfigMap, toSecret } from './resources.ts';

/** Reads Secrets and ConfigMaps by name. Where the operator has no right to read one, it counts as missing. */
export function makeContentReader(client: ApiClient, log: Logger): ReferencesOptions['read'] {
  return async (key) => {
    try {
      const object = await client.send<ContentApiObject>({ method: 'GET', path: objectPath(key) });
      const decode: (object: ContentApiObject) => Content = key.kind === 'Secret' ? toSecret : toConfigMap;
      return versioned(decode, object);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      log.error({ err: error, ...key }, 'the operator has no right to read an object that a resource refers to');
      return undefined;
    }
  };
}
