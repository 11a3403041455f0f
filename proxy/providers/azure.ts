import type { ProviderAdapter } from './adapter.ts';
import { placeAtAzure } from './azure/place.ts';
import { openai } from './openai.ts';

/**
 * Azure OpenAI. It speaks OpenAI's API at other addresses, and what calls name as the model is a deployment. Its answers
 * name the model that is deployed, so they have OpenAI's prices.
 */
export const azure: ProviderAdapter = {
  authorize: (secret, { azure: settings }) =>
    settings?.usesTokens ? { authorization: `Bearer ${secret}` } : { 'api-key': secret },
  place: ({ azure: settings }, path, model) => placeAtAzure(settings?.apiVersion, path, model),
  // Its list has what could be deployed, and not what is.
  models: ({ azure: settings }) => settings?.deployments ?? [],
  priceList: 'openai',
  formats: offered(),
};

/** Azure moderates by filters of its own, and has no variations of images. */
function offered(): ProviderAdapter['formats'] {
  const { moderations: _, image_variations: __, ...formats } = openai.formats;
  return formats;
}
