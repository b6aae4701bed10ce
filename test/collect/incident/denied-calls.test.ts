/** A saved folder names the same gaps as the live run, whichever call was denied. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../../src/commands/diagnose-command.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import { collectLive, incidentFolder } from '../../support/aws/live-run.ts';
import { DENIED, filesOf, openAccount } from '../../support/aws/recorded-account.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';

/** By incident: calls that name targets and their deployments. */
const CALLS: Record<string, string[]> = {
  '030': [
    'ecs:ListClusters',
    'ecs:ListServices',
    'ecs:DescribeServices',
    'ecs:ListTasks',
    'ecs:DescribeTasks',
    'ecs:DescribeTaskDefinition',
    'elasticloadbalancing:DescribeTags',
    'codedeploy:ListDeployments',
  ],
  '034': ['ec2:DescribeInstances', 'autoscaling:DescribeScalingActivities', 'autoscaling:DescribeLifecycleHooks'],
  '038': ['ec2:DescribeInstances', 'ecs:DescribeContainerInstances'],
  '040': ['codedeploy:BatchGetDeployments'],
  '041': ['ecs:ListServiceDeployments', 'ecs:DescribeServiceDeployments', 'ecs:DescribeServiceRevisions'],
};

/** The gaps of a live run without these calls, and those of its saved folder. */
async function gapsWithout(number: string, denied: readonly string[]) {
  const account = await openAccount(filesOf(incidentFolder(number)));
  for (const action of denied) account.always(action, DENIED);
  const { incident, question, evidence } = await collectLive(number);
  expect(account.asked.map(({ action }) => action)).toContain(denied[0]);
  const live = diagnose(question, evidence).gapDetails;
  const dir = join(temporaryFolder(), 'saved');
  await saveIncident(dir, { question, evidence, incident });
  const { diagnosis } = await diagnoseRecording(await readIncident(dir), '');
  return { live, saved: diagnosis.gapDetails };
}

describe.each(Object.entries(CALLS))('incident %s', (number, actions) => {
  it.each(actions)('has the same gap once it is saved, without %s', async (action) => {
    const { live, saved } = await gapsWithout(number, [action]);
    expect(saved).toEqual(live);
    expect(live.map(({ kind, sentence }) => `${kind}: ${sentence}`).join()).toContain(`${action} was denied`);
  });

  it('has the same gaps once it is saved, without all of these calls', async () => {
    const { live, saved } = await gapsWithout(number, actions);
    expect(saved).toEqual(live);
  });
});
