/**
 * The CREATE TABLE statement for access logs: AWS's own statement with partition projection and a longer end of the
 * pattern. The fields added after conn_trace_id get columns, and lines of every older form still match.
 * https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table-partition-projection.html
 */
import { Problem } from '../../../problem.ts';

export const STANDARD_TABLE = 'alb_access_logs';

const COLUMNS: readonly [name: string, type: string][] = [
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
  ['transformed_host', 'string'],
  ['transformed_uri', 'string'],
  ['request_transform_status', 'string'],
  ['ip_address', 'string'],
];

const QUOTED = '"([^"]*)"';

/** Method, URL and version; malformed requests lack some of them. Tools that copy lines may leave quotes unescaped. */
const REQUEST = '"([^ "]*) ?(.*?)(?: (- |-|HTTP/[^ "]*|))?"';

/** Up to the last place where the TLS fields and a target group follow. */
const USER_AGENT = '"(.*)"';

/**
 * The RegexSerDe pattern of a line: one group per column and one for future fields. Java and JavaScript read it the
 * same way.
 */
export const LINE_PATTERN = [
  '([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*)',
  ' (|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*)',
  ` ${REQUEST} ${USER_AGENT} ([A-Z0-9-_]+) ([A-Za-z0-9.-]*) ([^ ]*)`,
  ` ${QUOTED} ${QUOTED} ${QUOTED} ([-.0-9]*) ([^ ]*) ${QUOTED} ${QUOTED} ${QUOTED}`,
  ` ${QUOTED} ${QUOTED} ${QUOTED} ${QUOTED}`,
  `(?: ([^ "]+))?(?: ${QUOTED} ${QUOTED} ${QUOTED})?(?: ([^ ]+))?( .*)?`,
].join('');

interface TablePlace {
  database: string;
  table: string;
  bucket: string;
  /** Prefix of all log files of one account and region: up to the slash before the year. */
  root: string;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Characters that need no escape in S3, plus a few; no quotes, and no `$`, which starts a projection variable. */
const ROOT = /^(?:[\w!.*()=@:,+ -]+\/)*AWSLogs\/\d{12}\/elasticloadbalancing\/[a-z0-9-]+\/$/;

/** Returns the statement. Throws Problem (exit 1) for a name or location that cannot appear in it. */
export function createTable({ database, table, bucket, root }: TablePlace): string {
  for (const [value, pattern, what] of [
    [database, NAME, 'the name of a database'],
    [table, NAME, 'the name of a table'],
    [bucket, BUCKET, 'the name of a bucket'],
    [root, ROOT, 'a folder of access logs'],
  ] as const) {
    if (!pattern.test(value))
      throw new Problem(`${JSON.stringify(value)} is not ${what} that a table can be made for.`, 1);
  }
  const location = `s3://${bucket}/${root}`;
  return `CREATE EXTERNAL TABLE IF NOT EXISTS \`${database}\`.\`${table}\` (
${COLUMNS.map(([name, type]) => `  \`${name}\` ${type}`).join(',\n')}
)
PARTITIONED BY (\`day\` string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
WITH SERDEPROPERTIES (
  'serialization.format' = '1',
  'input.regex' = '${LINE_PATTERN.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}'
)
LOCATION '${location}'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.day.type' = 'date',
  'projection.day.range' = '2022/01/01,NOW',
  'projection.day.format' = 'yyyy/MM/dd',
  'projection.day.interval' = '1',
  'projection.day.interval.unit' = 'DAYS',
  'storage.location.template' = '${location}\${day}'
)`;
}
