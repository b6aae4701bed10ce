/** Reads a configuration stored in AWS: a Systems Manager parameter, or a secret. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { Problem } from '../../problem.ts';
import { describeAwsError } from './aws-errors.ts';
import { type ClientSettings, settingsFor } from './sdk-clients.ts';
import { standardRegion } from './session.ts';

/** Region of an ARN; null for a plain name. */
const regionOf = (nameOrArn: string): string | null => /^arn:[^:]*:[^:]*:([^:]+):/.exec(nameOrArn)?.[1] ?? null;

/** `nameOrArn`: "/alb502/config". Throws Problem (exit 2) if AWS refuses. */
export function readParameter(nameOrArn: string): Promise<string | null> {
  return readStored('ssm:GetParameter', nameOrArn, async (settings) => {
    const client = new SSMClient(settings);
    const { Parameter } = await client.send(new GetParameterCommand({ Name: nameOrArn, WithDecryption: true }));
    return Parameter?.Value ?? null;
  });
}

/** `nameOrArn` of a text secret. Throws Problem (exit 2) if AWS refuses. */
export function readSecret(nameOrArn: string): Promise<string | null> {
  return readStored('secretsmanager:GetSecretValue', nameOrArn, async (settings) => {
    const client = new SecretsManagerClient(settings);
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: nameOrArn }));
    return SecretString ?? null;
  });
}

async function readStored(
  action: string,
  nameOrArn: string,
  read: (settings: ClientSettings) => Promise<string | null>,
): Promise<string | null> {
  const region = regionOf(nameOrArn) ?? (await standardRegion(undefined));
  try {
    return await read(settingsFor({ account: 'default', region }));
  } catch (error) {
    const isMissing = error instanceof Error && /^(ParameterNotFound|ResourceNotFoundException)$/.test(error.name);
    const why = isMissing ? `there is no ${nameOrArn} in ${region}` : describeAwsError(error, { action, region });
    throw new Problem(`The configuration cannot be read: ${why}.`, 2);
  }
}
