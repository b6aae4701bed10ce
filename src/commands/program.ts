/** The command line: words and options in, exit code out. What a command does is loaded when it runs, so that help is instant. */
import { Command, CommanderError, Option } from 'commander';
import { Problem } from '../problem.ts';
import type { AlarmOptions } from './alarm.ts';
import type { DiagnoseOptions } from './diagnose-command.ts';
import type { DoctorOptions } from './doctor.ts';
import type { HealthOptions } from './health.ts';
import { HELP } from './help.ts';
import { packageVersion } from './package-root.ts';
import type { ServeOptions } from './serve.ts';
import type { SetupOptions } from './setup.ts';

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
    .description("Names the root cause of a load balancer's 502, 503 and 504, and shows its working.")
    .version(packageVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .exitOverride()
    // report() prints the one sentence of an error.
    .configureOutput({ writeErr: () => {} });
  alb502.helpInformation = () => HELP;

  alb502
    .command('diagnose')
    .summary('diagnose a load balancer, or a recorded incident')
    .description(
      'Diagnoses a load balancer in AWS, which is only read, or a recorded incident: a folder with access logs and, where there are any, metrics and what the AWS CLI printed.',
    )
    .usage('[options] [load-balancer] [last 15m | from T to T] [502 | 504 | 5xx ...]')
    .argument('[words...]', 'load balancer, window, statuses; with --from, what is left out is as recorded')
    .option('--from <dir>', 'a recorded incident instead of AWS')
    .addOption(new Option('--region <region>', 'where the load balancer is').conflicts('from'))
    .addOption(new Option('--profile <name>', 'profile of the AWS configuration').conflicts('from'))
    .addOption(new Option('--config <file>', 'configuration instead of alb502.json').conflicts('from'))
    .addOption(
      new Option('--engine <engine>', 'what reads the access log: auto weighs the others')
        .choices(['athena', 'duckdb', 'cloudwatch-logs', 'auto'])
        .conflicts('from'),
    )
    .addOption(new Option('--max-usd <amount>', 'the most that reading it may cost').conflicts('from'))
    .addOption(
      new Option('--wait', 'ask again while logs still arrive, and print the final diagnosis').conflicts('from'),
    )
    .option(
      '--look-back <duration>',
      'read the access log that far before the window too, for the keep-alive measurement alone',
    )
    .option('--save <dir>', 'also save the incident, redacted, as a folder that --from reads')
    .addOption(new Option('--json', 'print the diagnosis as JSON').conflicts('markdown'))
    .option('--markdown', 'print the diagnosis as Markdown, for a post-mortem')
    .option('--redact', 'show of requests only what may be given to others')
    .action(async (words: string[], options: DiagnoseOptions) => {
      const { diagnoseCommand } = await import('./diagnose-command.ts');
      await diagnoseCommand(words, options);
    });

  alb502
    .command('demo')
    .summary('diagnose an incident that ships with alb502')
    .description('Diagnoses a recorded incident that ships with alb502, and names the others.')
    .argument('[incident]', 'its name or number; the first if left out')
    .action(async (name: string | undefined) => {
      const { demo } = await import('./demo.ts');
      await demo(name);
    });

  alb502
    .command('doctor')
    .summary('what works, what is missing')
    .description(
      'Looks at an account as a diagnosis would, and says what works, what is missing, and the exact permission or setting for each gap. Changes nothing.',
    )
    .argument('[load-balancer]', 'its access log too: whether it is on, arrives and can be read')
    .option('--strict', 'end with 3 if something is missing')
    .option('--region <region>', 'where to look')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration instead of alb502.json')
    .action(async (name: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import('./doctor.ts');
      await doctor(name, options);
    });

  alb502
    .command('setup')
    .summary('the table that Athena reads access logs by')
    .description(
      'Prints the CREATE TABLE for the access logs of this account and region. With --create it is run; nothing else is ever changed.',
    )
    .usage('athena [options] [load-balancer]')
    .argument('<what>', 'athena')
    .argument('[load-balancer]', 'the one whose log folder is meant, where there are several')
    .option('--create', 'run the statement')
    .option('--region <region>', 'where to look')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--config <file>', 'configuration instead of alb502.json')
    .action(async (what: string, name: string | undefined, options: SetupOptions) => {
      const { setup } = await import('./setup.ts');
      await setup(what, name, options);
    });

  alb502
    .command('serve')
    .summary('the Slack bot')
    .description(
      'Runs the Slack bot until it is told to stop. Tokens are taken from the environment: SLACK_BOT_TOKEN, and SLACK_APP_TOKEN in socket mode or SLACK_SIGNING_SECRET with http.',
    )
    .option('--check', 'verify tokens, configuration and permissions, and end')
    .option('--config <file>', 'configuration instead of alb502.json')
    .addOption(
      new Option('--recorded <dir...>', 'answer from recorded incidents instead of AWS, to try it').conflicts('check'),
    )
    .action(async (options: ServeOptions) => {
      const { serve } = await import('./serve.ts');
      await serve(options);
    });

  alb502
    .command('health')
    .summary('whether the bot on this machine answers')
    .description('Asks the bot on this machine whether it is up: prints its answer, and ends with 2 if there is none.')
    .option('--ready', 'whether questions of Slack reach it')
    .option('--port <number>', 'port instead of the configured one')
    .option('--config <file>', 'configuration instead of alb502.json')
    .action(async (options: HealthOptions) => {
      const { health } = await import('./health.ts');
      await health(options);
    });

  alb502
    .command('alarm')
    .summary('one message of an alarm, by hand')
    .description(
      'Reads the message of an alarm from the standard input, as SNS or EventBridge sends it. With SLACK_BOT_TOKEN it does what the bot does with it; without, or with --dry-run, it prints what was understood and the diagnosis.',
    )
    .option('--dry-run', 'only print what was understood, and the diagnosis')
    .option('--config <file>', 'configuration instead of alb502.json')
    .option('--recorded <dir...>', 'answer from recorded incidents instead of AWS, to try it')
    .addOption(new Option('--json', 'print the diagnosis as JSON').conflicts('markdown'))
    .option('--markdown', 'print the diagnosis as Markdown')
    .action(async (options: AlarmOptions) => {
      const { alarm } = await import('./alarm.ts');
      await alarm(options);
    });

  return alb502;
}

/** One sentence on stderr for whatever went wrong. The stack is for whoever asks for it with ALB502_DEBUG. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    printError(`${oneLine(error.message.replace(/^error: |[.]$/g, ''))}; alb502 --help shows what there is.`);
    return 1;
  }
  const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
  const exitCode = error instanceof Problem ? error.exitCode : 2;
  if (process.env.ALB502_DEBUG) printError(stack);
  else if (error instanceof Problem) printError(oneLine(message));
  else printError(`Something broke: ${oneLine(message)} (ALB502_DEBUG=1 shows where).`);
  return exitCode;
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();

function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}
