import { Counter, type Registry } from 'prom-client';

export type KnowledgeMetrics = ReturnType<typeof makeKnowledgeMetrics>;

/** Makes the metrics of the index of knowledge bases. */
export function makeKnowledgeMetrics(registry: Registry) {
  return {
    passages: new Counter({
      name: 'chaperone_knowledge_passages_total',
      help: 'Passages of articles that a vector was asked for, by outcome: made, or refused by the provider.',
      labelNames: ['outcome'],
      registers: [registry],
    }),
  };
}
