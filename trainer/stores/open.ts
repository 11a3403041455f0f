import { TrainerError } from '../trainer-error.ts';
import { makeFileStore } from './files.ts';
import { makeS3Store, readS3Settings } from './s3.ts';
import type { Store } from './store.ts';

/** Reads and writes `s3://bucket/key` and `file:///path`. */
export function openStore(environment: Readonly<Record<string, string | undefined>>): Store {
  const s3 = makeS3Store(readS3Settings(environment));
  const files = makeFileStore();
  const storeOf = (uri: string) => {
    if (uri.startsWith('s3://')) return s3;
    if (uri.startsWith('file://')) return files;
    throw new TrainerError('configuration', `${uri} is neither s3://bucket/key nor file:///path`);
  };
  return {
    read: (uri) => storeOf(uri).read(uri),
    write: (uri, bytes) => storeOf(uri).write(uri, bytes),
  };
}
