import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../../directories.ts';

const resources = join(repository, 'node_modules', 'openai', 'resources');

/** What sessions do with each event that OpenAI's SDK can send. One that a later SDK adds needs a decision here. */
const decided: Readonly<Record<string, { readonly file: string; readonly events: Readonly<Record<string, string>> }>> =
  {
    RealtimeClientEvent: {
      file: 'realtime/realtime.d.ts',
      events: {
        'session.update': 'governed: model, persona, tools and guardrails of the session',
        'response.create': 'governed: a call, with limits and a record',
        'conversation.item.create': 'governed: guardrails, and what it refers to',
        'input_audio_buffer.append': 'governed: refused where a guardrail would have to read sound',
        'input_audio_buffer.commit': 'governed: a transcription is a call',
        'conversation.item.delete': 'passes: it makes no call',
        'conversation.item.retrieve': 'passes: it makes no call',
        'conversation.item.truncate': 'passes: it makes no call',
        'input_audio_buffer.clear': 'passes: it makes no call',
        'output_audio_buffer.clear': 'passes: it makes no call',
        'response.cancel': 'passes: the call ends as cancelled',
      },
    },
    ResponsesClientEvent: {
      file: 'responses/responses.d.ts',
      events: {
        'response.create': 'governed: a call, as by POST',
        'response.steer': 'refused by name: the input of a call that goes on could not be checked and counted',
      },
    },
  };

for (const [union, { file, events }] of Object.entries(decided)) {
  test(`each member of ${union} is governed, passes or is refused on purpose`, () => {
    assert.deepEqual(eventsOf(readFileSync(join(resources, file), 'utf8'), union), Object.keys(events).sort());
  });
}

/** The values of `type` of the members of a union, as the SDK's types declare them. */
function eventsOf(types: string, union: string): string[] {
  const [, members = ''] = new RegExp(`^export type ${union} = ([^;]+);`, 'm').exec(types) ?? [];
  return members
    .split('|')
    .map((member) => typeOf(types, member.trim().split('.').at(-1) ?? ''))
    .sort();
}

function typeOf(types: string, name: string): string {
  const [, body = ''] =
    new RegExp(`^ *(?:export )?interface ${name} (?:extends \\w+ )?\\{([\\s\\S]*?)\\n *\\}`, 'm').exec(types) ?? [];
  const [, type] = /^ *type: '([\w.]+)';/m.exec(body) ?? [];
  assert.ok(type, `${name} has a type`);
  return type;
}
