import { Type } from 'typebox';

/** The part of a query string that pages through a list. */
export const paging = {
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100, description: 'How many are wanted at most.' }),
  offset: Type.Integer({ minimum: 0, default: 0, maximum: 1_000_000_000, description: 'How many are left out first.' }),
};

/** What an answer says of the page beside its items. */
export const page = {
  total: Type.Integer({ description: 'How many there are in all.' }),
  limit: Type.Integer(),
  offset: Type.Integer(),
};
