import type { PersonalKind } from './kinds.ts';

/** How many characters of a number stay. */
const last = 4;

/** A value as a mapping shows it: names stay, numbers lose all but their last four digits, of anything else little stays. */
export function maskValue(kind: PersonalKind, value: string): string {
  switch (kind) {
    case 'name':
      return value;
    case 'phone_number':
    case 'account_number':
    case 'card_number':
    case 'iban':
    case 'national_id':
      return maskAllBut(value, last);
    case 'email':
      return value.replace(/^(.)[^@]*/u, '$1XXX');
    case 'address':
    case 'date_of_birth':
    case 'ip_address':
    case 'secret':
      return maskAllBut(value, 0);
  }
}

/** Letters and digits become X; what is between them stays. Of a short value, at most half is shown. */
function maskAllBut(value: string, shown: number): string {
  const count = (value.match(/[\p{L}\p{N}]/gu) ?? []).length;
  let hidden = count - Math.min(shown, Math.floor(count / 2));
  return value.replaceAll(/[\p{L}\p{N}]/gu, (character) => {
    hidden -= 1;
    return hidden >= 0 ? 'X' : character;
  });
}
