/** Whether the failing share equals the weight of the second version of an alias. */
import { expect, it } from 'vitest';
import { weightedAlias } from '../../../src/diagnose/targets/weighted-alias.ts';
import { API, several, target, trafficOf } from '../../support/traffic/traffic-builder.ts';

const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:quotes';
const ALIAS = `${FUNCTION}:live`;
const alias = (weights?: Record<string, number>) => ({
  ...{ Name: 'live', FunctionVersion: '7' },
  ...(weights === undefined ? {} : { RoutingConfig: { AdditionalVersionWeights: weights } }),
});

/** 1,000 requests to the function, of which this many fail. */
function judge(failed: number, weights?: Record<string, number>) {
  const traffic = trafficOf(
    several(failed, 'lambda-failure', () => ({}), 1),
    {
      targets: [target('-', { requests: 1000, failures: failed })],
    },
  );
  return weightedAlias(traffic.errors, traffic, {
    functionAliases: { [ALIAS]: alias(weights) },
    targetHealth: { [API]: [{ Target: { Id: ALIAS } }] },
  });
}

it('names the alias, the version and its weight, with a command that sets weight 0', () => {
  expect(judge(98, { '8': 0.1 })).toEqual({
    sentence:
      'Alias live sends 10 % of the requests to version 8, and 9.8 % failed: as if every request to version 8 did.',
    stopgap: {
      summary: 'Send no request to version 8 until it is fixed: all then go to version 7.',
      commands: [
        `aws lambda update-alias --function-name ${FUNCTION} --name live --routing-config 'AdditionalVersionWeights={}'`,
      ],
      undo: 'Give version 8 its weight again afterwards: --routing-config AdditionalVersionWeights={8=0.1}.',
      sideEffects: [],
    },
  });
});

it.each<[string, number, Record<string, number> | undefined]>([
  ['many more requests fail than the version gets', 400, { '8': 0.1 }],
  ['a third of its requests fail, which other versions could as well', 33, { '8': 0.1 }],
  ['there is one version', 98, undefined],
  ['its weight is 0', 98, { '8': 0 }],
  ['few requests fail', 9, { '8': 0.01 }],
])('blames no version if %s', (_, failed, weights) => {
  expect(judge(failed, weights)).toBeNull();
});
