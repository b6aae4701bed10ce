/** Tables as people have them over their access logs: columns, partitions, and the pattern that fills them. */
import type { Column } from '@aws-sdk/client-glue';
import { LINE_PATTERN } from '../../../src/collect/access-log/athena/ddl.ts';
import { VENDED_FIELDS } from '../../../src/collect/access-log/vended/record-line.ts';

/** The pattern that AWS prints: https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table-partition-projection.html */
const OFFICIAL_PATTERN =
  /([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) "([^ ]*) (.*) (- |[^ ]*)" "([^"]*)" ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^"]*)" ([-.0-9]*) ([^ ]*) "([^"]*)" "([^"]*)" "([^ ]*)" "([^\s]+?)" "([^\s]+)" "([^ ]*)" "([^ ]*)" ?([^ ]*)? ?( .*)?/;

/** The same, as it was before conn_trace_id: anchored at the end, so that newer lines do not match. */
export const OLD_PATTERN = new RegExp(OFFICIAL_PATTERN.source.replace(/ \?\(\[\^ \]\*\)\? \?\( \.\*\)\?$/, ''));

const OFFICIAL: readonly [string, string][] = [
  ['type', 'string'],
  ['time', 'string'],
  ['elb', 'string'],
  ['client_ip', 'string'],
  ['client_port', 'int'],
  ['target_ip', 'string'],
  ['target_port', 'int'],
  ['request_processing_time', 'double'],
  ['target_processing_time', 'double'],
  ['response_processing_time', 'double'],
  ['elb_status_code', 'int'],
  ['target_status_code', 'string'],
  ['received_bytes', 'bigint'],
  ['sent_bytes', 'bigint'],
  ['request_verb', 'string'],
  ['request_url', 'string'],
  ['request_proto', 'string'],
  ['user_agent', 'string'],
  ['ssl_cipher', 'string'],
  ['ssl_protocol', 'string'],
  ['target_group_arn', 'string'],
  ['trace_id', 'string'],
  ['domain_name', 'string'],
  ['chosen_cert_arn', 'string'],
  ['matched_rule_priority', 'string'],
  ['request_creation_time', 'string'],
  ['actions_executed', 'string'],
  ['redirect_url', 'string'],
  ['lambda_error_reason', 'string'],
  ['target_port_list', 'string'],
  ['target_status_code_list', 'string'],
  ['classification', 'string'],
  ['classification_reason', 'string'],
  ['conn_trace_id', 'string'],
];

const NEWER: readonly [string, string][] = [
  'transformed_host',
  'transformed_uri',
  'request_transform_status',
  'ip_address',
].map((name) => [name, 'string']);

export interface TableForm {
  columns: readonly [name: string, type: string][];
  keys: readonly [name: string, type: string][];
  /** Of a partition key for the file in this folder, "2026/03/10". */
  valueOf: (key: string, day: string) => string;
  parameters: Record<string, string>;
  pattern: RegExp;
}

export const columnsOf = (form: TableForm): Column[] => form.columns.map(([Name, Type]) => ({ Name, Type }));
export const keysOf = (form: TableForm): Column[] => form.keys.map(([Name, Type]) => ({ Name, Type }));

const PROJECTION = {
  'projection.enabled': 'true',
  'projection.day.type': 'date',
  'projection.day.range': '2022/01/01,NOW',
  'projection.day.format': 'yyyy/MM/dd',
};

const official: TableForm = {
  columns: OFFICIAL,
  keys: [['day', 'string']],
  valueOf: (_, day) => day,
  parameters: PROJECTION,
  pattern: OFFICIAL_PATTERN,
};

const renamed = (names: Record<string, string>, types: Record<string, string> = {}): TableForm['columns'] =>
  OFFICIAL.map(([name, type]) => [names[name] ?? name, types[name] ?? type]);

const isQuoted = (field: string): boolean =>
  /^(?:request_line|user_agent|trace_id|domain_name|chosen_cert_arn|actions_executed|redirect_url|error_reason|target_port_list|target_status_code_list|classification|classification_reason|transformed_host|transformed_uri|request_transform_status)$/.test(
    field,
  );

const part = (key: string, day: string): string => day.split('/')[['year', 'month', 'day'].indexOf(key)] ?? '';

/** A table over Parquet of a vended delivery with Hive paths; its rows are loaded from lines, since there are no files behind it here. */
export const VENDED_PARQUET: TableForm = {
  columns: VENDED_FIELDS.map((name) => [
    name,
    name.endsWith('_processing_time') ? 'double' : name.endsWith('_bytes') ? 'bigint' : 'string',
  ]),
  keys: [
    ['year', 'string'],
    ['month', 'string'],
    ['day', 'string'],
  ],
  valueOf: part,
  parameters: {},
  pattern: new RegExp(VENDED_FIELDS.map((name) => (isQuoted(name) ? '"([^"]*)"' : '([^ ]*)')).join(' ')),
};

export const FORMS = {
  "AWS's own": official,
  'the one alb502 makes': { ...official, columns: [...OFFICIAL, ...NEWER], pattern: new RegExp(LINE_PATTERN) },
  'with text for statuses and times': {
    ...official,
    columns: renamed(
      { lambda_error_reason: 'error_reason', target_port_list: 'target_ip_port_list' },
      {
        elb_status_code: 'string',
        request_processing_time: 'string',
        target_processing_time: 'string',
        response_processing_time: 'string',
        received_bytes: 'string',
        client_port: 'string',
        target_port: 'string',
      },
    ),
  },
  'with year, month and day': {
    ...official,
    keys: [
      ['year', 'string'],
      ['month', 'string'],
      ['day', 'string'],
    ],
    valueOf: part,
    parameters: {},
  },
  'with year, month and day as numbers': {
    ...official,
    keys: [
      ['year', 'int'],
      ['month', 'int'],
      ['day', 'int'],
    ],
    valueOf: part,
    parameters: {},
  },
  'with a date': { ...official, keys: [['dt', 'date']], valueOf: (_, day) => day.replaceAll('/', '-'), parameters: {} },
  'with days written another way': {
    ...official,
    keys: [
      ['region', 'string'],
      ['date', 'string'],
    ],
    valueOf: (key, day) => (key === 'region' ? 'eu-west-1' : day.replaceAll('/', '-')),
    parameters: {
      'projection.enabled': 'TRUE',
      'projection.date.range': '2020-01-01,NOW',
      'projection.date.format': 'yyyy-MM-dd',
    },
  },
  'with another name for the time': { ...official, columns: renamed({ time: 'logged', elb: 'balancer_name' }) },
  'without partitions': { ...official, keys: [], parameters: {} },
} satisfies Record<string, TableForm>;

/** A table that lacks columns: the fields behind them are read and dropped, as a view over it would. */
export const without = (form: TableForm, ...names: string[]): TableForm => ({
  ...form,
  columns: form.columns.filter(([name]) => !names.includes(name)),
  pattern: dropGroups(form, names),
});

/** Makes groups of these columns ones that do not capture. */
function dropGroups({ columns, pattern }: TableForm, names: readonly string[]): RegExp {
  let index = -1;
  return new RegExp(
    pattern.source.replace(/\\.|\[(?:\\.|[^\]])*\]|\((\?:)?/g, (token, plain) => {
      if (!token.startsWith('(') || plain !== undefined) return token;
      index += 1;
      return names.includes(columns[index]?.[0] ?? '') ? '(?:' : '(';
    }),
  );
}
