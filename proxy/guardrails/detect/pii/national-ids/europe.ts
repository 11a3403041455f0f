import { passesLuhn, passesMod11And10, remainder, weightedSum } from '../check-digits.ts';
import { isDateOf } from './dates.ts';
import type { NationalId } from './national-id.ts';

const spanishLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';
const finnishCharacters = '0123456789ABCDEFHJKLMNPRSTUVWXY';

export const european: readonly NationalId[] = [
  {
    country: 'GB',
    name: 'National Insurance number',
    template: 'AAsddsddsddsA',
    check: (id) => /^(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]$/.test(id),
    withoutContext: 'Always',
    context: /\bnino\b|national insurance/i,
  },
  {
    country: 'DE',
    name: 'Steuerliche Identifikationsnummer',
    template: 'ddsdddsdddsddd',
    check: (id) => id[0] !== '0' && hasOneRepeatedDigit(id.slice(0, 10)) && passesMod11And10(id),
    withoutContext: 'Grouped',
    context: /(?:steuer|\bidnr|tin\b)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'FR',
    name: 'Numéro de sécurité sociale (NIR)',
    template: 'dsddsddsdXsdddsdddsdd',
    check: passesNir,
    withoutContext: 'Always',
    context: /sécu|\bnir\b|\binsee\b/i,
  },
  {
    country: 'ES',
    name: 'DNI',
    template: 'ddsdddsdddsA',
    check: (id) => spanishLetters[remainder(id.slice(0, 8), 23)] === id[8],
    withoutContext: 'Always',
    context: /\bdni\b|\bnif\b/i,
  },
  {
    country: 'ES',
    name: 'NIE',
    template: 'AsdddddddsA',
    check: (id) => {
      const first = 'XYZ'.indexOf(id.charAt(0));
      return first >= 0 && spanishLetters[remainder(`${first}${id.slice(1, 8)}`, 23)] === id[8];
    },
    withoutContext: 'Always',
    context: /\bnie\b/i,
  },
  {
    country: 'IT',
    name: 'Codice fiscale',
    template: 'AAAsAAAsXXAXXsAXXXA',
    check: passesCodiceFiscale,
    withoutContext: 'Always',
    context: /fiscale/i,
  },
  {
    country: 'NL',
    name: 'Burgerservicenummer',
    template: 'ddddsddsddd',
    check: passesElevenTest,
    withoutContext: 'Never',
    context: /(?:\bbsn\b|burgerservice|sofi)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'NL',
    name: 'Burgerservicenummer',
    template: 'dddsdddsddd',
    check: passesElevenTest,
    withoutContext: 'Never',
    context: /(?:\bbsn\b|burgerservice|sofi)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'PL',
    name: 'PESEL',
    template: 'ddddddddddd',
    check: passesPesel,
    withoutContext: 'Never',
    context: /pesel[^0-9\n]{0,24}$/i,
  },
  {
    country: 'SE',
    name: 'Personnummer',
    template: 'dddddd-dddd',
    check: passesPersonnummer,
    withoutContext: 'Always',
    context: /person(?:al)?[- ]?nummer/i,
  },
  {
    country: 'SE',
    name: 'Personnummer',
    template: 'dddddddd-dddd',
    check: (id) => /^(?:19|20)/.test(id) && passesPersonnummer(id.slice(2)),
    withoutContext: 'Always',
    context: /person(?:al)?[- ]?nummer/i,
  },
  {
    country: 'SE',
    name: 'Personnummer',
    template: 'dddddddddddd',
    check: (id) => /^(?:19|20)/.test(id) && passesPersonnummer(id.slice(2)),
    withoutContext: 'Never',
    context: /person(?:al)?[- ]?nummer[^0-9\n]{0,24}$/i,
  },
  {
    country: 'SE',
    name: 'Personnummer',
    template: 'dddddddddd',
    check: passesPersonnummer,
    withoutContext: 'Never',
    context: /person(?:al)?[- ]?nummer[^0-9\n]{0,24}$/i,
  },
  {
    country: 'DK',
    name: 'CPR-nummer',
    template: 'dddddd-dddd',
    check: (id) => isDateOf('ddmmyy', id),
    withoutContext: 'Never',
    context: /(?:\bcpr\b|cpr-n|personn)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'NO',
    name: 'Fødselsnummer',
    template: 'ddddddsddddd',
    check: passesFodselsnummer,
    withoutContext: 'Always',
    context: /fødsels|personn/i,
  },
  {
    country: 'FI',
    name: 'Henkilötunnus',
    template: 'dddddd-dddX',
    check: (id) => {
      const digits = id.slice(0, 9);
      return isDateOf('ddmmyy', digits) && finnishCharacters[remainder(digits, 31)] === id[9];
    },
    withoutContext: 'Always',
    context: /hetu|henkilö/i,
  },
  {
    country: 'FI',
    name: 'Henkilötunnus of this century',
    template: 'ddddddAdddX',
    check: (id) => {
      const digits = `${id.slice(0, 6)}${id.slice(7, 10)}`;
      const isCentury = /^\d{6}[A-FYXWVU]/.test(id);
      return isCentury && isDateOf('ddmmyy', digits) && finnishCharacters[remainder(digits, 31)] === id[10];
    },
    withoutContext: 'Always',
    context: /hetu|henkilö/i,
  },
  {
    country: 'BE',
    name: 'Rijksregisternummer',
    template: 'ddsddsddsdddsdd',
    check: (id) => {
      const check = Number(id.slice(9));
      const passes = (digits: string) => 97 - remainder(digits, 97) === check;
      return isBelgianDate(id) && (passes(id.slice(0, 9)) || passes(`2${id.slice(0, 9)}`));
    },
    withoutContext: 'Grouped',
    context: /(?:rijksregister|registre national|\binsz\b|\bniss\b)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'CH',
    name: 'AHV-Nummer',
    template: 'dddsddddsddddsdd',
    check: (id) => id.startsWith('756') && weightedSum(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
    withoutContext: 'Always',
    context: /\bahv\b|\bavs\b/i,
  },
  {
    country: 'PT',
    name: 'NIF',
    template: 'dddsdddsddd',
    check: (id) => {
      const rest = weightedSum(id, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
      return /^[12356789]/.test(id) && Number(id[8]) === (rest < 2 ? 0 : 11 - rest);
    },
    withoutContext: 'Never',
    context: /(?:\bnif\b|contribuinte)[^0-9\n]{0,24}$/i,
  },
];

/** Among the first ten digits, exactly one occurs twice or three times (§ 1 StIdV). */
function hasOneRepeatedDigit(digits: string): boolean {
  const counts = Array.from('0123456789', (digit) => digits.split(digit).length - 1);
  const repeated = counts.filter((count) => count > 1);
  return repeated.length === 1 && (repeated[0] ?? 0) <= 3;
}

/** 97 minus the number modulo 97. Corsica's departments 2A and 2B count as 19 and 18. */
function passesNir(id: string): boolean {
  const department = id.slice(5, 7).replace('2A', '19').replace('2B', '18');
  const number = `${id.slice(0, 5)}${department}${id.slice(7, 13)}`;
  const month = Number(id.slice(3, 5));
  if (!/^[12378]\d{12}$/.test(number) || month < 1 || (month > 12 && month < 20) || month > 99) return false;
  return 97 - remainder(number, 97) === Number(id.slice(13));
}

/** The values of characters at odd positions, in the order 0-9 or A-J, then K-Z. */
const oddValues = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function passesCodiceFiscale(id: string): boolean {
  // Digits may be replaced by letters where two people would have the same code.
  if (!/^[A-Z]{6}[\dLMNPQRSTUV]{2}[ABCDEHLMPRST][\dLMNPQRSTUV]{2}[A-Z][\dLMNPQRSTUV]{3}[A-Z]$/.test(id)) return false;
  const sum = Array.from(id.slice(0, 15)).reduce((total, character, index) => {
    const value = Number.parseInt(character, 36);
    const order = value < 10 ? value : value - 10;
    return total + (index % 2 === 0 ? (oddValues[order] ?? 0) : order);
  }, 0);
  return String.fromCharCode(65 + (sum % 26)) === id[15];
}

function passesElevenTest(id: string): boolean {
  return weightedSum(id, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !/^0{3}/.test(id);
}

/** The month tells the century: 80 is added for the 19th, 20 for the 21st. */
function passesPesel(id: string): boolean {
  const month = Number(id.slice(2, 4)) % 20;
  const isDate = isDateOf('yymmdd', `${id.slice(0, 2)}${String(month).padStart(2, '0')}${id.slice(4, 6)}`);
  return isDate && weightedSum(id, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

/** A coordination number has 60 added to its day. */
function passesPersonnummer(id: string): boolean {
  const day = Number(id.slice(4, 6)) % 60;
  return isDateOf('yymmdd', `${id.slice(0, 4)}${String(day).padStart(2, '0')}`) && passesLuhn(id);
}

function passesFodselsnummer(id: string): boolean {
  const isDate = isDateOf('ddmmyy', id);
  return (
    isDate &&
    weightedSum(id, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0 &&
    weightedSum(id, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0
  );
}

/** The month may be 0, or have 20 or 40 added, for people without a known date or without residence. */
function isBelgianDate(id: string): boolean {
  const [month, day] = [Number(id.slice(2, 4)) % 20, Number(id.slice(4, 6))];
  return month <= 12 && day <= 31;
}
