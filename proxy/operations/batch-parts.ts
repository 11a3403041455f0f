import { asObject, asString, type Body, parseObject } from '../providers/json.ts';
import type { OpenFile, Part } from '../providers/reading.ts';
import { batchEndpoints } from './batch-endpoints.ts';
import { linesOf } from './lines.ts';

/**
 * Reads what the lines of a batch used, each with the model that answered it, from the file that the batch was answered
 * with. Lines that failed are not billed.
 */
export async function* readBatchParts(batch: Body, open: OpenFile): AsyncIterable<Part> {
  const operation = batchEndpoints.get(batch.endpoint);
  const fileId = asString(batch.output_file_id);
  if (!operation || fileId === null) return;
  for await (const line of linesOf(await open(`/files/${encodeURIComponent(fileId)}/content`))) {
    if (line.trim() === '') continue;
    const response = asObject(parseObject(line)?.response);
    if (response?.status_code !== 200) continue;
    yield operation.read(response.body, {});
  }
}
