import { identifiedFields, referringFields } from '../../../crds/call-fields.ts';
import { findListedField } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';

/** Form fields that are files. As text, such a field could be the id of a file. */
const formFiles: readonly string[] = ['file', 'image', 'images', 'mask'];

/**
 * Refuses a form that refers to a stored resource: forms contain their files.
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

/** Whether the name, in any spelling, is that of a field that refers to resources by id. */
function isReferring(name: string): boolean {
  return Object.hasOwn(referringFields, findListedField(name) ?? '');
}

function isIdentified(name: string): boolean {
  return Object.hasOwn(identifiedFields, findListedField(name) ?? '');
}
