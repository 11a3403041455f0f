/** Reads and writes whole objects by their address. */
export interface Store {
  /** @returns undefined: there is no such object */
  read(uri: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Writes an object whole: a reader sees the former one or this one. */
  write(uri: string, bytes: Uint8Array): Promise<void>;
}

/** @returns undefined: there is no such object */
export async function readWhole(store: Pick<Store, 'read'>, uri: string): Promise<Buffer | undefined> {
  const chunks = await store.read(uri);
  if (!chunks) return undefined;
  const read: Uint8Array[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read);
}
