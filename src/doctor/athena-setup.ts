/** Checks whether Athena is usable: a table over the log files, the columns it has, and a results location. */

import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  GetWorkGroupCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { GetTableCommand, GlueClient, paginateGetTables, type Table } from '@aws-sdk/client-glue';
import { GetBucketLocationCommand, S3Client } from '@aws-sdk/client-s3';
import {
  bestTable,
  type Field,
  isProjected,
  type LogTable,
  namedTable,
  readTable,
} from '../collect/access-log/athena/table.ts';
import type { LogPlace } from '../collect/access-log/log-place.ts';
import { collectItems } from '../collect/aws/call.ts';
import type { Session } from '../collect/aws/session.ts';
import type { Config } from '../config.ts';
import { formatBytes } from '../format/amounts.ts';
import { command } from '../format/command.ts';
import type { DoctorFinding } from './finding.ts';
import { probeCall, probeFinding } from './probe.ts';
import { partitionOf } from './queue-address.ts';

interface AthenaCheckContext {
  athena: Config['athena'];
  account: string;
  place: LogPlace | null;
  /** A line of the access log, to test the table's pattern. */
  line: string | null;
}

export async function checkAthena(session: Session, context: AthenaCheckContext): Promise<DoctorFinding[]> {
  const [tables, results] = await Promise.all([checkTables(session, context), checkResults(session, context)]);
  if (tables.some(({ state }) => state === 'ok'))
    return [...tables, ...results, ...(await checkQueries(session, context))];
  // Without a table no query runs, so what Athena lacks is only worth a note.
  return [
    ...tables,
    ...results.map((finding) => (finding.state === 'missing' ? asNote(finding) : finding)),
    {
      about: 'Athena queries',
      state: 'untried',
      text: 'athena:StartQueryExecution, GetQueryExecution and GetQueryResults: there is no table to query',
    },
  ];
}

const asNote = ({ allow: _, ...finding }: DoctorFinding): DoctorFinding => ({ ...finding, state: 'note' });

/** Invalid SQL: Athena parses it on StartQueryExecution and rejects it with InvalidRequestException. Nothing runs. */
const NO_STATEMENT = 'alb502 may start queries';
/** A nonexistent query id: an allowed call gets "not found". */
const NO_QUERY = '00000000-0000-0000-0000-000000000000';

function workGroupArn({ place: { region } }: Session, { athena, account }: AthenaCheckContext): string {
  return `arn:${partitionOf(region)}:athena:${region}:${account}:workgroup/${athena.workGroup}`;
}

async function checkQueries(session: Session, context: AthenaCheckContext): Promise<DoctorFinding[]> {
  const client = session.client(AthenaClient);
  const { athena } = context;
  const resource = workGroupArn(session, context);
  const without = 'the answers of Athena cannot be had';
  const { outputLocation: OutputLocation } = athena;
  const found = await Promise.all([
    probeFinding(session, {
      action: 'athena:StartQueryExecution',
      resource,
      without: 'no query can be sent to Athena',
      call: (options) =>
        client.send(
          new StartQueryExecutionCommand({
            QueryString: NO_STATEMENT,
            WorkGroup: athena.workGroup,
            ...(OutputLocation === undefined ? {} : { ResultConfiguration: { OutputLocation } }),
          }),
          options,
        ),
    }),
    probeFinding(session, {
      action: 'athena:GetQueryExecution',
      resource,
      without,
      call: (options) => client.send(new GetQueryExecutionCommand({ QueryExecutionId: NO_QUERY }), options),
    }),
    probeFinding(session, {
      action: 'athena:GetQueryResults',
      resource,
      without,
      call: (options) => client.send(new GetQueryResultsCommand({ QueryExecutionId: NO_QUERY }), options),
    }),
  ]);
  return found.filter((one) => one !== null);
}

const SETUP = 'alb502 setup athena --create';

