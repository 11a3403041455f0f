import { completeConfig } from '../../../../proxy/governance/configs/config.ts';

/** A config with three categories, but for what the test says. */
export function makeConfig(changes: Parameters<typeof completeConfig>[0] | object = {}) {
  return completeConfig({
    analysis_type: 'intent',
    categories: [
      { name: 'support' },
      { name: 'billing', description: 'Money', examples: ['invoice'] },
      { name: 'other' },
    ],
    ...changes,
  });
}
