/** The public price lists, by the names of the providers that bill by them. */
export type PriceList = 'openai' | 'anthropic';