async function checkTables(
  session: Session,
  { athena, account, place, line }: AthenaCheckContext,
): Promise<DoctorFinding[]> {
  const about = 'Athena table';
  const { database, table: wanted } = athena;
  const client = session.client(GlueClient);
  // Use the same action as a diagnosis: GetTable for a configured table, else GetTables.
  const action = wanted === undefined ? 'glue:GetTables' : 'glue:GetTable';
  const answer = await probeCall(session, action, async (options) => {
    if (wanted === undefined)
      return collectItems(paginateGetTables({ client }, { DatabaseName: database }, options), (page) => page.TableList);
    const { Table } = await client.send(new GetTableCommand({ DatabaseName: database, Name: wanted }), options);
    return Table === undefined ? [] : [Table];
  });
  const without = 'log files are read from S3 instead, which costs more time when they are many';
  if (!('value' in answer)) {
    if (answer.name === 'EntityNotFoundException' && wanted === undefined)
      return [{ about, state: 'note', text: `the database ${database} does not exist; ${without}` }];
    if (answer.name === 'EntityNotFoundException')
      return [
        { about, state: 'missing', text: `${database}.${wanted}, as configured, does not exist; ${SETUP} makes it` },
      ];
    const { region } = session.place;
    const catalog = `arn:${partitionOf(region)}:glue:${region}:${account}`;
    return [
      {
        about,
        state: 'missing',
        text: `${answer.reason}; ${without}`,
        ...(answer.isDenied ? { allow: { action, resource: `${catalog}:*` } } : {}),
      },
    ];
  }
  const tables = answer.value;
  if (wanted !== undefined) {
    const table = tables.find(({ Name }) => Name === wanted);
    if (table === undefined)
      return [
        { about, state: 'missing', text: `${database}.${wanted}, as configured, does not exist; ${SETUP} makes it` },
      ];
    const { region } = session.place;
    const read = place === null ? readTable(database, table, { account, region }) : namedTable(database, table, place);
    if ('reason' in read) return [{ about, state: 'missing', text: `as configured, ${read.reason}` }];
    return judgeTable(table, read, line);
  }
  if (place === null) return [];
  const best = bestTable(database, tables, place);
  if (best === null)
    return [
      {
        about,
        state: 'note',
        text: `none of ${database} covers s3://${place.bucket}/${place.root}; ${without}. ${SETUP} makes one`,
      },
    ];
  return judgeTable(best.table, best.read, line);
}

/** Columns whose absence no other sentence of the table reports. */
const EXTRA: readonly Field[] = ['classification_reason', 'ip_address'];

function judgeTable(
  table: Table,
  { database, columns, partitions, limitations }: LogTable,
  line: string | null,
): DoctorFinding[] {
  const about = 'Athena table';
  const name = `${database}.${table.Name ?? ''}`;
  const count = table.StorageDescriptor?.Columns?.length ?? 0;
  const reason = columns.error_reason;
  const keys = (table.PartitionKeys ?? []).map(({ Name }) => Name ?? '');
  const findings: DoctorFinding[] = [
    {
      about,
      state: 'ok',
      text: `${name}: ${count} columns${reason === undefined ? '' : `, the reason of an error is ${reason}`}, ${keys.length === 0 ? 'no partitions' : `partitions by ${keys.join(', ')}`}`,
    },
    ...limitations.map((text): DoctorFinding => ({ about, state: 'note', text: text.replace(/[.]$/, '') })),
  ];
  const absent = EXTRA.filter((field) => columns[field] === undefined);
  if (absent.length > 0)
    findings.push({
      about,
      state: 'note',
      text: `${name} has no ${absent.join(', ')}: Athena cannot answer questions about these fields`,
    });
  if (partitions.by === 'nothing')
    findings.push({
      about,
      state: 'note',
      text: `${name} is not partitioned by ${keys.length === 0 ? 'anything' : 'a day'}: nothing bounds what a query may read, so none is sent unless the workgroup has a BytesScannedCutoffPerQuery, or --max-usd is given and s3:ListBucket is allowed; alb502 setup athena prints a table by day, and --engine duckdb needs none`,
    });
  else if (!isProjected(table.Parameters))
    findings.push({
      about,
      state: 'note',
      text: `the partitions of ${name} are not projected: a day that was not added has no rows`,
    });
  const pattern = table.StorageDescriptor?.SerdeInfo?.Parameters?.['input.regex'];
  if (pattern !== undefined && line !== null && !matches(pattern, line))
    findings.push({
      about,
      state: 'missing',
      text: `its pattern does not match current log lines, so all their columns are NULL. Drop the table (the log files stay) and create it again:`,
      remedy: `DROP TABLE \`${database}\`.\`${table.Name ?? ''}\`\n${SETUP}`,
    });
  return findings;
}

