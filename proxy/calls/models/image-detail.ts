import { imageFields } from '../../../crds/asked-fields.ts';
import { findLookalike } from '../../../crds/read-call-fields.ts';
import { asObject, type Body } from '../../providers/json.ts';
import type { BodyEdit } from './body-edit.ts';

/** An image in a body, by what it says of its detail. */
export interface AskedDetail {
  readonly detail: unknown;
  /** Where it stands, for errors. */
  readonly param: string;
  /** Whether the field has another spelling, which some readers take for the same. */
  readonly isMisspelt: boolean;
}

/** Finds the images of a body whose detail can be stated. */
export function findImages(operation: string, body: Body): AskedDetail[] {
  const found: AskedDetail[] = [];
  for (const field of imageFields[operation] ?? []) collect(body[field], field, found);
  return found;
}

function collect(value: unknown, param: string, found: AskedDetail[]): void {
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) collect(element, `${param}[${index}]`, found);
    return;
  }
  const object = asObject(value);
  if (!object) return;
  const holder = holderOf(object);
  if (holder) {
    const { at, image } = holder;
    const isMisspelt = image !== null && findLookalike(image, ['detail']) !== undefined;
    found.push({ detail: image?.detail, param: `${param}${at}.detail`, isMisspelt });
    return;
  }
  for (const name in object) collect(object[name], `${param}.${name}`, found);
}

/** Types of parts that say their detail themselves. */
const imageTypes: readonly unknown[] = ['input_image', 'computer_screenshot'];

/** The object that says the detail of a part that is an image. Null: it would be one, and is only an address. */
function holderOf(part: Body): { readonly at: string; readonly image: Body | null } | undefined {
  if (imageTypes.includes(part.type)) return { at: '', image: part };
  return part.type === 'image_url' ? { at: '.image_url', image: asObject(part.image_url) } : undefined;
}

/** Sets the detail of every image of a body to `low`, but leaves all else as it is. */
export function lowerDetail(operation: string): BodyEdit {
  const fields = imageFields[operation] ?? [];
  return (body) => {
    const lowered = fields.flatMap((field) => (field in body ? [[field, lower(body[field])] as const] : []));
    return { ...body, ...Object.fromEntries(lowered) };
  };
}

function lower(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lower);
  // A number whose spelling was kept is an object that must stay the same one.
  const object = JSON.isRawJSON(value) ? null : asObject(value);
  if (!object) return value;
  const holder = holderOf(object);
  if (!holder) return Object.fromEntries(Object.entries(object).map(([name, inner]) => [name, lower(inner)]));
  if (holder.at === '') return { ...object, detail: 'low' };
  const image = holder.image ?? { url: object.image_url };
  return { ...object, image_url: { ...image, detail: 'low' } };
}
