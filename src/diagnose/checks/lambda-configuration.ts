import type { FunctionConfiguration } from '../../evidence/aws.ts';
import { list, plural, wholeSeconds } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { unseenRequests } from '../no-errors.ts';
import { functionOf, unhandledErrors } from '../patterns/lambda-functions.ts';
import { countErrors, targetGroupName } from '../traffic.ts';
import { defineCheck } from './check.ts';

export const lambdaConfiguration = defineCheck({
  id: 'lambda-configuration',
  step: 6,
  subject: 'the configuration of Lambda functions',
  question: 'Are the Lambda functions active, and do they finish within their timeout?',
  why: 'An inactive function cannot be invoked, and a function that times out is logged like any other unhandled error.',
  fix: 'Bring the function back to the state Active. If it times out, find out what it waits for, or raise its timeout.',
  reference: 'https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html',
  namedBy: ['lambda-error', 'lambda-throttled', 'lambda-timeout'],
  needs: ['targetGroups'],
  wants: ['targetHealth', 'functions', 'traffic'],

  evaluate({ targetGroups, targetHealth, functions, traffic }): CheckVerdict {
    const groups = targetGroups
      .filter(({ TargetType }) => TargetType === 'lambda')
      .map(({ TargetGroupArn }) => TargetGroupArn);
    if (groups.length === 0) return { outcome: 'not-applicable', summary: 'No target is a Lambda function.' };
    const evidence = { ...(targetHealth && { targetHealth }), ...(functions && { functions }) };
    const read = groups.map((arn) => ({ arn, configuration: functionOf(arn, evidence).configuration }));
    const described = read.flatMap(({ arn, configuration }) => (configuration ? [{ arn, configuration }] : []));
    const facts = described.flatMap(({ arn, configuration: { Timeout } }) =>
      Timeout === undefined
        ? []
        : [{ label: `timeout of ${targetGroupName(arn)}`, value: Timeout, unit: 'seconds' as const }],
    );
    const stopped = described.filter(({ configuration: { State } }) => State !== undefined && State !== 'Active');
    const timedOut = traffic ? unhandledErrors(traffic, evidence).filter((group) => group.timedOut.length > 0) : [];
    const problems = [
      ...stopped.map(({ arn, configuration }) => `${functionLabel(arn, configuration)} is ${configuration.State}.`),
      ...timedOut.map(
        (group) =>
          `${plural(countErrors(group.timedOut), 'request')} to ${functionLabel(group.target_group_arn, group.target.configuration)} ran into its timeout of ${wholeSeconds(group.timeout ?? 0)}.`,
      ),
    ];
    if (problems.length > 0) return { outcome: 'fail', summary: problems.join(' '), facts };
    const unread = read.filter(({ configuration }) => configuration === null).map(({ arn }) => targetGroupName(arn));
    if (unread.length > 0) {
      return {
        outcome: 'unknown',
        summary: `The configuration of the function behind ${list(unread)} could not be read.`,
        facts,
      };
    }
    const each = described.map(
      ({ arn, configuration }) => `${functionLabel(arn, configuration)}${timeoutText(configuration)}`,
    );
    const unseen = unseenRequests(traffic);
    if (unseen !== null) {
      return {
        outcome: 'unknown',
        summary: `${list(each)}; could not check whether a request ran into a timeout: ${unseen.words}.`,
        facts,
        ...(unseen.missing ? { missing: true } : {}),
      };
    }
    return { outcome: 'pass', summary: `${list(each)}; no request ran into a timeout.`, facts };
  },
});

const functionLabel = (arn: string, configuration: FunctionConfiguration | null): string =>
  configuration?.FunctionName ?? `the function behind ${targetGroupName(arn)}`;

const timeoutText = ({ Timeout, State }: FunctionConfiguration): string =>
  [
    ...(State ? [` is ${State}`] : []),
    ...(Timeout === undefined ? [] : [` has a timeout of ${wholeSeconds(Timeout)}`]),
  ].join(' and');