/** Whether RegexSerDe would fill the columns: the whole line must match. True for a pattern valid only in Java. */
function matches(pattern: string, line: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`).test(line);
  } catch {
    return true;
  }
}

async function checkResults(session: Session, context: AthenaCheckContext): Promise<DoctorFinding[]> {
  const about = 'Athena results';
  const { workGroup: name, outputLocation } = context.athena;
  const answer = await probeCall(session, 'athena:GetWorkGroup', (options) =>
    session.client(AthenaClient).send(new GetWorkGroupCommand({ WorkGroup: name }), options),
  );
  if (!('value' in answer)) {
    return [
      {
        about,
        state: 'missing',
        text:
          answer.name === 'InvalidRequestException'
            ? `there is no workgroup ${name} (athena.workGroup of the configuration)`
            : answer.reason,
        ...(answer.isDenied
          ? { allow: { action: 'athena:GetWorkGroup', resource: workGroupArn(session, context) } }
          : {}),
      },
    ];
  }
  const { State, Configuration } = answer.value.WorkGroup ?? {};
  if (State === 'DISABLED') return [{ about, state: 'missing', text: `the workgroup ${name} is disabled` }];
  const own = Configuration?.ResultConfiguration?.OutputLocation;
  const isManaged = Configuration?.ManagedQueryResultsConfiguration?.Enabled === true;
  const location = Configuration?.EnforceWorkGroupConfiguration ? own : (outputLocation ?? own);
  const cutoff = Configuration?.BytesScannedCutoffPerQuery;
  const limit = cutoff === undefined ? '' : `; a query may scan ${formatBytes(cutoff)}`;
  if (isManaged) return [{ about, state: 'ok', text: `workgroup ${name} keeps results itself${limit}` }];
  if (location === undefined || location === '')
    return [
      {
        about,
        state: 'missing',
        text: `the workgroup ${name} has no place for results: Athena refuses every query. Give it one, or set athena.outputLocation (ALB502_ATHENA_OUTPUT):`,
        remedy: command`aws athena update-work-group --work-group ${name} --configuration-updates ${'ResultConfigurationUpdates={OutputLocation=s3://<bucket>/<folder>/}'}`,
      },
    ];
  const fault = await checkBucket(session, location);
  return [fault ?? { about, state: 'ok', text: `workgroup ${name} writes to ${location}${limit}` }];
}

/** Returns the fault of the results bucket; null when it exists and Athena may read its location. */
async function checkBucket(session: Session, location: string): Promise<DoctorFinding | null> {
  const Bucket = /^s3:\/\/([^/]+)/.exec(location)?.[1] ?? '';
  const answer = await probeCall(session, 's3:GetBucketLocation', (options) =>
    session.client(S3Client).send(new GetBucketLocationCommand({ Bucket }), options),
  );
  if ('value' in answer) return null;
  const isGone = answer.name === 'NoSuchBucket';
  const resource = `arn:${partitionOf(session.place.region)}:s3:::${Bucket}`;
  return {
    about: 'Athena results',
    state: 'missing',
    text: isGone
      ? `they go to ${location}, and that bucket does not exist`
      : `${answer.reason}: Athena cannot write to ${location}`,
    ...(answer.isDenied ? { allow: { action: 's3:GetBucketLocation', resource } } : {}),
  };
}
