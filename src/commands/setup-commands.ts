/**
 * Defines the `alb502 setup` commands. Each prints what an operator needs for one part; only `athena --create` changes
 * anything.
 */
import type { Command } from 'commander';
import { list } from '../format/wording.ts';
import { Problem } from '../problem.ts';
import type { SetupAlarmsOptions } from './setup-alarms.ts';
import type { SetupAthenaOptions } from './setup-athena.ts';
import type { SetupConfigOptions } from './setup-config.ts';
import type { SetupIamOptions } from './setup-iam.ts';
import type { SetupLogsOptions } from './setup-logs.ts';
import type { SetupSlackOptions } from './setup-slack.ts';

export function addSetupCommands(alb502: Command): void {
  const setup = alb502
    .command('setup')
    .summary('print what one part of the setup needs')
    .description(
      'Prints what one part of the setup needs: the Slack app, permissions, configuration, alarms, the access log or its Athena table.',
    )
    .usage('<command> [options]')
    .allowExcessArguments()
    .action((_options, { args: [what] }: Command) => {
      const names = list(
        setup.commands.map((one) => one.name()),
        setup.commands.length,
      );
      const fault = what === undefined ? 'setup needs the name of a part' : `There is no part '${what}' of setup`;
      throw new Problem(`${fault}: ${names}.`, 1);
    });

  setup
    .command('slack')
    .description('Prints the manifest of the Slack app, to paste at api.slack.com/apps.')
    .option(
      '--http <url>',
      'receive requests over HTTP at this address of the bot, such as https://bot.example.com, instead of in Socket Mode',
    )
    .option('--optional', 'include the scopes that only some features need')
    .action(async (options: SetupSlackOptions) => {
      const { setupSlack } = await import('./setup-slack.ts');
      await setupSlack(options);
    });

  setup
    .command('iam')
    .description(
      'Prints the IAM policy of the bot, with the names from its configuration and the buckets of your load balancers filled in.',
    )
    .option('--account <name>', 'print the policy for the role in this configured account')
    .option(
      '--log-bucket <place...>',
      'buckets of access logs, such as my-logs/AWSLogs/, instead of looking them up in AWS',
    )
    .option('--log-group <name...>', 'log groups of vended access logs')
    .option('--cloudfront-log-bucket <place...>', 'buckets that hold CloudFront standard logs')
    .option('--cloudfront-log-group <name...>', 'log groups that hold CloudFront standard logs, in us-east-1')
    .option('--log-key <id>', 'KMS key that encrypts vended logs')
    .option('--athena', 'include Athena, even if the configuration does not mention it')
    .option('--results-key <id>', 'KMS key that encrypts Athena results')
    .option('--lake-formation', 'include the permission for a table governed by Lake Formation')
    .option('--region <region>', 'where to look for load balancers')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .action(async (options: SetupIamOptions) => {
      const { setupIam } = await import('./setup-iam.ts');
      await setupIam(options);
    });

  setup
    .command('config')
    .description(
      'Prints a configuration to start from; stderr lists the settings that are missing, and what each means.',
    )
    .option('--channel <id>', 'channel for alarms that no route matches')
    .option('--queue <url>', 'queue of alarms')
    .option('--runs-bucket <name>', 'bucket of run records, instead of a folder')
    .option('--config <file>', 'configuration to add to (default: alb502.json)')
    .action(async (options: SetupConfigOptions) => {
      const { setupConfig } = await import('./setup-config.ts');
      await setupConfig(options);
    });

  setup
    .command('alarms')
    .description('Prints the commands that create the alarm queue and send alarms to it.')
    .option('--queue <name>', 'name, URL or ARN of the queue (default: the configured one, else alb502-alarms)')
    .option('--topic <arn...>', 'SNS topics of the alarms, instead of an EventBridge rule')
    .option('--region <region>', 'region of the queue, if only its name is given')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .action(async (options: SetupAlarmsOptions) => {
      const { setupAlarms } = await import('./setup-alarms.ts');
      await setupAlarms(options);
    });

  addLogCommands(setup);
}

/** The rest concerns the access log. */
function addLogCommands(setup: Command): void {
  setup
    .command('logs')
    .description(
      'Prints the commands that turn on the access log of a load balancer, starting with the bucket policy and retention.',
    )
    .argument('<load-balancer>', 'its name or ARN')
    .option('--bucket <name>', 'bucket for the log files')
    .option('--prefix <prefix>', 'key prefix of the log files')
    .option('--vended', "use a vended log (Parquet) instead of the load balancer's own files")
    .option('--log-group <name>', 'send a vended log (JSON) to this log group instead of a bucket')
    .option('--days <number>', 'days after which logs are deleted', '30')
    .option('--region <region>', 'where to look for the load balancer')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .action(async (name: string, options: SetupLogsOptions) => {
      const { setupLogs } = await import('./setup-logs.ts');
      await setupLogs(name, options);
    });

  setup
    .command('athena')
    .description(
      'Prints the CREATE TABLE for the access logs of this account and region. --create runs it and changes nothing else.',
    )
    .argument('[load-balancer]', 'use the log folder of this load balancer, if there are several')
    .option('--create', 'run the statement')
    .option('--region <region>', 'region of the load balancers')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .action(async (name: string | undefined, options: SetupAthenaOptions) => {
      const { setupAthena } = await import('./setup-athena.ts');
      await setupAthena(name, options);
    });
}
