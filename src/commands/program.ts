/** Defines the command line. Each command loads its code when it runs, so that help is instant. */

import { Command, CommanderError, Option } from 'commander';
import { Problem } from '../problem.ts';
import type { AlarmOptions } from './alarm.ts';
import type { DiagnoseOptions } from './diagnose-options.ts';
import type { DoctorOptions } from './doctor.ts';
import type { HealthOptions } from './health.ts';
import { HELP } from './help.ts';
import { packageVersion } from './package-root.ts';
import { printNotice } from './print-notice.ts';
import type { ServeOptions } from './serve.ts';
import { addSetupCommands } from './setup-commands.ts';

/** Runs one command; resolves to the exit code. */
export async function main(argv: string[]): Promise<number> {
  process.on('uncaughtException', (error) => process.exit(report(error)));
  try {
    await program().parseAsync(argv);
    return 0;
  } catch (error) {
    return report(error);
  }
}

function program(): Command {
  const alb502 = new Command('alb502')
    .description("Finds the root cause of a load balancer's 502, 503 and 504 errors, and shows the evidence.")
    .version(packageVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    // addHelp() also knows the parts of setup.
    .helpCommand(false)
    .exitOverride()
    // report() prints errors in one sentence.
    .configureOutput({ writeErr: () => {} });
  alb502.helpInformation = () => HELP;

  addDiagnose(alb502);
  addDemo(alb502);
  addDoctor(alb502);
  addSetupCommands(alb502);
  addServe(alb502);
  addHealth(alb502);
  addAlarm(alb502);
  addHelp(alb502);
  return alb502;
}

function addDiagnose(alb502: Command): void {
  alb502
    .command('diagnose')
    .summary('diagnose a load balancer, or a recorded incident')
    .description(
      'Diagnoses a load balancer in AWS, or a recorded incident: a folder with access logs, metrics and AWS CLI output. The default window is the last 15 minutes; times are UTC unless they name a zone. Changes no AWS resource; Athena stores its query results.',
    )
    .usage('[options] [load-balancer] [last 15m | from T to T] [502 | 503 | 5xx ...]')
    // Without a description, help does not list it a second time below the usage.
    .argument('[question...]')
    .option(
      '--from <dir>',
      'diagnose a recorded incident instead of AWS; load balancer, window and statuses default to the recorded ones',
    )
    .addOption(new Option('--region <region>', 'region of the load balancer').conflicts('from'))
    .addOption(new Option('--profile <name>', 'profile of the AWS configuration').conflicts('from'))
    .addOption(new Option('--config <file>', 'configuration file (default: alb502.json)').conflicts('from'))
    .addOption(
      new Option(
        '--engine <engine>',
        'how to read the access log: athena queries its table, duckdb downloads the files from S3 and reads them locally, cloudwatch-logs queries the log group, auto chooses by size and cost',
      )
        .choices(['athena', 'duckdb', 'cloudwatch-logs', 'auto'])
        .conflicts('from'),
    )
    .addOption(
      new Option(
        '--max-usd <amount>',
        'the most that reading the access log may cost, in US dollars (default: 1)',
      ).conflicts('from'),
    )
    .addOption(
      new Option(
        '--wait',
        'retry until the access log is complete, up to 15 minutes after the window, then print the final diagnosis',
      ).conflicts('from'),
    )
    .option(
      '--look-back <duration>',
      "also read the access log from before the window, 24h for example, to measure the targets' keep-alive timeout",
    )
    .option('--save <dir>', 'also save the evidence, redacted, as a folder that --from can read')
    .addOption(new Option('--json', 'print the diagnosis as JSON').conflicts('markdown'))
    .option('--markdown', 'print the diagnosis as Markdown, for a post-mortem')
    .option('--redact', 'show only the parts of requests that are safe to share')
    .action(async (words: string[], options: DiagnoseOptions) => {
      const { diagnoseCommand } = await import('./diagnose-command.ts');
      await diagnoseCommand(words, options);
    });
}

function addDemo(alb502: Command): void {
  alb502
    .command('demo')
    .summary('diagnose an incident that ships with alb502')
    .description('Diagnoses a recorded incident that ships with alb502, and lists the others.')
    .argument('[incident]', 'its name or number (default: the first)')
    .action(async (name: string | undefined) => {
      const { demo } = await import('./demo.ts');
      await demo(name);
    });
}

function addDoctor(alb502: Command): void {
  alb502
    .command('doctor')
    .summary('show what works and what is missing')
    .description(
      'Checks an account the way a diagnosis would: what works, what is missing, and the exact permission or setting for each gap. Changes nothing.',
    )
    .argument('[load-balancer]', 'also check its access log: whether it is on, arrives and can be read')
    .option('--strict', 'exit with code 3 if anything is missing')
    .option('--region <region>', 'where to look')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .action(async (name: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import('./doctor.ts');
      await doctor(name, options);
    });
}

function addServe(alb502: Command): void {
  alb502
    .command('serve')
    .summary('run the Slack bot')
    .description(
      'Runs the Slack bot. Tokens come from the environment: SLACK_BOT_TOKEN, and SLACK_APP_TOKEN in Socket Mode or SLACK_SIGNING_SECRET over HTTP.',
    )
    .option('--check', 'check tokens, configuration and permissions, then exit')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .addOption(new Option('--recorded <dir...>', 'answer from recorded incidents instead of AWS').conflicts('check'))
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./serve.ts');
      await serve(options);
    });
}

