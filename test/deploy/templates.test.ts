/** The templates in deploy/ agree with the policies and with alb502 itself. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, type ScalarTag } from 'yaml';
import { createTable, LINE_PATTERN } from '../../src/collect/access-log/athena/ddl.ts';
import { parseConfig } from '../../src/config.ts';
import { ENVIRONMENT_NAMES } from '../../src/environment-names.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, 'deploy', file), 'utf8');

interface GlueTable {
  Parameters: Record<string, string>;
  StorageDescriptor: {
    Columns: { Name: string; Type: string }[];
    SerdeInfo: { Parameters: Record<string, string> };
  };
}

interface Statement {
  Sid?: string;
  Action: string | string[];
}
const actionsOf = ({ Action }: Statement): string[] => [Action].flat().sort();

/** Keeps short forms of functions as text. */
const TAGS: ScalarTag[] = ['!Ref', '!Sub', '!GetAtt', '!Equals', '!Not', '!And', '!If'].map((tag) => ({
  tag,
  resolve: (text: string) => text,
}));
const template = (file: string): unknown => parse(read(file), { customTags: TAGS, logLevel: 'error' });

/** Every object below a value that has a Sid, by it. */
function statementsIn(value: unknown): Map<string, string[]> {
  if (typeof value !== 'object' || value === null) return new Map();
  const own: [string, string[]][] =
    'Sid' in value && 'Action' in value ? [[String(value.Sid), actionsOf(value as Statement)]] : [];
  return new Map([...own, ...Object.values(value).flatMap((inner) => [...statementsIn(inner)])]);
}

const policies = new Map(
  ['iam-policy.json', 'iam-policy-alarms.json', 'iam-policy-runs-in-s3.json'].flatMap((file) => [
    ...statementsIn(JSON.parse(read(file))),
  ]),
);
/** What only the account of the bot needs: Athena, the queue and run records. */
const OF_THE_BOT = /Quer|Table|Queue|Runs/;

it('cloudformation.yml has the statements of the policies', () => {
  const allowed = statementsIn(template('cloudformation.yml'));
  expect(Object.fromEntries([...allowed].filter(([sid]) => policies.has(sid)))).toEqual(Object.fromEntries(policies));
});

it('stackset-role.yml has the statements that read an account, and no others', () => {
  const reads = Object.fromEntries([...policies].filter(([sid]) => !OF_THE_BOT.test(sid)));
  expect(Object.fromEntries(statementsIn(template('stackset-role.yml')))).toEqual(reads);
});

describe('every variable that a template sets is read by alb502', () => {
  const files = globSync('{*.yml,kubernetes/*.yaml,systemd/*,terraform/*.tf}', { cwd: join(root, 'deploy') }).sort();
  const known = [...Object.keys(ENVIRONMENT_NAMES), 'ALB502_CONFIG', 'ALB502_CONFIG_JSON'];

  it.each(files)('%s', (file) => {
    const named = read(file).match(/\bALB502_[A-Z_]+\b/g) ?? [];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

it('cloudformation.yml and the Terraform module create the same table as setup athena', () => {
  const [bucket, root] = ['logs', 'AWSLogs/123456789012/elasticloadbalancing/eu-west-1/'];
  const statement = createTable({ database: 'd', table: 't', bucket, root });
  const columns = [...(statement.split('PARTITIONED')[0] ?? '').matchAll(/^ {2}`(\w+)` (\w+)/gm)].map(
    ([, name, type]) => [name, type],
  );
  const settings = (text: string) =>
    Object.fromEntries([...text.matchAll(/'([\w.]+)' = '([^']*)'/g)].map(([, key, value]) => [key, value]));
  const { Resources } = template('cloudformation.yml') as {
    Resources: Record<string, { Properties: { TableInput: GlueTable } }>;
  };
  const table = Resources.LogTable?.Properties.TableInput;
  expect(table?.StorageDescriptor.Columns.map(({ Name, Type }) => [Name, Type])).toEqual(columns);
  expect(table?.StorageDescriptor.SerdeInfo.Parameters['input.regex']).toBe(LINE_PATTERN);
  const { EXTERNAL: _, 'storage.location.template': __, ...projection } = table?.Parameters ?? {};
  expect(settings(statement.split('TBLPROPERTIES')[1] ?? '')).toMatchObject(projection);
  const terraform = read('terraform/table.tf');
  expect([...terraform.matchAll(/^ {4}\["(\w+)", "(\w+)"\],$/gm)].map(([, name, type]) => [name, type])).toEqual(
    columns,
  );
  expect(terraform).toContain(`= ${JSON.stringify(LINE_PATTERN)}`);
});

it('the ConfigMap holds a valid configuration', () => {
  const { data } = parse(read('kubernetes/config-map.yaml')) as { data: { ALB502_CONFIG_JSON: string } };
  expect(parseConfig(JSON.parse(data.ALB502_CONFIG_JSON), {}, 'the ConfigMap').alarms.defaultChannel).toBe(
    'C0123456789',
  );
});

it('kustomization.yaml lists every manifest in its folder', () => {
  const { resources } = parse(read('kubernetes/kustomization.yaml')) as { resources: string[] };
  const beside = globSync('deploy/kubernetes/*.yaml', { cwd: root }).map((file) => basename(file));
  expect(resources.toSorted()).toEqual(beside.filter((file) => file !== 'kustomization.yaml').sort());
});

it('kustomization.yaml and docs/deploy.md name an image of this version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { images } = parse(read('kubernetes/kustomization.yaml')) as { images: { newTag: string }[] };
  const tags = readFileSync(join(root, 'docs/deploy.md'), 'utf8').matchAll(/\/alb502:(\S+?)["\s]/g);
  expect(new Set([...images.map(({ newTag }) => newTag), ...[...tags].map(([, tag]) => tag)])).toEqual(
    new Set([version]),
  );
});

it('each manifest has one object, and pods have a read-only root without privileges', () => {
  for (const file of globSync('deploy/kubernetes/*.yaml', { cwd: root }))
    expect(parseAllDocuments(readFileSync(join(root, file), 'utf8'))).toHaveLength(1);
  const { spec } = parse(read('kubernetes/deployment.yaml')) as {
    spec: { template: { spec: { containers: { securityContext: unknown }[] } } };
  };
  for (const { securityContext } of spec.template.spec.containers)
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
});
