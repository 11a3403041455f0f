import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DetectorConfigError } from '../../../../../proxy/guardrails/detect/config-error.ts';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import type { PiiKind } from '../../../../../proxy/guardrails/detect/pii/pii.ts';
import { assertByteSplits, assertSplits, found } from '../splits.ts';

/** Texts with what is to be found in them, with all kinds on. */
const texts: Readonly<Record<Exclude<PiiKind, 'email' | 'name'>, readonly (readonly [string, ...string[]])[]>> = {
  card: [
    ['4111 1111 1111 1111 12/27, 378282246310005', '4111 1111 1111 1111', '378282246310005'],
    ['Pay 30 by 5555-5555-5555-4444.', '5555-5555-5555-4444'],
    ['卡号4111111111111111。', '4111111111111111'],
    ['4111 1111 1111 1112 fails the check'],
    ['9111111111111119 has no known issuer'],
    ['0.4111111111111111, a3f4-4111111111111111, sum_4111111111111111, 4111111111111111-a'],
    ['4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'],
    ['4111111111111111111111111111'],
  ],
  iban: [
    ['DE89 3704 0044 0532 0130 00, GB82WEST12345698765432', 'DE89 3704 0044 0532 0130 00', 'GB82WEST12345698765432'],
    ['fr14 2004 1010 0505 0001 3M02 606', 'fr14 2004 1010 0505 0001 3M02 606'],
    ['DE89 3704 0044 0532 0130 01'],
    ['DE89 37040 044 0532 0130 00'],
    ['ZZ89370400440532013000'],
  ],
  ip: [
    ['10.0.0.1, http://192.168.1.20:8080/x, ssh root@10.1.2.3', '10.0.0.1', '192.168.1.20', '10.1.2.3'],
    ['fe80::1ff:fe23:4567:890a, ::1 and [2001:db8::2].', 'fe80::1ff:fe23:4567:890a', '::1', '2001:db8::2'],
    ['route 10.0.0.0/8, ::ffff:10.0.0.1', '10.0.0.0/8', '::ffff:10.0.0.1'],
    ['address 1.2.3.4', '1.2.3.4'],
    ['version 10.2.3.4, v10.2.3.4, 1.2.3.4, section 12.10.3.4, Chrome/126.0.0.0, pkg==10.2.3.4'],
    ['12:30:45, aa:bb:cc:dd:ee:ff, add::cafe, std::vector, 1.3.6.1.4.1.311, 01.02.20.23, 256.1.1.1'],
    ['aa:bb:cc:dd:ee:ff:00:11'],
  ],
  phone: [
    ['call (415) 555-2671 or +49 30 901820', '(415) 555-2671', '+49 30 901820'],
    ['+1-415-555-2671 on 2024-01-15', '+1-415-555-2671'],
    ['0049 30 901820', '0049 30 901820'],
    ['tel 030 901820', '030 901820'],
    ['1700000000, 1700000000000, 2024-01-15 12:30, 15.01.2024, 1234567890123, build 20240115'],
    ['3.14159265358979, 550e8400-e29b-41d4-a716-446655440000'],
  ],
  nationalId: [
    ['536-90-4399', '536-90-4399'],
    ['SSN 536904399, order 536904399', '536904399'],
    ['AB 12 34 56 C, AB123456C', 'AB 12 34 56 C', 'AB123456C'],
    ['steuer id 86095742719, 86 095 742 719', '86095742719', '86 095 742 719'],
    ['2 55 08 14 168 025 38', '2 55 08 14 168 025 38'],
    ['12345678Z, X1234567L, RSSMRA85T10A562S', '12345678Z', 'X1234567L', 'RSSMRA85T10A562S'],
    ['BSN 111222333, PESEL 44051401359', '111222333', '44051401359'],
    ['811218-9876, 529.982.247-25', '811218-9876', '529.982.247-25'],
    ['2341 2341 2346, 756.9217.0769.85, 131052-308T', '2341 2341 2346', '756.9217.0769.85', '131052-308T'],
    ['11010519491231002X', '11010519491231002X'],
    ['000-12-3456, 666-12-3456, BG123456A, 12345678A, X1234567A, RSSMRA85T10A562T'],
    ['529.982.247-24, 2341 2341 2347, 756.9217.0769.86, 131052-308U, 110105194912310021'],
  ],
  dateOfBirth: [
    ['Born on 12 March 1980; DOB: 1980-03-12', '12 March 1980', '1980-03-12'],
    ['geboren am 12.03.1980, née le 3 mai 1975', '12.03.1980', '3 mai 1975'],
    ['date of birth March 12, 1980. Meeting 12 March 2024', 'March 12, 1980'],
    ['生年月日：1980年3月12日', '1980年3月12日'],
    ['born on 31 February 1980, invoice of 1980-03-12'],
  ],
  address: [
    ['He lives at 221B Baker Street, London NW1 6XE.', '221B Baker Street, London NW1 6XE'],
    ['1600 Pennsylvania Ave, Apt 4, Washington, DC 20500', '1600 Pennsylvania Ave, Apt 4, Washington, DC 20500'],
    ['Musterstraße 12a, 10115 Berlin', 'Musterstraße 12a, 10115 Berlin'],
    ['12 rue de la Paix, 75002 Paris', '12 rue de la Paix, 75002 Paris'],
    ['Via Roma 12, Calle de Alcalá, 42', 'Via Roma 12', 'Calle de Alcalá, 42'],
    ['12 apples on the street, Spring 24, via email 12, 3 New Features'],
  ],
};

for (const [kind, rows] of Object.entries(texts)) {
  suite(`personal data: ${kind}`, () => {
    for (const [text, ...expected] of rows) {
      test(`finds ${expected.length > 0 ? expected.join(' | ') : 'nothing'} in ${text}`, async () => {
        const detector = await makeDetector({ detector: 'pii' });
        assert.deepEqual(
          found(detector, text),
          expected.map((each) => [kind, each]),
        );
        assertSplits(detector, text);
        assertByteSplits(detector, text);
      });
    }
  });
}

test('finds names of people where a rule asks for them, beside other kinds', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['name', 'email'] });
  const text = 'My name is Ada Lovelace. Write to ada@example.com! Charles Babbage came.\nNo one else did.';
  assert.deepEqual(found(detector, text), [
    ['name', 'Ada Lovelace'],
    ['email', 'ada@example.com'],
    ['name', 'Charles Babbage'],
  ]);
  assertSplits(detector, text);
});

test('finds only the kinds that a rule names', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['ip'] });
  assert.deepEqual(found(detector, 'ada@example.com at 10.0.0.1'), [['ip', '10.0.0.1']]);
});

test('refuses a rule without kinds, and regions that there are not', async () => {
  const expected = (field: string) => (error: unknown) => error instanceof DetectorConfigError && error.field === field;
  await assert.rejects(makeDetector({ detector: 'pii', kinds: [] }), expected('kinds'));
  await assert.rejects(makeDetector({ detector: 'pii', phoneRegions: ['US', 'XX'] }), expected('phoneRegions[1]'));
});
