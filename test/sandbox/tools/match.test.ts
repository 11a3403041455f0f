import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchTools } from '../../../sandbox/tools/match.ts';
import type { Tool } from '../../../sandbox/tools/tool.ts';

const tool = (name: string, description = ''): Tool => ({ kind: 'function', name, description, parameters: null });

const office = [
  tool('get_weather', 'Get the current weather in a city'),
  tool('get_weather_alerts'),
  tool('send_email'),
  tool('lookupOrder'),
  tool('calculator'),
  tool('hr-policies', 'Searches the handbook for holidays, parental leave and sick days'),
];

const cases: [said: string, called: string[]][] = [
  ['What is the weather in Paris?', ['get_weather']],
  ['Are there weather alerts?', ['get_weather_alerts']],
  ['Call get_weather', ['get_weather']],
  ['Where is my order 17?', ['lookupOrder']],
  ['Where are my ORDERS?', ['lookupOrder']],
  ['Calculate 2 + 2', ['calculator']],
  ['How many sick days and holidays do I have?', ['hr-policies']],
  ['I feel sick', []],
  ['Email Bob the weather', ['get_weather', 'send_email']],
  ['Hello!', []],
  ['Get me the current one, please', []],
  ['', []],
];

for (const [said, called] of cases) {
  test(`asks for ${called.join(' and ') || 'no tool'}: ${said}`, () => {
    assert.deepEqual(
      matchTools(office, said)
        .map(({ name }) => name)
        .sort(),
      called,
    );
  });
}

test('a tool whose name has only common words is matched by them', () => {
  assert.equal(matchTools([tool('search')], 'Search for cats').length, 1);
  assert.equal(matchTools([tool('search_web')], 'Search for cats').length, 0);
});

test('the best match is called first, whatever the order of the tools', () => {
  const named = (tools: Tool[]) => matchTools(tools, 'Book a flight to Rome, and a hotel room').map(({ name }) => name);
  const tools = [tool('hotel_prices'), tool('book_flight')];
  assert.deepEqual(named(tools), ['book_flight', 'hotel_prices']);
  assert.deepEqual(named(tools.toReversed()), ['book_flight', 'hotel_prices']);
});
