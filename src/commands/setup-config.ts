/** `alb502 setup config`: prints a configuration to start from, and what it leaves out. */
import { join } from 'node:path';
import { parseConfig, RUNS_FOLDER } from '../config.ts';
import { packageRoot } from './package-root.ts';
import { printNotice } from './print-notice.ts';
import { isConfigFileEmpty, readConfigContent } from './read-config.ts';

export interface SetupConfigOptions {
  channel?: string;
  queue?: string;
  runsBucket?: string;
  config?: string;
}

type Json = Record<string, unknown>;

/** Prints the configuration on stdout, and remarks on stderr. Throws Problem (exit 1) with every mistake. */
export async function setupConfig({ channel, queue, runsBucket, config: file }: SetupConfigOptions): Promise<void> {
  const isEmpty = await isConfigFileEmpty(file);
  const { content, source } = isEmpty ? { content: {}, source: '' } : await readConfigContent(file);
  // Validate the existing content first, so that its mistakes name its source.
  parseConfig(content, {}, source);
  const current = section(content);
  const alarms = section(current.alarms);
  const changed = {
    ...current,
    ...(runsBucket === undefined
      ? {}
      : { runs: withoutFolder({ ...section(current.runs), s3: { bucket: runsBucket } }) }),
    ...(channel === undefined && queue === undefined
      ? {}
      : {
          alarms: {
            ...alarms,
            ...(queue === undefined ? {} : { sqs: { ...section(alarms.sqs), queueUrl: queue } }),
            ...(channel === undefined ? {} : { defaultChannel: channel }),
          },
        }),
  };
  const { accounts, alarms: read, runs, slack } = parseConfig(changed, {}, 'of these options');
  process.stdout.write(`${JSON.stringify(changed, null, 2)}\n`);
  const hasAlarms = read.sqs !== undefined || read.sns !== undefined;
  const remarks = [
    isEmpty &&
      'alb502.json was empty, so this begins anew: the shell empties the file that > writes to. To change a configuration, write to another file first.',
    accounts.every(({ roleArn }) => roleArn === undefined) &&
      'accounts: only the one that your AWS credentials belong to. To add another, set its roleArn and regions.',
    accounts.some(({ roleArn, externalId }) => roleArn !== undefined && externalId === undefined) &&
      'accounts[].externalId: not set; a role made by deploy/stackset-role.yml asks for one.',
    !hasAlarms &&
      'alarms.sqs.queueUrl: not set, so no alarm opens a thread. --queue sets it; alb502 setup alarms makes a queue.',
    hasAlarms &&
      read.defaultChannel === undefined &&
      'alarms.defaultChannel: not set, so alarms that no route matches get no thread. --channel sets it; Slack shows the ID at the end of the details of a channel.',
    runs.s3 === undefined &&
      `runs: in the folder ${runs.folder ?? RUNS_FOLDER}, which must outlive a restart. --runs-bucket keeps them in S3, which several replicas can share.`,
    slack.allow.users.length + slack.allow.userGroups.length + slack.allow.channels.length === 0 &&
      'slack.allow: not set, so everybody in the workspace may ask, in every channel with the bot.',
    `Editors complete it with "$schema": ${JSON.stringify(join(packageRoot(), 'schema', 'configuration.schema.json'))}.`,
  ];
  for (const remark of remarks) if (remark) printNotice(remark);
}

const section = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};

/** Removes the folder, which would contradict a bucket. */
function withoutFolder({ folder: _, ...runs }: Json): Json {
  return runs;
}