function addHealth(alb502: Command): void {
  alb502
    .command('health')
    .summary('whether the bot on this machine answers')
    .description(
      'Asks the bot on this machine whether it is up, and prints its answer. Exits with 2 if the bot does not answer.',
    )
    .option('--ready', 'check that it is connected to Slack')
    .option('--port <number>', 'port instead of the configured one')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .action(async (options: HealthOptions) => {
      const { health } = await import('./health.ts');
      await health(options);
    });
}

function addAlarm(alb502: Command): void {
  alb502
    .command('alarm')
    .summary('handle one alarm message by hand')
    .description(
      'Reads one alarm message from standard input, as SNS or EventBridge sends it. With SLACK_BOT_TOKEN it posts to Slack as the bot would; otherwise, or with --dry-run, it prints the alarm as read and the diagnosis.',
    )
    .option('--dry-run', 'print the parsed alarm and the diagnosis; post nothing')
    .option('--config <file>', 'configuration file (default: alb502.json)')
    .option('--recorded <dir...>', 'answer from recorded incidents instead of AWS')
    .addOption(new Option('--json', 'print the diagnosis as JSON').conflicts('markdown'))
    .option('--markdown', 'print the diagnosis as Markdown')
    .action(async (options: AlarmOptions) => {
      const { alarm } = await import('./alarm.ts');
      await alarm(options);
    });
}

function addHelp(alb502: Command): void {
  alb502
    .command('help')
    .summary('show the help of a command')
    .argument('[command...]')
    .action((names: string[]) => {
      let command = alb502;
      for (const name of names) {
        const part = command.commands.find((one) => one.name() === name);
        if (part === undefined) throw new Problem(`There is no command '${names.join(' ')}'; see alb502 --help.`, 1);
        command = part;
      }
      command.help();
    });
}

/** Prints any error on stderr in one sentence, or with its stack if ALB502_DEBUG is set. Returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    printNotice(`${oneLine(error.message.replace(/^error: |[.]$/g, ''))}; see alb502 --help.`);
    return 1;
  }
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  const exitCode = error instanceof Problem ? error.exitCode : 2;
  if (process.env.ALB502_DEBUG) for (const line of stack.split('\n')) printNotice(line);
  else if (error instanceof Problem) printNotice(oneLine(message));
  else printNotice(`Something broke: ${oneLine(message)} (ALB502_DEBUG=1 shows where).`);
  return exitCode;
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();
