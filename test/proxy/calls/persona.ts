import type { Persona } from '../../../proxy/snapshot/snapshot.ts';

/** An active persona that is open to everyone, but for what the test says. */
export function makePersona(changes: Partial<Persona> = {}): Persona {
  return {
    id: '6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10',
    resource: 'team/support',
    name: 'support',
    description: null,
    content: 'Be kind.',
    users: new Set(),
    model: undefined,
    parameters: {},
    isActive: true,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}
