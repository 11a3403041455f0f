import type { BindingRules } from '../crds/binding-rules.ts';
import { countsOfBinding, countsOfOrganization, type OrganizationRules, type RuleCount } from '../crds/rule-counts.ts';
import { figuresOf } from '../crds/rule-figures.ts';
import { userIdOf } from '../database/ids.ts';
import { findOrganization } from '../database/organizations.ts';
import type { Queryable } from '../database/queryable.ts';
import { readQuotaTime, readRuleUse, readStatedRules, type StatedRules } from '../database/rule-use.ts';
import { type RuleKind, type RuleRow, type RulesFormat, renderRules } from './get/render-rules.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface GetRulesOptions extends InstallationOptions {
  /** Absent: all of them. */
  readonly organization?: string;
  /** External id: only the counters of this user, and those that it shares. */
  readonly user?: string;
  readonly output: RulesFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone get limits` and `chaperone get budgets`: prints what is used of each rule in force. */
export async function getRules(
  kind: RuleKind,
  options: GetRulesOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const { organization, user, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const whose = user === undefined ? [] : ['--user', user];
    const command = ['get', kind, '--output', output, ...named, ...whose];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const rows = await withOwnerDatabase(database, `get-${kind}`, (db) => readRules(db, kind, { organization, user }));
  process.stdout.write(renderRules(kind, rows, output));
}

async function readRules(
  db: Queryable,
  kind: RuleKind,
  { organization, user }: { readonly organization: string | undefined; readonly user: string | undefined },
): Promise<RuleRow[]> {
  if (organization !== undefined && !(await findOrganization(db, organization))) {
    throw new Error(`There is no organization "${organization}" in the database`);
  }
  const rows: RuleRow[] = [];
  const atMs = await readQuotaTime(db);
  for (const stated of await readStatedRules(db, organization)) {
    const counts = countsOf(stated).filter((count) => (count.kind === 'budget') === (kind === 'budgets'));
    const rules = [...new Set(counts.map(({ rule }) => rule))];
    const userId = user === undefined ? null : userIdOf(stated.organizationId, user);
    const uses = rules.length === 0 ? [] : await readRuleUse(db, stated.organizationId, { rules, userId, atMs });
    rows.push(...figuresOf(counts, uses, atMs).map((figure) => ({ organization: stated.name, figure })));
  }
  return rows;
}

/** Only the operator writes them, from resources that were validated. */
function countsOf({ spec, bindings }: StatedRules): RuleCount[] {
  return [
    ...countsOfOrganization(spec as OrganizationRules),
    ...bindings.flatMap(({ binding, rules }) => countsOfBinding(rules as BindingRules, binding)),
  ];
}
