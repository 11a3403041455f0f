import { Type } from 'typebox';

export const language = Type.String({
  pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$',
  maxLength: 35,
  description: 'Such as `en`. Absent: it is found out.',
});
