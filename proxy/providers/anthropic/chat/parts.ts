import { type Carrier, isAbsent } from '../../carried.ts';
import { asArray, asObject, asString, type Body } from '../../json.ts';

/** The text of instructions, of an assistant or of a tool. Anthropic takes no empty texts, so those are left out. */
export function textBlocks(content: unknown, path: string, carrier: Carrier): Body[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return asArray(content).flatMap((value, index) => {
    const part = asObject(value);
    const text = asString(part?.text) ?? asString(part?.refusal);
    if (!part || text === null) return carrier.refuse(`${path}[${index}].type`, 'takes text alone here');
    return text === '' ? [] : [{ type: 'text', text, ...cacheControl(part) }];
  });
}

/** The content of a user's message: text, pictures and documents. */
export function carryParts(content: unknown, path: string, carrier: Carrier): Body[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return asArray(content).flatMap((value, index) => {
    const part = asObject(value) ?? {};
    const at = `${path}[${index}]`;
    const block = carryPart(part, at, carrier);
    return block ? [{ ...block, ...cacheControl(part) }] : [];
  });
}

function carryPart(part: Body, at: string, carrier: Carrier): Body | undefined {
  switch (part.type) {
    case 'text':
      return part.text === '' ? undefined : { type: 'text', text: part.text };
    case 'image_url':
      return {
        type: 'image',
        source: sourceOf(asString(asObject(part.image_url)?.url), `${at}.image_url.url`, carrier),
      };
    case 'file':
      return carryFile(asObject(part.file) ?? {}, at, carrier);
    default:
      return carrier.refuse(`${at}.type`, `takes no part of the type ${JSON.stringify(part.type)}`);
  }
}

/** A document whose bytes are in the call. A file that OpenAI keeps is not known at Anthropic. */
function carryFile(file: Body, at: string, carrier: Carrier): Body {
  const data = readDataUrl(asString(file.file_data));
  if (!data) return carrier.refuse(`${at}.file`, 'takes documents as file_data, a data: URL with base64');
  const title = isAbsent(file.filename) ? {} : { title: file.filename };
  if (data.mediaType === 'text/plain') {
    const text = Buffer.from(data.base64, 'base64').toString('utf8');
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...title };
  }
  const source = { type: 'base64', media_type: data.mediaType, data: data.base64 };
  return { type: 'document', source, ...title };
}

function sourceOf(url: string | null, at: string, carrier: Carrier): Body {
  const data = readDataUrl(url);
  if (data) return { type: 'base64', media_type: data.mediaType, data: data.base64 };
  if (url !== null && /^https?:/i.test(url)) return { type: 'url', url };
  return carrier.refuse(at, 'must be an http(s) URL, or a data: URL with base64');
}

/** @see https://www.rfc-editor.org/rfc/rfc2397 */
function readDataUrl(url: string | null): { readonly mediaType: string; readonly base64: string } | undefined {
  const [, mediaType = '', base64 = ''] =
    /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w-]+=[^;,]+)*;base64,(.*)$/is.exec(url ?? '') ?? [];
  return mediaType === '' ? undefined : { mediaType: mediaType.toLowerCase(), base64 };
}

/** Clients of gateways state Anthropic's marks of what to cache in a part. */
function cacheControl({ cache_control }: Body): Body {
  return isAbsent(cache_control) ? {} : { cache_control };
}
