import { passesLuhn, passesVerhoeff, weightedSum } from '../check-digits.ts';
import { isBirthDate, isDateOf } from './dates.ts';
import type { NationalId } from './national-id.ts';

const mexicanCharacters = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';

export const elsewhere: readonly NationalId[] = [
  {
    country: 'US',
    name: 'Social Security number',
    template: 'dddSddSdddd',
    check: isSocialSecurityNumber,
    withoutContext: 'Always',
    context: /\bssn\b|social security/i,
  },
  {
    country: 'US',
    name: 'Social Security number without hyphens',
    template: 'ddddddddd',
    check: isSocialSecurityNumber,
    withoutContext: 'Never',
    context: /(?:\bssn\b|social security)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'CA',
    name: 'Social Insurance Number',
    template: 'dddsdddsddd',
    check: (id) => /^[1-79]/.test(id) && passesLuhn(id),
    withoutContext: 'Never',
    context: /(?:\bsin\b|social insurance|\bnas\b|assurance sociale)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'BR',
    name: 'CPF',
    template: 'dddsdddsdddsdd',
    check: passesCpf,
    withoutContext: 'Grouped',
    context: /cpf[^0-9\n]{0,24}$/i,
  },
  {
    country: 'IN',
    name: 'Aadhaar',
    template: 'ddddsddddsdddd',
    check: (id) => /^[2-9]/.test(id) && passesVerhoeff(id),
    withoutContext: 'Grouped',
    context: /(?:aadhaar|aadhar|आधार|\buid\b)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'MX',
    name: 'CURP',
    template: 'AAAAddddddAAAAAAXd',
    check: passesCurp,
    withoutContext: 'Always',
    context: /curp/i,
  },
  {
    country: 'CN',
    name: '居民身份证',
    template: 'dddddddddddddddddX',
    check: (id) => {
      const sum = weightedSum(id, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
      return isBirthDate(id.slice(6, 14)) && '10X98765432'[sum % 11] === id[17];
    },
    withoutContext: 'Always',
    context: /身份证/,
  },
  {
    country: 'JP',
    name: 'マイナンバー',
    template: 'ddddsddddsdddd',
    check: (id) => {
      const rest = weightedSum(id, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
      return Number(id[11]) === (rest <= 1 ? 0 : 11 - rest);
    },
    withoutContext: 'Never',
    context: /(?:マイナンバー|個人番号|my number)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'KR',
    name: '주민등록번호',
    template: 'dddddd-ddddddd',
    check: (id) => {
      const sum = weightedSum(id, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
      return isDateOf('yymmdd', id) && /^\d{6}[1-8]/.test(id) && (11 - (sum % 11)) % 10 === Number(id[12]);
    },
    withoutContext: 'Always',
    context: /주민/,
  },
  {
    country: 'ZA',
    name: 'South African identity number',
    template: 'ddddddddddddd',
    check: (id) => isDateOf('yymmdd', id) && /^\d{10}[01]/.test(id) && passesLuhn(id),
    withoutContext: 'Never',
    context: /(?:south african? id|\bid\b|\brsa\b)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'TR',
    name: 'T.C. kimlik numarası',
    template: 'ddddddddddd',
    check: passesKimlik,
    withoutContext: 'Never',
    context: /(?:kimlik|\btckn\b|\btc no\b)[^0-9\n]{0,24}$/i,
  },
  {
    country: 'AU',
    name: 'Tax file number',
    template: 'dddsdddsddd',
    check: (id) => weightedSum(id, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
    withoutContext: 'Never',
    context: /(?:\btfn\b|tax file)[^0-9\n]{0,24}$/i,
  },
];

/** No area 000, 666 or 9xx, no group 00, no serial 0000 (SSA); and none of the two that advertisements made known. */
function isSocialSecurityNumber(id: string): boolean {
  if (id === '078051120' || id === '219099999') return false;
  return /^(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}$/.test(id);
}

function passesCpf(id: string): boolean {
  if (/^(\d)\1{10}$/.test(id)) return false;
  const isDigit = (digit: number, weights: readonly number[]) => ((weightedSum(id, weights) * 10) % 11) % 10 === digit;
  return (
    isDigit(Number(id[9]), [10, 9, 8, 7, 6, 5, 4, 3, 2]) && isDigit(Number(id[10]), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
  );
}

function passesCurp(id: string): boolean {
  if (!/^[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d$/.test(id) || !isDateOf('yymmdd', id.slice(4))) return false;
  const sum = Array.from(id.slice(0, 17)).reduce((total, character, index) => {
    return total + mexicanCharacters.indexOf(character) * (18 - index);
  }, 0);
  return (10 - (sum % 10)) % 10 === Number(id[17]);
}

function passesKimlik(id: string): boolean {
  if (id[0] === '0') return false;
  const [odd, even] = [weightedSum(id, [1, 0, 1, 0, 1, 0, 1, 0, 1]), weightedSum(id, [0, 1, 0, 1, 0, 1, 0, 1])];
  const [tenth, eleventh] = [(((odd * 7 - even) % 10) + 10) % 10, (odd + even + Number(id[9])) % 10];
  return tenth === Number(id[9]) && eleventh === Number(id[10]);
}
