import { asObject, asString, type Body, parseObject } from '../json.ts';
import type { OpenFile, Part } from '../reading.ts';
import type { WireFormat } from '../wire-format.ts';
import { chat } from './chat.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import { linesOf } from './lines.ts';
import { moderations } from './moderations.ts';
import { responses } from './responses.ts';

/** How lines of batches are answered, by the `endpoint` of the batch. Azure names it without `/v1`. */
const formatsByEndpoint: ReadonlyMap<unknown, WireFormat> = new Map(
  [responses, chat, completions, embeddings, moderations].flatMap((format) => [
    [`/v1${format.path}`, format],
    [format.path, format],
  ]),
);

/** Reads the usage of a batch's lines, each with its model, from the output file. Failed lines are not billed. */
export async function* readBatchParts(batch: Body, open: OpenFile): AsyncIterable<Part> {
  const format = formatsByEndpoint.get(batch.endpoint);
  const fileId = asString(batch.output_file_id);
  if (!format || fileId === null) return;
  for await (const line of linesOf(await open(`/files/${encodeURIComponent(fileId)}/content`))) {
    const response = asObject(parseObject(line.toString('utf8'))?.response);
    if (response?.status_code !== 200) continue;
    yield format.read(response.body, {});
  }
}
