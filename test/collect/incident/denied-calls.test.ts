/** A saved folder names the same gaps as the live run, whichever call was denied. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collect } from '../../../src/collect/collect.ts';
import {
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../../src/collect/incident/save.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import { collectLive, incidentFolder } from '../../support/aws/live-run.ts';
import { DENIED, filesOf, openAccount } from '../../support/aws/recorded-account.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';

/** By incident: the calls that its diagnosis makes to name targets and deployments. */
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
  '032': ['ec2:DescribeInstances', 'autoscaling:DescribeScalingActivities', 'autoscaling:DescribeLifecycleHooks'],
  '040': ['ecs:ListServiceDeployments', 'ecs:DescribeServiceDeployments', 'ecs:DescribeServiceRevisions'],
};

describe.each(Object.entries(CALLS))('incident %s', (number, actions) => {
  it.each(actions)('names the same gaps once it is saved, without %s', async (action) => {
    const account = await openAccount(filesOf(incidentFolder(number)));
    account.always(action, DENIED);
    const { incident, question, evidence } = await collectLive(number);
    const { gaps } = diagnose(question, evidence);
    expect(account.asked.map((call) => call.action)).toContain(action);
    const dir = join(temporaryFolder(), 'saved');
    await saveIncident(dir, { question, evidence, incident });
    const saved = await readIncident(dir);
    const asked = questionToRecording(saved, { loadBalancer: null, window: null, statuses: null });
    const again = diagnose(asked, await collect(recordedCollectors(saved, asked)));
    console.info(action, gaps);
    expect(again.gaps).toEqual(gaps);
    expect(again.gapDetails).toEqual(diagnose(question, evidence).gapDetails);
  });
});
