import { identifiedFields, referringFields } from '../../../crds/call-fields.ts';
import { findListedField } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';

/** Fields of forms that are files: as text they could be the id of one. */
const formFiles: readonly string[] = ['file', 'image', 'images', 'mask'];

/**
 * Refuses a form that names something at the provider: forms bring their files with them.
 *
 * @param form its text fields
 * @throws {ProxyError} `invalid_request`
 */
export function refuseFormReferences(form: Readonly<Record<string, unknown>>): void {
  for (const name in form) {
    const [base = '', ...inner] = name.toLowerCase().split(/[[\].]+/);
    const isFile = formFiles.includes(base);
    const refers = isReferring(base) || inner.some((part) => part === 'id' || isReferring(part) || isIdentified(part));
    if (!isFile && !refers) continue;
    const message = `${name} cannot be there: a form cannot refer to what is kept at the provider; it must send the file itself`;
    throw new ProxyError('invalid_request', { param: name, message });
  }
}

/** Whether the name, in whatever spelling, is of a field that names things by their ids. */
function isReferring(name: string): boolean {
  return Object.hasOwn(referringFields, findListedField(name) ?? '');
}

function isIdentified(name: string): boolean {
  return Object.hasOwn(identifiedFields, findListedField(name) ?? '');
}
